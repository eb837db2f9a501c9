/* The writing of response heads: RFC 9112 section 4. */
#ifndef H1_RESPONSE_WRITER_H
#define H1_RESPONSE_WRITER_H

#include "http/date.h"
#include "http/response.h"

/* What the Connection field of a response says: RFC 9112 section 9.3, 9.6. */
enum h1_persistence {
    H1_PERSIST,            /* nothing: an HTTP/1.1 connection goes on */
    H1_PERSIST_KEEP_ALIVE, /* "keep-alive": an HTTP/1.0 client asked for it */
    H1_PERSIST_CLOSE,      /* "close": this is the last response */
};

/* Where the date stands in every head that h1_response_write wrote: behind the status line and "Date: ". */
size_t h1_response_date_offset(int status);

/* The field line of the Connection field, with its line end; empty for H1_PERSIST. */
struct slice h1_response_connection(enum h1_persistence persistence);

/* Bytes that h1_response_write writes at most. */
size_t h1_response_size(const struct http_response *response);

/* Writes a whole head, with its empty line, at `out`; returns its length. Content of unknown length is said
 * to come in chunks. The Connection field stands last, right before the empty line. */
size_t h1_response_write(char *out, const struct http_response *response, const char date[HTTP_DATE_LENGTH],
                         enum h1_persistence persistence);

#endif
