/* For valgrind, which does not know openat2(2) before version 3.24: preloaded, it turns that call into
 * openat(2), which does what vif needs where nobody tries to leave the root. */
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/syscall.h>

typedef long system_call(long number, ...);

long syscall(long number, ...)
{
    long with[6];
    va_list list;
    va_start(list, number);
    for (size_t i = 0; i < 6; i++)
        with[i] = va_arg(list, long);
    va_end(list);
    if (number == SYS_openat2) {
        const struct open_how *how = (const void *)with[2];
        return openat((int)with[0], (const char *)with[1], (int)how->flags, (mode_t)how->mode);
    }
    static system_call *real;
    if (real == NULL)
        real = (system_call *)dlsym(RTLD_NEXT, "syscall");
    return real(number, with[0], with[1], with[2], with[3], with[4], with[5]);
}
