/* Slabs lie in a range of addresses that is reserved at once, so that the address of a block tells whether it
 * lies in a slab and in which. A free block's first word is the link of its list. The size of a slab's blocks
 * is chosen when the slab is first used, and again after it was given back.
 *
 * A block that another thread frees goes to a list of its own, without a lock; the owner takes the whole list
 * when it needs memory.
 *
 * The buffers of records are malloc's, but the last ones that were freed are kept: with
 * SSL_MODE_RELEASE_BUFFERS OpenSSL allocates and frees one for each record, which costs malloc some 1,000
 * instructions. */
#include "tls/memory.h"

#include "base/compiler.h"
#include "sys/memory.h"

#include <malloc.h>
#include <openssl/crypto.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* AddressSanitizer watches the blocks of malloc, and would not see those of a slab. */
#ifdef VIF_ASAN
#define MAY_USE_SLABS false
#else
#define MAY_USE_SLABS true
#endif

#define SLAB_BYTES ((size_t)65536)
#define SLABS_MAX  ((size_t)1 << 18) /* 16 GiB: for two million sessions */

/* Sizes are multiples of 8 up to SHORT_BYTES_MAX, and of 16 beyond: no type is aligned to more than its size.
 * OpenSSL has only a few longer blocks, and they are long. */
#define SHORT_BYTES_MAX 256
#define BLOCK_BYTES_MAX 1024
#define SHORT_CLASSES   (SHORT_BYTES_MAX / 8)
#define CLASSES         (SHORT_CLASSES + (BLOCK_BYTES_MAX - SHORT_BYTES_MAX) / 16 + 1)

/* A buffer for a record, of any version of OpenSSL. */
#define RECORD_BUFFER_BYTES_MIN ((size_t)16384)
#define RECORD_BUFFER_BYTES_MAX ((size_t)20480)

/* One for reading and one for writing. */
#define RECORD_BUFFERS_KEPT 2

struct tls_block {
    struct tls_block *next;
};

struct tls_slab {
    uint16_t used;  /* blocks */
    uint8_t class;  /* of its blocks; 0: no blocks yet */
    uint32_t spare; /* the next one that was given back, and 1 */
};

static struct {
    char *range; /* NULL: not in use */
    size_t range_bytes;
    size_t slab_count;
    uint32_t spare; /* the first slab that was given back, and 1; 0: none */
    struct tls_block *free[CLASSES];
    struct {
        char *next, *end; /* what is left of its newest slab */
    } fresh[CLASSES];
    _Atomic(struct tls_block *) freed_elsewhere;
    void *record_buffers[RECORD_BUFFERS_KEPT]; /* NULL: none */
    struct tls_slab slabs[SLABS_MAX];
} memory;

static _Thread_local bool is_owner;

/* ---- sizes and slabs ---- */

static unsigned class_of(size_t size)
{
    if (size <= SHORT_BYTES_MAX)
        return (unsigned)((MAX(size, (size_t)1) + 7) / 8);
    return SHORT_CLASSES + (unsigned)((size - SHORT_BYTES_MAX + 15) / 16);
}

static size_t bytes_of_class(unsigned class)
{
    return class <= SHORT_CLASSES ? class * (size_t)8
                                  : SHORT_BYTES_MAX + (class - SHORT_CLASSES) * (size_t)16;
}

static bool is_in_slab(const void *block)
{
    return (uintptr_t)block - (uintptr_t)memory.range < memory.range_bytes;
}

static struct tls_slab *slab_of_block(const void *block)
{
    return &memory.slabs[((uintptr_t)block - (uintptr_t)memory.range) / SLAB_BYTES];
}

static char *address_of_slab(const struct tls_slab *slab)
{
    return memory.range + (size_t)(slab - memory.slabs) * SLAB_BYTES;
}

/* Returns NULL if there is no memory. */
static struct tls_slab *find_slab(void)
{
    if (memory.spare > 0) {
        struct tls_slab *slab = &memory.slabs[memory.spare - 1];
        memory.spare = slab->spare;
        return slab;
    }
    if (memory.slab_count == memory.range_bytes / SLAB_BYTES ||
        sys_memory_use(memory.range + memory.slab_count * SLAB_BYTES, SLAB_BYTES) != 0)
        return NULL;
    return &memory.slabs[memory.slab_count++];
}

/* ---- blocks ---- */

static void put_block(void *address)
{
    struct tls_slab *slab = slab_of_block(address);
    struct tls_block *block = address;
    assert(slab->used > 0);
    slab->used--;
    block->next = memory.free[slab->class];
    memory.free[slab->class] = block;
}

static void take_freed_elsewhere(void)
{
    struct tls_block *block = atomic_exchange_explicit(&memory.freed_elsewhere, NULL, memory_order_acquire);
    while (block) {
        struct tls_block *next = block->next;
        put_block(block);
        block = next;
    }
}

static void free_elsewhere(void *address)
{
    struct tls_block *block = address;
    struct tls_block *first = atomic_load_explicit(&memory.freed_elsewhere, memory_order_relaxed);
    do
        block->next = first;
    while (!atomic_compare_exchange_weak_explicit(&memory.freed_elsewhere, &first, block,
                                                  memory_order_release, memory_order_relaxed));
}

