/* Responses whose content is a file: conditions, ranges, and the plain answer. */
#ifndef FILES_FILE_RESPONSE_H
#define FILES_FILE_RESPONSE_H

#include "serve/exchange.h"

/* Answers GET or HEAD with a regular file, whose reference it takes: 200, 206, 304, 412 or 416. */
void file_respond(struct exchange *exchange, struct file *file);

/* Answers with the status of the response that was begun (and the fields that were added to it), and the
 * file, whose reference it takes, as content. No conditions, no ranges: the file is not what was asked for.
 */
void file_respond_as_error(struct exchange *exchange, struct file *file);

#endif
