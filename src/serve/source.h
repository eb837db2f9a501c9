/* A source provides the content of a response. Content is pulled: the owner requests the next segment when it
 * can send it, so that content is produced, read and buffered no faster than the client receives it.
 *
 * Protocol of use:
 *  1. Call source_next and act on its result: send the segment, end, wait, or give up.
 *  2. A segment stays valid until the source has returned SOURCE_WAIT or SOURCE_END and everything that it
 *     gave before was sent. After SOURCE_WAIT, call source_next again only then, so that the source can reuse
 *     its memory. (With two buffers in turn, one can be filled while the other is sent.)
 *  3. After SOURCE_WAIT the exchange's owner gets on_progress when source_next should be called again.
 *  4. Call source_close once, at any time, but not while a job of the exchange is running.
 *
 * A source of unknown length may add trailers (exchange_add_trailer) until it returns SOURCE_END. They are
 * sent over HTTP/2, and over HTTP/1.1 if the client accepts them (TE: trailers); otherwise they are dropped.
 *
 * A new kind of source is a struct that begins with a struct source, and one struct source_type; source.c has
 * the smallest. */
#ifndef SERVE_SOURCE_H
#define SERVE_SOURCE_H

#include "http/response.h"
#include "loop/stream.h"

struct exchange;
struct source;

enum source_result {
    SOURCE_GIVEN,  /* *ret_segment is next; it is never empty */
    SOURCE_END,    /* everything was given */
    SOURCE_WAIT,   /* nothing is ready yet: on_progress follows */
    SOURCE_FAILED, /* the rest is not available, see source_fail: the client must be able to notice */
};

struct source_type {
    /* At most `bytes_max` bytes, which is never 0. */
    enum source_result (*next)(struct source *source, size_t bytes_max, struct segment *ret_segment);
    /* Whether the file behind a file segment is still unchanged; called while it is being sent. NULL if there
     * are no file segments. */
    bool (*is_unchanged)(const struct source *source);
    /* Releases what the source holds. NULL: it holds nothing. */
    void (*close)(struct source *source);
};

struct source {
    const struct source_type *type;
    struct exchange *exchange; /* whose content it is */
    uint64_t length;           /* of the whole content, or HTTP_LENGTH_UNKNOWN */
};

static inline enum source_result source_next(struct source *source, size_t bytes_max,
                                             struct segment *ret_segment)
{
    return source->type->next(source, bytes_max, ret_segment);
}

static inline bool source_is_unchanged(const struct source *source)
{
    return source->type->is_unchanged == NULL || source->type->is_unchanged(source);
}

/* For `next`, if the rest is not available: records the error (-errno or one of base/error.h) for the log and
 * returns SOURCE_FAILED. */
enum source_result source_fail(struct source *source, int error);

/* NULL is ignored. */
static inline void source_close(struct source *source)
{
    if (source && source->type->close)
        source->type->close(source);
}

/* Creates a source, in the exchange, of bytes that live as long as the exchange: in its arena, its settings
 * or its file. */
struct source *source_of_memory(struct exchange *exchange, struct slice bytes);

#endif
