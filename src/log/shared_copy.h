/* Texts and structs in memory that one process writes and others read, without a lock: a version that is odd
 * while there is writing. Whoever reads gets a copy from one moment, or none. */
#ifndef LOG_SHARED_COPY_H
#define LOG_SHARED_COPY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static inline void shared_write_begin(atomic_uint *version)
{
    /* Odd from here on, also if a process that wrote before was killed while it did. */
    atomic_store_explicit(version, atomic_load_explicit(version, memory_order_relaxed) | 1,
                          memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
}

static inline void shared_write_end(atomic_uint *version)
{
    atomic_store_explicit(version, atomic_load_explicit(version, memory_order_relaxed) + 1,
                          memory_order_release);
}

/* Around reading: shared_read_end returns whether all that was read in between is from one moment. */
static inline unsigned shared_read_begin(const atomic_uint *version)
{
    return atomic_load_explicit(version, memory_order_acquire);
}

static inline bool shared_read_end(const atomic_uint *version, unsigned before)
{
    atomic_thread_fence(memory_order_acquire);
    return before % 2 == 0 && atomic_load_explicit(version, memory_order_relaxed) == before;
}

/* Returns false while there is writing. */
static inline bool shared_copy(const atomic_uint *version, const void *from, void *to, size_t size)
{
    unsigned before = shared_read_begin(version);
    memcpy(to, from, size);
    return shared_read_end(version, before);
}

#endif
