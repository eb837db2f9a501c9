/* The plain 200 response for a file, and the headers of all other responses with a file. */
#ifndef FILES_FILE_HEAD_H
#define FILES_FILE_HEAD_H

#include "http/date.h"
#include "serve/exchange.h"

/* Responds 200 with exchange->file. The hot path: no allocation. */
void file_respond_plain(struct exchange *exchange);

/* Whether the response is negotiated: as soon as a second coding of the file exists, whichever is sent. */
static inline bool file_is_negotiated(const struct file *file)
{
    return file->siblings != 0 || file->coding != HTTP_CODING_IDENTITY;
}

/* Adds Content-Type, and Content-Encoding if the file is coded. */
void file_add_type(struct exchange *exchange, const struct file *file);

/* Adds the headers of a 200 or 206 response with a file: type, coding, validators, and those of the
 * route's settings. `date` is storage for one of them; it must stay valid until the head is written, which
 * exchange_respond does. */
void file_add_fields(struct exchange *exchange, struct file *file, char date[HTTP_DATE_LENGTH]);

/* Adds those of them that a 304 repeats. */
void file_add_validators(struct exchange *exchange, struct file *file, char date[HTTP_DATE_LENGTH]);

#endif
