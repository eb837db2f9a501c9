/* clock_gettime(2) and getrandom(2). */
#include "sys/clock.h"

#include "base/compiler.h"

#include <errno.h>
#include <sys/random.h>
#include <time.h>

uint64_t sys_monotonic_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

int64_t sys_realtime_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void sys_random(void *buffer, size_t size)
{
    char *out = buffer;
    while (size > 0) {
        ssize_t got = getrandom(out, size, 0);
        assert(got > 0 || errno == EINTR);
        if (got > 0) {
            out += got;
            size -= (size_t)got;
        }
    }
}
