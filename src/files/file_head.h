/* The plain answer to a plain request for a file, and the fields of all others. */
#ifndef FILES_FILE_HEAD_H
#define FILES_FILE_HEAD_H

#include "http/date.h"
#include "serve/exchange.h"

/* Answers 200 with exchange->file. The hot path: no allocation. */
void file_respond_plain(struct exchange *exchange);

/* Negotiation goes on as soon as there is a second form of the file, whichever is sent. */
static inline bool file_is_negotiated(const struct file *file)
{
    return file->siblings != 0 || file->coding != HTTP_CODING_IDENTITY;
}

/* Content-Type, and Content-Encoding where the file is coded. */
void file_add_type(struct exchange *exchange, const struct file *file);

/* The fields of a file's 200 and 206: type, coding, validators, and what the route's settings add. `date` is
 * room for one of them; it must stay until the head is written, which exchange_respond does. */
void file_add_fields(struct exchange *exchange, struct file *file, char date[HTTP_DATE_LENGTH]);

/* Those of them that a 304 repeats. */
void file_add_validators(struct exchange *exchange, struct file *file, char date[HTTP_DATE_LENGTH]);

#endif
