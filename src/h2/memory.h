/* Memory for nghttp2, which allocates and frees about ten small blocks per request. Freed blocks are kept in
 * lists by size and reused by any engine: that takes a few instructions, while malloc takes about a hundred
 * once many streams are open. The kept memory is bounded and shared by all engines, so an idle connection
 * keeps none. */
#ifndef H2_MEMORY_H
#define H2_MEMORY_H

#include "base/compiler.h"

#include <nghttp2/nghttp2.h>

/* Larger blocks are not kept: each engine has only a few, which live as long as the engine. */
#define H2_BLOCK_BYTES_MAX 512
#define H2_BLOCK_UNIT      16

struct h2_block;

struct h2_memory {
    struct h2_block *kept[H2_BLOCK_BYTES_MAX / H2_BLOCK_UNIT + 1]; /* by their size in units */
    size_t kept_bytes;
    nghttp2_mem calls; /* for nghttp2 */
};

/* Initialises it, empty. Must not be moved afterwards. */
void h2_memory_init(struct h2_memory *memory);

/* Frees the kept blocks. */
void h2_memory_finish(struct h2_memory *memory);

#endif
