/* An arena: memory that is freed all at once.
 *
 * For things that live exactly as long as one owner (a request, a configuration). An allocation advances a
 * pointer inside a chunk. When the chunk is full, another one is added; chunks never move, so pointers
 * stay valid until arena_finish. `bytes_max` bounds the total. Not thread-safe. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/slice.h"

struct arena_chunk;

/* A free list of chunks of 1 KiB, shared by many short-lived arenas, so that the first allocation of an
 * arena needs no malloc. Holds at most ARENA_SHELF_MAX chunks. */
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
    struct arena_shelf *shelf; /* source and destination of chunks; NULL: malloc and free only */
};

/* Initialises an empty arena; no memory is allocated before the first allocation. */
static inline void arena_init(struct arena *arena, size_t bytes_max)
{
    *arena = (struct arena){.bytes_max = bytes_max};
}

/* Initialises an empty arena that allocates from `memory` only, which must be aligned for any type and
 * belongs to the caller: arena_finish does not free it. */
static inline void arena_init_within(struct arena *arena, void *memory, size_t size)
{
    *arena = (struct arena){.next = memory, .end = (char *)memory + size};
}

/* Frees the chunks on the shelf. */
void arena_shelf_finish(struct arena_shelf *shelf);

/* Frees everything (or returns it to the shelf). The arena may be used again. A zeroed arena is accepted
 * too. */
void arena_finish(struct arena *arena);

/* Returns `size` bytes aligned for any type, not cleared; NULL if `bytes_max` would be exceeded or malloc
 * fails. A size of 0 returns a valid pointer. */
void *arena_alloc(struct arena *arena, size_t size) MUST_CHECK;

/* Like arena_alloc, but zeroed. */
void *arena_zalloc(struct arena *arena, size_t size) MUST_CHECK;

/* Of the arena's latest allocation, `memory`, only the first `size` bytes are kept, at least one: for what
 * was written to room for the most that it could be. */
void arena_shrink(struct arena *arena, void *memory, size_t size);

/* Copies the bytes and adds a NUL after them. The result's data is NULL only if arena_alloc fails. */
struct slice arena_copy(struct arena *arena, struct slice bytes) MUST_CHECK;

/* Returns a NUL-terminated copy; NULL if arena_alloc fails. */
char *arena_string(struct arena *arena, struct slice bytes) MUST_CHECK;

#endif
