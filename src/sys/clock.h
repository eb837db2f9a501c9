/* Clocks and chance: the only places where time and random bytes enter the program. */
#ifndef SYS_CLOCK_H
#define SYS_CLOCK_H

#include <stddef.h>
#include <stdint.h>

/* CLOCK_MONOTONIC in nanoseconds. */
uint64_t sys_monotonic_ns(void);

/* CLOCK_REALTIME in nanoseconds since 1970. */
int64_t sys_realtime_ns(void);

/* Fills `buffer` from getrandom(2); waits for the kernel's pool at boot, cannot fail afterwards. */
void sys_random(void *buffer, size_t size);

#endif
