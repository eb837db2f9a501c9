/* Memory for nghttp2, which takes and frees about ten small blocks for each request. Those that it frees are
 * kept, by size, for whichever engine asks next: that is a few instructions, where malloc has a hundred as
 * soon as many streams go on at once. What is kept is bounded, and is there once for all engines, so that an
 * idle connection keeps none of it. */
#ifndef H2_MEMORY_H
#define H2_MEMORY_H

#include "base/compiler.h"

#include <nghttp2/nghttp2.h>

/* Larger blocks are not kept: there are a few of them in each engine, which live as long as it. */
#define H2_BLOCK_BYTES_MAX 512
#define H2_BLOCK_UNIT      16

struct h2_block;

struct h2_memory {
    struct h2_block *kept[H2_BLOCK_BYTES_MAX / H2_BLOCK_UNIT + 1]; /* by their size in units */
    size_t kept_bytes;
    nghttp2_mem calls; /* for nghttp2 */
};

/* Keeps nothing yet. Must not be moved afterwards. */
void h2_memory_init(struct h2_memory *memory);

/* Frees what is kept. */
void h2_memory_finish(struct h2_memory *memory);

#endif
