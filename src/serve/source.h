/* A source: where the content of a response comes from. It is pulled: whoever sends the response asks for the
 * next segment when there is room for it, so that nothing is made, read or kept faster than the client takes
 * it.
 *
 * Protocol of use:
 *  1. Ask source_next, and do what it says: send the segment, or end, or come again, or give up.
 *  2. A segment stays as it is until the source has said SOURCE_WAIT, or SOURCE_END, and everything that it
 * gave before was sent. Only then may it be asked again, so that it can have its memory back. (Two buffers in
 * turn are enough to fill the one while the other is being sent.)
 *  3. After SOURCE_WAIT the exchange's owner is told by on_progress when there is more, or why there is not.
 *  4. source_close once, at any time: at the end, half-way, or before the first segment. No job of the
 * exchange is under way then.
 *
 * A new kind of source is a struct that begins with a struct source, and a struct source_type for all of its
 * kind; source.c has the smallest. */
#ifndef SERVE_SOURCE_H
#define SERVE_SOURCE_H

#include "http/response.h"
#include "loop/stream.h"

struct exchange;
struct source;

enum source_result {
    SOURCE_GIVEN,  /* *ret_segment comes next; it is never empty */
    SOURCE_END,    /* everything was given */
    SOURCE_WAIT,   /* there is nothing yet: on_progress follows */
    SOURCE_FAILED, /* the rest cannot be had, see source_fail: the client must be able to tell */
};

struct source_type {
    /* At most `bytes_max` bytes, which is never 0. */
    enum source_result (*next)(struct source *source, size_t bytes_max, struct segment *ret_segment);
    /* What a segment that is a file's range was given for still holds: asked while it is being sent. NULL
     * where no segment is one. */
    bool (*is_unchanged)(const struct source *source);
    /* Gives back what the source holds. NULL where that is nothing. */
    void (*close)(struct source *source);
};

struct source {
    const struct source_type *type;
    struct exchange *exchange; /* whose content it is */
    uint64_t length;           /* of the whole content; HTTP_LENGTH_UNKNOWN where only its end will tell */
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

/* What `next` returns where the rest cannot be had: notes for the log what that lay at (-errno, or one of
 * base/error.h). */
enum source_result source_fail(struct source *source, int error);

/* NULL is ignored. */
static inline void source_close(struct source *source)
{
    if (source && source->type->close)
        source->type->close(source);
}

/* A source of bytes that live as long as the exchange: in its arena, of its settings, of its file. Lives in
 * the exchange. */
struct source *source_of_memory(struct exchange *exchange, struct slice bytes);

#endif
