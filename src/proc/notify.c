/* sd_notify(3): a datagram with lines of NAME=value to the socket in NOTIFY_SOCKET. */
#include "proc/notify.h"

#include "sys/datagram.h"
#include "sys/process.h"

#include <stdlib.h>

void notify_service_manager(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    if (path && (path[0] == '/' || path[0] == '@'))
        sys_datagram_send(slice_from(path), slice_from(state)); /* a manager that is gone is no concern */
}

/* sd_watchdog_enabled(3); half of the time leaves room for a busy machine. */
uint64_t notify_watchdog_ms(void)
{
    const char *of = getenv("WATCHDOG_PID");
    uint64_t usec, pid = (uint64_t)sys_process_id();
    if (of && !slice_to_u64(slice_from(of), &pid))
        return 0;
    if (pid != (uint64_t)sys_process_id() || !slice_to_u64(slice_from(getenv("WATCHDOG_USEC")), &usec))
        return 0;
    return usec > 0 ? MAX(usec / 2000, UINT64_C(1)) : 0;
}
