/* A source of content that is made piece by piece, off the loop: a listing, an archive. */
#ifndef FILES_PIECE_SOURCE_H
#define FILES_PIECE_SOURCE_H

#include "base/buffer.h"
#include "serve/source.h"

struct job_queue;

/* What makes the pieces. One constant for each kind. */
struct piece_maker_type {
    /* Before the first piece: 0 or -errno. May block, as `make`: both are called on the offload pool. */
    int (*open)(void *maker);
    /* Appends the next piece to `out`, which is empty. Returns 0, or -errno or one of base/error.h where the
     * rest cannot be had. */
    int (*make)(void *maker, struct buffer *out);
    /* The last piece was made. */
    bool (*is_ended)(const void *maker);
    /* Gives back what it holds; also where `open` failed or was never called. On the loop. */
    void (*close)(void *maker);
    size_t piece_bytes_max; /* what `make` may need at most */
};

/* With the source, whose length is known where its first piece is the last; or with NULL and -errno. */
typedef void piece_source_done(struct exchange *exchange, struct source *source, int error);

/* Opens the maker and makes the first piece, then calls `done`, unless the owner is gone by then. `maker`
 * must live as long as the exchange; it is closed in any case. Returns 0, or -errno where it could not begin.
 */
int piece_source_begin(struct exchange *exchange, struct job_queue *queue,
                       const struct piece_maker_type *type, void *maker, piece_source_done *done) MUST_CHECK;

#endif
