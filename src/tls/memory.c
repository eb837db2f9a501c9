/* Slabs lie in a range of addresses that is reserved at once, so that the address of a block tells whether it
 * lies in a slab and in which. A slab has blocks of one size, and a list of those that are free; a free
 * block's first word is the link. So a slab without blocks in use is given back without looking at a block,
 * and is used again for blocks of any size:
 *
 *      never used -> open, of a class -> full            given back by tls_memory_trim
 *                     |    ^      ^_______|               ^          |
 *                     v    |                              |          |
 *                    empty, of no class __________________|          |
 *                          ^_________________________________________|
 *
 * The last open slab of a class stays that when it is empty, as the next block is mostly soon asked for.
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

/* Giving a slab back takes the system some microseconds. */
#define SLABS_PER_TRIM 64

/* A buffer for a record, of any version of OpenSSL. */
#define RECORD_BUFFER_BYTES_MIN ((size_t)16384)
#define RECORD_BUFFER_BYTES_MAX ((size_t)20480)

/* One for reading and one for writing. */
#define RECORD_BUFFERS_KEPT 2

struct tls_block {
    struct tls_block *next;
};

struct tls_slab {
    struct tls_block *free;
    struct tls_slab *next, *previous; /* in the list that it is in; NULL: none */
    uint16_t used;                    /* blocks */
    uint16_t fresh;                   /* blocks that were never used: the first ones */
    uint8_t class;                    /* of its blocks; 0: empty, or given back */
};

static struct {
    char *range; /* NULL: not in use */
    size_t range_bytes;
    size_t slab_count;
    struct tls_slab *open[CLASSES]; /* lists of slabs that have a free block */
    struct tls_slab *empty;         /* those without blocks in use */
    struct tls_slab *given_back;
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

static void push_slab(struct tls_slab **list, struct tls_slab *slab)
{
    slab->previous = NULL;
    slab->next = *list;
    if (slab->next)
        slab->next->previous = slab;
    *list = slab;
}

static void unlink_slab(struct tls_slab **list, struct tls_slab *slab)
{
    if (slab->previous)
        slab->previous->next = slab->next;
    else
        *list = slab->next;
    if (slab->next)
        slab->next->previous = slab->previous;
}

/* Returns NULL if the list is empty. */
static struct tls_slab *pop_slab(struct tls_slab **list)
{
    struct tls_slab *slab = *list;
    if (slab)
        unlink_slab(list, slab);
    return slab;
}

/* Returns NULL if there is no memory. */
static struct tls_slab *find_slab(void)
{
    struct tls_slab *slab = pop_slab(&memory.empty);
    if (slab == NULL)
        slab = pop_slab(&memory.given_back);
    if (slab)
        return slab;
    if (memory.slab_count == memory.range_bytes / SLAB_BYTES ||
        sys_memory_use(memory.range + memory.slab_count * SLAB_BYTES, SLAB_BYTES) != 0)
        return NULL;
    return &memory.slabs[memory.slab_count++];
}

/* Returns false if there is no memory. */
static bool open_slab(unsigned class)
{
    struct tls_slab *slab = find_slab();
    if (slab == NULL)
        return false;
    *slab = (struct tls_slab){
        .class = (uint8_t) class,
        .fresh = (uint16_t)(SLAB_BYTES / bytes_of_class(class)),
    };
    push_slab(&memory.open[class], slab);
    return true;
}

static void slab_is_empty(struct tls_slab *slab)
{
    unlink_slab(&memory.open[slab->class], slab);
    slab->class = 0;
    push_slab(&memory.empty, slab);
}

static bool is_full(const struct tls_slab *slab)
{
    return slab->free == NULL && slab->fresh == 0;
}

/* ---- blocks ---- */

static void put_block(void *address)
{
    struct tls_slab *slab = slab_of_block(address);
    struct tls_block *block = address;
    assert(slab->used > 0);
    if (UNLIKELY(is_full(slab)))
        push_slab(&memory.open[slab->class], slab);
    block->next = slab->free;
    slab->free = block;
    slab->used--;
    if (UNLIKELY(slab->used == 0) && (slab->next || slab->previous))
        slab_is_empty(slab);
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

static struct tls_block *take_fresh(struct tls_slab *slab)
{
    slab->fresh--;
    return (struct tls_block *)(void *)(address_of_slab(slab) + slab->fresh * bytes_of_class(slab->class));
}

static struct tls_block *take_block(unsigned class)
{
    if (UNLIKELY(memory.open[class] == NULL))
        take_freed_elsewhere();
    if (UNLIKELY(memory.open[class] == NULL) && !open_slab(class))
        return NULL;
    struct tls_slab *slab = memory.open[class];
    struct tls_block *block = slab->free;
    if (LIKELY(block != NULL))
        slab->free = block->next;
    else
        block = take_fresh(slab);
    slab->used++;
    if (UNLIKELY(is_full(slab)))
        unlink_slab(&memory.open[class], slab);
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

bool tls_memory_trim(void)
{
    if (memory.range == NULL)
        return false;
    assert(is_owner);
    take_freed_elsewhere();
    for (unsigned class = 0; class < CLASSES; class ++) {
        if (memory.open[class] && memory.open[class]->used == 0)
            slab_is_empty(memory.open[class]);
    }
    for (unsigned count = 0; count < SLABS_PER_TRIM && memory.empty; count++) {
        struct tls_slab *slab = pop_slab(&memory.empty);
        sys_memory_drop(address_of_slab(slab), SLAB_BYTES);
        push_slab(&memory.given_back, slab);
    }
    return memory.empty != NULL;
}

size_t tls_memory_bytes(void)
{
    size_t count = 0;
    for (const struct tls_slab *slab = memory.empty; slab; slab = slab->next)
        count++;
    for (size_t i = 0; i < memory.slab_count; i++)
        count += memory.slabs[i].class > 0;
    return count * SLAB_BYTES;
}