static struct tls_block *take_fresh(unsigned class)
{
    size_t bytes = bytes_of_class(class);
    if ((size_t)(memory.fresh[class].end - memory.fresh[class].next) < bytes) {
        struct tls_slab *slab = find_slab();
        if (slab == NULL)
            return NULL;
        slab->class = (uint8_t) class;
        memory.fresh[class].next = address_of_slab(slab);
        memory.fresh[class].end = memory.fresh[class].next + SLAB_BYTES;
    }
    struct tls_block *block = (struct tls_block *)(void *)memory.fresh[class].next;
    memory.fresh[class].next += bytes;
    return block;
}

static struct tls_block *take_block(unsigned class)
{
    if (UNLIKELY(memory.free[class] == NULL))
        take_freed_elsewhere();
    struct tls_block *block = memory.free[class];
    if (LIKELY(block != NULL))
        memory.free[class] = block->next;
    else
        block = take_fresh(class);
    if (LIKELY(block != NULL))
        slab_of_block(block)->used++;
    return block;
}

/* ---- buffers for records ---- */

/* Returns NULL if none is kept that is long enough. */
static void *take_record_buffer(size_t size)
{
    for (size_t i = 0; i < RECORD_BUFFERS_KEPT; i++) {
        void *buffer = memory.record_buffers[i];
        if (buffer && size <= malloc_usable_size(buffer)) {
            memory.record_buffers[i] = NULL;
            return buffer;
        }
    }
    return NULL;
}

static bool keep_record_buffer(void *block)
{
    size_t bytes = malloc_usable_size(block);
    if (bytes < RECORD_BUFFER_BYTES_MIN || bytes > RECORD_BUFFER_BYTES_MAX)
        return false;
    for (size_t i = 0; i < RECORD_BUFFERS_KEPT; i++) {
        if (memory.record_buffers[i] == NULL) {
            memory.record_buffers[i] = block;
            return true;
        }
    }
    return false;
}

/* ---- for OpenSSL ---- */

static void *take_of_owner(size_t size)
{
    if (size > 0 && size <= BLOCK_BYTES_MAX)
        return take_block(class_of(size));
    return size >= RECORD_BUFFER_BYTES_MIN && size <= RECORD_BUFFER_BYTES_MAX ? take_record_buffer(size)
                                                                              : NULL;
}

static void *tls_memory_take(size_t size, const char *file, int line)
{
    (void)file, (void)line;
    void *block = is_owner ? take_of_owner(size) : NULL;
    return LIKELY(block != NULL) ? block : malloc(MAX(size, (size_t)1));
}

/* OpenSSL frees NULL a lot. */
static void free_long(void *block)
{
    if (block && !(is_owner && keep_record_buffer(block)))
        free(block);
}

static void tls_memory_free(void *block, const char *file, int line)
{
    (void)file, (void)line;
    if (!is_in_slab(block))
        free_long(block);
    else if (LIKELY(is_owner))
        put_block(block);
    else
        free_elsewhere(block);
}

static void *tls_memory_resize(void *block, size_t size, const char *file, int line)
{
    if (!is_in_slab(block))
        return realloc(block, size);
    size_t bytes = bytes_of_class(slab_of_block(block)->class);
    if (size > 0 && size <= bytes)
        return block;
    void *longer = size > 0 ? tls_memory_take(size, file, line) : NULL;
    if (longer)
        memcpy(longer, block, bytes);
    if (longer || size == 0)
        tls_memory_free(block, file, line);
    return longer;
}

void tls_memory_use(void)
{
    assert(memory.range == NULL);
    void *range = NULL;
    size_t slabs = MAY_USE_SLABS ? sys_memory_reserve_some(&range, SLAB_BYTES, SLABS_MAX) : 0;
    if (slabs == 0)
        return;
    if (CRYPTO_set_mem_functions(tls_memory_take, tls_memory_resize, tls_memory_free) == 1) {
        memory.range = range;
        memory.range_bytes = slabs * SLAB_BYTES;
        is_owner = true;
    } else {
        sys_memory_release(range, slabs * SLAB_BYTES);
    }
}

/* ---- giving it back ---- */

/* Removes from a list the blocks of slabs that are given back. */
static void filter_blocks(struct tls_block **list)
{
    while (*list) {
        if (slab_of_block(*list)->used == 0)
            *list = (*list)->next;
        else
            list = &(*list)->next;
    }
}

static void give_slab_back(struct tls_slab *slab)
{
    char *address = address_of_slab(slab);
    if (memory.fresh[slab->class].end == address + SLAB_BYTES)
        memory.fresh[slab->class].next = memory.fresh[slab->class].end;
    slab->class = 0;
    slab->spare = memory.spare;
    memory.spare = (uint32_t)(slab - memory.slabs) + 1;
    sys_memory_drop(address, SLAB_BYTES);
}

void tls_memory_trim(void)
{
    if (memory.range == NULL)
        return;
    assert(is_owner);
    take_freed_elsewhere();
    for (unsigned class = 0; class < CLASSES; class ++)
        filter_blocks(&memory.free[class]);
    for (size_t i = 0; i < memory.slab_count; i++) {
        if (memory.slabs[i].class > 0 && memory.slabs[i].used == 0)
            give_slab_back(&memory.slabs[i]);
    }
}

size_t tls_memory_bytes(void)
{
    size_t count = 0;
    for (size_t i = 0; i < memory.slab_count; i++)
        count += memory.slabs[i].class > 0;
    return count * SLAB_BYTES;
}
