/* The framing of content, for requests and responses: a length, chunks, or the end of the connection (RFC
 * 9112 sections 6 and 7). Bytes in, content and trailers out; it can stop and resume at any byte, and buffers
 * nothing. */
#ifndef H1_CONTENT_H
#define H1_CONTENT_H

#include "base/slice.h"

struct h1_limits;

/* The limit for a chunk-size line with its extensions and CRLF: beyond it 400. vif uses no extensions, and
 * a sender of one-byte chunks with long extensions would make us read a multiple of the content. */
#define H1_CHUNK_LINE_BYTES_MAX 256

enum h1_content_state {
    H1_CONTENT_STATE_DONE,            /* the message is complete */
    H1_CONTENT_STATE_LENGTH,          /* `remaining` bytes follow, at least one */
    H1_CONTENT_STATE_UNTIL_CLOSE,     /* everything received is content */
    H1_CONTENT_STATE_CHUNK_SIZE,      /* hexadecimal digits */
    H1_CONTENT_STATE_EXT_BLANKS,      /* blanks before a ';' */
    H1_CONTENT_STATE_EXT_START,       /* after ';': blanks, then a name */
    H1_CONTENT_STATE_EXT_NAME,        /* inside a name */
    H1_CONTENT_STATE_EXT_NAME_BLANKS, /* blanks after a name, before '=' or ';' */
    H1_CONTENT_STATE_EXT_VALUE,       /* after '=': blanks, then a value */
    H1_CONTENT_STATE_EXT_TOKEN,       /* inside an unquoted value */
    H1_CONTENT_STATE_EXT_QUOTED,      /* inside a quoted value */
    H1_CONTENT_STATE_EXT_ESCAPED,     /* after a backslash in it */
    H1_CONTENT_STATE_EXT_END,         /* after its closing quote */
    H1_CONTENT_STATE_CHUNK_LF,        /* the LF of a chunk-size line */
    H1_CONTENT_STATE_CHUNK_DATA,      /* `remaining` bytes of content */
    H1_CONTENT_STATE_CHUNK_END_CR,    /* CRLF after the data */
    H1_CONTENT_STATE_CHUNK_END_LF,
    H1_CONTENT_STATE_TRAILER_START, /* the first byte of a trailer line, or the CR of the final empty line */
    H1_CONTENT_STATE_TRAILER_NAME,
    H1_CONTENT_STATE_TRAILER_VALUE,
    H1_CONTENT_STATE_TRAILER_LF,
    H1_CONTENT_STATE_LAST_LF, /* the LF that ends the message */
    H1_CONTENT_STATE_COUNT
};

struct h1_content {
    uint64_t remaining;      /* of content with a length, or of the current chunk */
    uint64_t room;           /* how much more content is allowed by the limit */
    uint32_t line_bytes;     /* length so far of the current chunk-size line, or of all trailers */
    uint16_t status;         /* after H1_CONTENT_BAD: the status to refuse the request with */
    uint8_t state;           /* enum h1_content_state */
    bool keeps_trailers : 1; /* they stay in the input until all have arrived */
    bool takes_folds : 1;    /* trailer values may continue on lines that begin with a blank (obs-fold) */
};

/* Begin content of `length` bytes, possibly 0; content in chunks; or content until the end of the
 * connection. For the latter two, `bytes_max` limits the size. */
void h1_content_begin_length(struct h1_content *content, uint64_t length);
void h1_content_begin_chunked(struct h1_content *content, uint64_t bytes_max);
void h1_content_begin_until_close(struct h1_content *content, uint64_t bytes_max);

enum h1_content_event {
    H1_CONTENT_MORE,  /* more bytes are needed */
    H1_CONTENT_PIECE, /* a piece of content, never empty */
    H1_CONTENT_DONE,  /* the message is complete; with a known length, `state` says so right after the last
                         piece */
    H1_CONTENT_FULL,  /* content is available, but `piece_max` is 0 */
    H1_CONTENT_BAD,   /* see `status`: 400, 413 or 431; do not call again */
};

/* Consumes bytes from the front of the input; keep the rest after H1_CONTENT_MORE. A piece is at most
 * `piece_max` bytes long; if that is 0, framing is still consumed. `limits->head_bytes` limits all trailers
 * together. Trailers are checked; without keeps_trailers they are discarded. `ret_piece` is set with
 * H1_CONTENT_PIECE, and with H1_CONTENT_DONE: then it is the trailer section with its empty line, or empty.
 */
enum h1_content_event h1_content_next(struct h1_content *content, const struct h1_limits *limits,
                                      struct slice *input, uint64_t piece_max,
                                      struct slice *ret_piece) MUST_CHECK;

#endif
