/* An arena: memory that is given back all at once.
 *
 * For things that live exactly as long as one owner (a request, a configuration). Allocation bumps a pointer
 * inside a chunk; a chunk that is full is followed by another, never moved, so pointers stay valid until
 * arena_finish. Bounded by `bytes_max` in total. Not for threads. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/slice.h"

struct arena_chunk;

/* Chunks that many short-lived arenas hand to each other, so that their first is no malloc: at most
 * ARENA_SHELF_MAX of them, of a KiB each. */
#define ARENA_SHELF_MAX 128

struct arena_shelf {
    struct arena_chunk *chunks;
    unsigned count;
};

struct arena {
    struct arena_chunk *chunks; /* newest first */
    char *next;                 /* free space of the newest chunk: [next, end) */
    char *end;
    size_t bytes;              /* asked of malloc so far */
    size_t bytes_max;          /* allocations that would pass this fail */
    struct arena_shelf *shelf; /* where chunks are taken from, and put; NULL: malloc alone */
};

/* Empty; takes no memory before the first allocation. */
static inline void arena_init(struct arena *arena, size_t bytes_max)
{
    *arena = (struct arena){.bytes_max = bytes_max};
}

/* Frees the chunks on it. */
void arena_shelf_finish(struct arena_shelf *shelf);

/* Gives everything back. The arena may be used again; also right on a zeroed one. */
void arena_finish(struct arena *arena);

/* `size` bytes aligned for any type, not cleared; NULL only where the bound or memory says no. */
void *arena_alloc(struct arena *arena, size_t size) MUST_CHECK;

/* The same, zeroed. */
void *arena_zalloc(struct arena *arena, size_t size) MUST_CHECK;

/* Copies the bytes and adds a NUL behind them. The result's data is NULL only where memory ran out. */
struct slice arena_copy(struct arena *arena, struct slice bytes) MUST_CHECK;

/* A NUL-terminated copy, or NULL. */
char *arena_string(struct arena *arena, struct slice bytes) MUST_CHECK;

#endif
