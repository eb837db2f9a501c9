/* Arenas: a list of malloc'ed chunks with a bump pointer into the newest. Free space is poisoned under
 * ASan, so that reading past an allocation is detected even inside a chunk. */
#include "base/arena.h"

#include <stdalign.h>
#include <stdlib.h>

#define ARENA_CHUNK_BYTES 1024

struct arena_chunk {
    struct arena_chunk *next;
    size_t size; /* of `data` */
    alignas(max_align_t) char data[];
};

static void arena_free_chunk(struct arena_chunk *chunk)
{
    UNPOISON(chunk->data, chunk->size);
    free(chunk);
}

static void arena_give_back(struct arena_shelf *shelf, struct arena_chunk *chunk)
{
    assert(chunk->size > 0);
    bool has_place = shelf && shelf->count < ARENA_SHELF_MAX && chunk->size == ARENA_CHUNK_BYTES;
    if (!has_place) {
        arena_free_chunk(chunk);
        return;
    }
    POISON(chunk->data, chunk->size);
    chunk->next = shelf->chunks;
    shelf->chunks = chunk;
    shelf->count++;
}

void arena_finish(struct arena *arena)
{
    struct arena_chunk *chunk = arena->chunks;
    while (chunk) {
        struct arena_chunk *next = chunk->next;
        arena_give_back(arena->shelf, chunk);
        chunk = next;
    }
    *arena = (struct arena){.bytes_max = arena->bytes_max, .shelf = arena->shelf};
}

void arena_shelf_finish(struct arena_shelf *shelf)
{
    assert(shelf->count <= ARENA_SHELF_MAX);
    while (shelf->chunks) {
        struct arena_chunk *chunk = shelf->chunks;
        shelf->chunks = chunk->next;
        arena_free_chunk(chunk);
    }
    shelf->count = 0;
}

/* Returns a chunk with room for `bytes`, all of it poisoned. */
static struct arena_chunk *take_chunk(struct arena_shelf *shelf, size_t bytes)
{
    assert(bytes > 0);
    struct arena_chunk *chunk = shelf ? shelf->chunks : NULL;
    if (chunk && bytes == ARENA_CHUNK_BYTES) {
        shelf->chunks = chunk->next;
        shelf->count--;
        return chunk;
    }
    chunk = malloc(sizeof(*chunk) + bytes);
    if (chunk == NULL)
        return NULL;
    chunk->size = bytes;
    POISON(chunk->data, bytes);
    return chunk;
}

static bool arena_add_chunk(struct arena *arena, size_t size)
{
    assert(size > 0 && arena->bytes <= arena->bytes_max);
    size_t bytes = MAX(size, (size_t)ARENA_CHUNK_BYTES);
    if (bytes > arena->bytes_max - arena->bytes)
        bytes = size;
    if (bytes > arena->bytes_max - arena->bytes)
        return false;
    struct arena_chunk *chunk = take_chunk(arena->shelf, bytes);
    if (chunk == NULL)
        return false;
    chunk->next = arena->chunks;
    arena->chunks = chunk;
    arena->next = chunk->data;
    arena->end = chunk->data + bytes;
    arena->bytes += bytes;
    return true;
}

/* Returns false if that is more than there is. Zero bytes still take memory, because NULL means failure. */
static bool arena_round(size_t size, size_t *ret_rounded)
{
    if (__builtin_add_overflow(MAX(size, (size_t)1), alignof(max_align_t) - 1, ret_rounded))
        return false;
    *ret_rounded &= ~(alignof(max_align_t) - 1);
    return true;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    assert(arena->next <= arena->end);
    size_t rounded;
    if (!arena_round(size, &rounded))
        return NULL;
    if ((size_t)(arena->end - arena->next) < rounded && !arena_add_chunk(arena, rounded))
        return NULL;
    char *memory = arena->next;
    arena->next += rounded;
    UNPOISON(memory, size);
    return memory;
}

void *arena_zalloc(struct arena *arena, size_t size)
{
    void *memory = arena_alloc(arena, size);
    if (memory)
        memset(memory, 0, size);
    return memory;
}

void arena_shrink(struct arena *arena, void *memory, size_t size)
{
    size_t rounded;
    bool fits = arena_round(size, &rounded) && rounded <= (size_t)(arena->next - (char *)memory);
    assert(fits);
    arena->next = (char *)memory + rounded;
    POISON((char *)memory + size, (size_t)(arena->end - (char *)memory) - size);
}

struct slice arena_copy(struct arena *arena, struct slice bytes)
{
    char *copy = arena_string(arena, bytes);
    return slice_make(copy, copy ? bytes.length : 0);
}

char *arena_string(struct arena *arena, struct slice bytes)
{
    char *copy = arena_alloc(arena, bytes.length + 1);
    if (copy == NULL)
        return NULL;
    if (bytes.length)
        memcpy(copy, bytes.data, bytes.length);
    copy[bytes.length] = '\0';
    return copy;
}
