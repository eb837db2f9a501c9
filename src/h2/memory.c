/* Free lists, one for each multiple of 16 bytes. nghttp2 does not pass the size of a block that it frees, so
 * it is stored before the block, in 8 bytes, since nghttp2 needs no larger alignment. With sanitizers, kept
 * blocks are poisoned, so that use after free is detected. */
#include "h2/memory.h"

#include <stdlib.h>
#include <string.h>

/* Most bytes kept in all lists: enough for some thousand concurrent requests. */
#define KEPT_BYTES_MAX ((size_t)1 << 20)

struct h2_block {
    size_t bytes; /* behind this */
    union {
        struct h2_block *next; /* while it is kept */
        char room[sizeof(struct h2_block *)];
    };
};

#define BLOCK_HEAD_BYTES offsetof(struct h2_block, room)

static struct h2_block *block_of(void *room)
{
    return (struct h2_block *)(void *)((char *)room - BLOCK_HEAD_BYTES);
}

static void *room_of(struct h2_block *block)
{
    return (char *)block + BLOCK_HEAD_BYTES;
}

/* Whether a block is the buffer for a frame with which a session begins. */
static bool is_frame(size_t bytes)
{
    return bytes > H2_FRAME_ROOM_BYTES / 2 && bytes <= H2_FRAME_ROOM_BYTES;
}

static void *take_new(size_t bytes)
{
    struct h2_block *block = malloc(BLOCK_HEAD_BYTES + bytes);
    if (block == NULL)
        return NULL;
    block->bytes = bytes;
    return room_of(block);
}

/* The first session creates the buffer that all share. */
static void *take_frame(struct h2_memory *memory)
{
    memory->is_creating = false; /* whatever else is as large is the session's own */
    if (memory->frame == NULL)
        memory->frame = take_new(H2_FRAME_ROOM_BYTES);
    return memory->frame;
}

static void *take_large(struct h2_memory *memory, size_t bytes)
{
    if (memory->is_creating && is_frame(bytes))
        return take_frame(memory);
    return bytes <= SIZE_MAX - BLOCK_HEAD_BYTES ? take_new(bytes) : NULL;
}

static void *memory_take(size_t size, void *user_data)
{
    struct h2_memory *memory = user_data;
    if (UNLIKELY(size > H2_BLOCK_BYTES_MAX))
        return take_large(memory, size);
    size_t units = (MAX(size, (size_t)1) + H2_BLOCK_UNIT - 1) / H2_BLOCK_UNIT;
    assert(units < ARRAY_LENGTH(memory->kept));
    struct h2_block *block = memory->kept[units];
    if (UNLIKELY(block == NULL))
        return take_new(units * H2_BLOCK_UNIT);
    UNPOISON(block->room, block->bytes);
    assert(memory->kept_bytes >= block->bytes);
    memory->kept[units] = block->next;
    memory->kept_bytes -= block->bytes;
    return block->room;
}

static void memory_give_back(void *room, void *user_data)
{
    struct h2_memory *memory = user_data;
    if (room == NULL)
        return;
    struct h2_block *block = block_of(room);
    if (UNLIKELY(block->bytes > H2_BLOCK_BYTES_MAX || memory->kept_bytes >= KEPT_BYTES_MAX)) {
        if (room != memory->frame)
            free(block);
        return;
    }
    size_t units = block->bytes / H2_BLOCK_UNIT;
    assert(units > 0 && units < ARRAY_LENGTH(memory->kept));
    memory->kept_bytes += block->bytes;
    block->next = memory->kept[units];
    memory->kept[units] = block;
    POISON(block->room, block->bytes);
}

static void *take_cleared(size_t count, size_t size, void *user_data)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        return NULL;
    void *room = memory_take(bytes, user_data);
    return room ? memset(room, 0, bytes) : NULL;
}

static void *take_longer(void *room, size_t size, void *user_data)
{
    if (room && size <= block_of(room)->bytes)
        return room;
    void *longer = memory_take(size, user_data);
    if (longer == NULL || room == NULL)
        return longer;
    memcpy(longer, room, block_of(room)->bytes);
    memory_give_back(room, user_data);
    return longer;
}

void h2_memory_init(struct h2_memory *memory)
{
    *memory = (struct h2_memory){0};
    memory->calls = (nghttp2_mem){.mem_user_data = memory,
                                  .malloc = memory_take,
                                  .free = memory_give_back,
                                  .calloc = take_cleared,
                                  .realloc = take_longer};
}

void h2_memory_finish(struct h2_memory *memory)
{
    for (size_t units = 0; units < ARRAY_LENGTH(memory->kept); units++) {
        while (memory->kept[units]) {
            struct h2_block *block = memory->kept[units];
            UNPOISON(block->room, block->bytes);
            memory->kept[units] = block->next;
            free(block);
        }
    }
    if (memory->frame) {
        h2_memory_open_frame(memory);
        free(block_of(memory->frame));
    }
}
