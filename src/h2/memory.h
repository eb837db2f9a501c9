/* Memory for nghttp2, which allocates and frees about ten small blocks per request. Freed blocks are kept in
 * lists by size and reused by any engine: that takes a few instructions, while malloc takes about a hundred
 * once many streams are open. The kept memory is bounded and shared by all engines, so an idle connection
 * keeps none.
 *
 * A session of nghttp2 has a buffer of 16 KiB for the frame that it writes. All sessions of a worker share
 * one: nghttp2 fills it and returns what is in it in the same call (nghttp2_session_mem_send), and h2_write
 * copies that before the next call. Of a head in several frames only the first is in this buffer. With
 * sanitizers it is poisoned outside of h2_write. */
#ifndef H2_MEMORY_H
#define H2_MEMORY_H

#include "base/compiler.h"

#include <nghttp2/nghttp2.h>
#include <stdbool.h>

/* Larger blocks are not kept: each engine has only a few, which live as long as the engine. */
#define H2_BLOCK_BYTES_MAX 512
#define H2_BLOCK_UNIT      16

/* The shared buffer: enough for a frame with its header and padding. */
#define H2_FRAME_ROOM_BYTES 20480

struct h2_block;

struct h2_memory {
    struct h2_block *kept[H2_BLOCK_BYTES_MAX / H2_BLOCK_UNIT + 1]; /* by their size in units */
    size_t kept_bytes;
    void *frame;       /* the shared buffer; NULL: no session yet */
    bool is_creating;  /* a session is being created, and gets the shared buffer */
    nghttp2_mem calls; /* for nghttp2 */
};

/* Initialises it, empty. Must not be moved afterwards. */
void h2_memory_init(struct h2_memory *memory);

/* Frees the kept blocks and the shared buffer. No session may be left. */
void h2_memory_finish(struct h2_memory *memory);

/* Between these two calls a session may write to the shared buffer. */
static inline void h2_memory_open_frame(struct h2_memory *memory)
{
    UNPOISON(memory->frame, H2_FRAME_ROOM_BYTES);
}

static inline void h2_memory_close_frame(struct h2_memory *memory)
{
    POISON(memory->frame, H2_FRAME_ROOM_BYTES);
}

#endif
