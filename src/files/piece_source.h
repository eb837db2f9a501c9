/* A content source that is made piece by piece, off the loop: a listing, an archive. */
#ifndef FILES_PIECE_SOURCE_H
#define FILES_PIECE_SOURCE_H

#include "base/buffer.h"
#include "serve/source.h"

struct job_queue;

/* Functions that make the pieces, one constant for each kind. */
struct piece_maker_type {
    /* Called before the first piece: returns 0 or -errno. May block, like `make`: both are called on the
     * offload pool. */
    int (*open)(void *maker);
    /* Appends the next piece to `out`, which is empty. Returns 0, or -errno or a code of base/error.h if
     * the rest cannot be made. */
    int (*make)(void *maker, struct buffer *out);
    /* Whether the last piece has been made. */
    bool (*is_ended)(const void *maker);
    /* Frees what it holds; also called if `open` failed or was never called. On the loop. */
    void (*close)(void *maker);
    size_t piece_bytes_max; /* the most that `make` may need */
};

/* Called with the source (its length is known if the first piece is the last one), or with NULL and
 * -errno. */
typedef void piece_source_done(struct exchange *exchange, struct source *source, int error);

/* Opens the maker and makes the first piece, then calls `done`, unless the exchange's owner is gone by
 * then. `maker` must live as long as the exchange; it is closed in any case. Returns 0, or -errno if it
 * could not begin. */
int piece_source_begin(struct exchange *exchange, struct job_queue *queue,
                       const struct piece_maker_type *type, void *maker, piece_source_done *done) MUST_CHECK;

#endif
