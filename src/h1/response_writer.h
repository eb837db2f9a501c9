/* Writing response heads: RFC 9112 section 4. */
#ifndef H1_RESPONSE_WRITER_H
#define H1_RESPONSE_WRITER_H

#include "http/date.h"
#include "http/response.h"

/* The Connection header of a response: RFC 9112 section 9.3, 9.6. */
enum h1_persistence {
    H1_PERSIST,            /* none: an HTTP/1.1 connection persists */
    H1_PERSIST_KEEP_ALIVE, /* "keep-alive": an HTTP/1.0 client asked for it */
    H1_PERSIST_UPGRADE,    /* "Upgrade": with 101, the connection leaves HTTP */
    H1_PERSIST_CLOSE,      /* "close": this is the last response */
};

/* The offset of the date in a head written by h1_response_write: after the status line and "Date: ". */
size_t h1_response_date_offset(int status);

/* The Connection header line, with its line end; empty for H1_PERSIST. */
struct slice h1_response_connection(enum h1_persistence persistence);

/* The maximum number of bytes that h1_response_write writes. */
size_t h1_response_size(const struct http_response *response);

/* Writes a whole head, including the empty line, to `out`; returns its length. For content of unknown
 * length it announces chunked coding. The Connection header is last, right before the empty line. */
size_t h1_response_write(char *out, const struct http_response *response, const char date[HTTP_DATE_LENGTH],
                         enum h1_persistence persistence);

/* The same for the last chunk of a response with these trailers (RFC 9112 section 7.1). */
size_t h1_last_chunk_size(const struct http_response *trailers);
size_t h1_last_chunk_write(char *out, const struct http_response *trailers);

#endif
