/* Clocks and randomness: the only sources of time and random bytes in the program. */
#ifndef SYS_CLOCK_H
#define SYS_CLOCK_H

#include <stddef.h>
#include <stdint.h>

/* CLOCK_MONOTONIC in nanoseconds. */
uint64_t sys_monotonic_ns(void);

/* The same in milliseconds. */
static inline uint64_t sys_monotonic_ms(void)
{
    return sys_monotonic_ns() / 1000000;
}

/* CLOCK_REALTIME in nanoseconds since 1970. */
int64_t sys_realtime_ns(void);

/* Fills `buffer` from getrandom(2). At boot it waits until the kernel's pool is initialised; after that it
 * cannot fail. */
void sys_random(void *buffer, size_t size);

#endif
