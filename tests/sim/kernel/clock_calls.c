/* clock_gettime(2) and getrandom(2). */
#include "internal.h"

#include <errno.h>
#include <sys/random.h>
#include <time.h>

int __wrap_clock_gettime(clockid_t clock, struct timespec *out);
ssize_t __wrap_getrandom(void *buffer, size_t size, unsigned flags);

/* Since the machine was started. */
#define UPTIME_NS (INT64_C(1000) * 1000000000)

static struct sim_chance chance;

void clock_calls_start(void)
{
    chance = sim_chance_for("random", 0);
}

/* No system call, thanks to the vDSO: it takes no time, and nothing happens meanwhile. */
int __wrap_clock_gettime(clockid_t clock, struct timespec *out)
{
    int64_t ns = clock == CLOCK_REALTIME ? sim_wall_ns() : UPTIME_NS + (int64_t)sim_now_us() * 1000;
    *out = (struct timespec){.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
    return 0;
}

ssize_t __wrap_getrandom(void *buffer, size_t size, unsigned flags)
{
    (void)flags;
    call_begin();
    int error = fault_for(CALL_getrandom, (struct call_target){0});
    if (error) {
        errno = error;
        return -1;
    }
    char *out = buffer;
    for (size_t i = 0; i < size; i++)
        out[i] = (char)sim_draw(&chance);
    return (ssize_t)size;
}
