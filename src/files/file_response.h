/* Responses whose content is a file, with conditional requests and ranges. */
#ifndef FILES_FILE_RESPONSE_H
#define FILES_FILE_RESPONSE_H

#include "serve/exchange.h"

/* Responds to GET or HEAD with a regular file: 200, 206, 304, 412 or 416. Takes over the reference to the
 * file. */
void file_respond(struct exchange *exchange, struct file *file);

/* Responds with the file as content, with the status and headers of the response that was begun. Takes
 * over the reference to the file. Conditions and ranges are ignored: the file is not what was requested. */
void file_respond_as_error(struct exchange *exchange, struct file *file);

#endif
