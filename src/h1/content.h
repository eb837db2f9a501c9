/* What frames content on the wire, of requests and of responses: a length, chunks, or the end of the
 * connection (RFC 9112 sections 6 and 7). Bytes in, content out; it resumes at any byte and buffers nothing.
 */
#ifndef H1_CONTENT_H
#define H1_CONTENT_H

#include "base/slice.h"

struct h1_limits;

/* A chunk-size line with its extensions and CRLF: else 400. Extensions carry nothing that vif uses, and a
 * sender of one byte a chunk with a long extension each would make us read a multiple of what it sends. */
#define H1_CHUNK_LINE_BYTES_MAX 256

enum h1_content_state {
    H1_CONTENT_STATE_DONE,            /* nothing follows */
    H1_CONTENT_STATE_LENGTH,          /* `remaining` bytes follow, at least one */
    H1_CONTENT_STATE_UNTIL_CLOSE,     /* all that comes is content */
    H1_CONTENT_STATE_CHUNK_SIZE,      /* hexadecimal digits */
    H1_CONTENT_STATE_EXT_BLANKS,      /* blanks in front of a ';' */
    H1_CONTENT_STATE_EXT_START,       /* behind the ';': blanks, then a name */
    H1_CONTENT_STATE_EXT_NAME,        /* a name that has begun */
    H1_CONTENT_STATE_EXT_NAME_BLANKS, /* blanks behind a name, in front of '=' or ';' */
    H1_CONTENT_STATE_EXT_VALUE,       /* behind '=': blanks, then a value */
    H1_CONTENT_STATE_EXT_TOKEN,       /* a value that has begun */
    H1_CONTENT_STATE_EXT_QUOTED,      /* a value in quotes */
    H1_CONTENT_STATE_EXT_ESCAPED,     /* behind a backslash in it */
    H1_CONTENT_STATE_EXT_END,         /* behind its closing quote */
    H1_CONTENT_STATE_CHUNK_LF,        /* the LF of a chunk-size line */
    H1_CONTENT_STATE_CHUNK_DATA,      /* `remaining` bytes of content */
    H1_CONTENT_STATE_CHUNK_END_CR,    /* CRLF behind the data */
    H1_CONTENT_STATE_CHUNK_END_LF,
    H1_CONTENT_STATE_TRAILER_START, /* the first byte of a trailer line, or the CR of the last empty line */
    H1_CONTENT_STATE_TRAILER_NAME,
    H1_CONTENT_STATE_TRAILER_VALUE,
    H1_CONTENT_STATE_TRAILER_LF,
    H1_CONTENT_STATE_LAST_LF, /* the LF that ends the message */
    H1_CONTENT_STATE_COUNT
};

struct h1_content {
    uint64_t remaining;  /* of content with a length, or of the current chunk */
    uint64_t room;       /* for so much content more: of the limit that it began with */
    uint32_t line_bytes; /* of the current chunk-size line, or of all trailers */
    uint16_t status;     /* after H1_CONTENT_BAD: what a request is refused with */
    uint8_t state;       /* enum h1_content_state */
    bool takes_folds;    /* of trailers: their values may go on in lines that begin with a blank */
};

/* Begins content of `length` bytes, which may be none; of chunks; or of all that comes. Of the last two no
 * more than `bytes_max`, whatever the limits are later. */
void h1_content_begin_length(struct h1_content *content, uint64_t length);
void h1_content_begin_chunked(struct h1_content *content, uint64_t bytes_max);
void h1_content_begin_until_close(struct h1_content *content, uint64_t bytes_max);

enum h1_content_event {
    H1_CONTENT_MORE,  /* nothing more to say without more bytes */
    H1_CONTENT_PIECE, /* a piece of content, never empty */
    H1_CONTENT_DONE,  /* the message is complete: behind the last piece with a length, the state says so
                         already */
    H1_CONTENT_FULL,  /* a piece is at hand, and none is wanted */
    H1_CONTENT_BAD,   /* see `status`: 400, 413 or 431. Not to be called again */
};

/* Takes from the front of the input. `limits` bounds all trailers (head_bytes). Trailers are checked and
 * dropped: nothing may be merged into the head unasked (RFC 9110 section 6.5.1). A piece is no longer than
 * `piece_max`; where that is 0 the framing is still read. `ret_piece` is set for H1_CONTENT_PIECE only. */
enum h1_content_event h1_content_next(struct h1_content *content, const struct h1_limits *limits,
                                      struct slice *input, uint64_t piece_max,
                                      struct slice *ret_piece) MUST_CHECK;

#endif
