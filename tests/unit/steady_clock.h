/* A clock for tests that compare durations: it stands still while the machine is busy with something else.
 * Between two looks at it CLOCK_STEP_NS pass at most, so that "20 ms before the time-out" is before it
 * however late the process gets its turn. Whoever includes this is linked with --wrap=sys_monotonic_ns; for
 * one thread only. */
#ifndef TESTS_UNIT_STEADY_CLOCK_H
#define TESTS_UNIT_STEADY_CLOCK_H

#include "base/compiler.h"

#include <stdint.h>

#define CLOCK_STEP_NS UINT64_C(5000000)

uint64_t __real_sys_monotonic_ns(void);
uint64_t __wrap_sys_monotonic_ns(void);

uint64_t __wrap_sys_monotonic_ns(void)
{
    static uint64_t real_ns, steady_ns;
    uint64_t now_ns = __real_sys_monotonic_ns();
    steady_ns = real_ns ? steady_ns + MIN(now_ns - real_ns, CLOCK_STEP_NS) : now_ns;
    real_ns = now_ns;
    return steady_ns;
}

#endif
