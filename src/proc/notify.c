/* sd_notify(3): a datagram with lines of NAME=value to the socket in NOTIFY_SOCKET. */
#include "proc/notify.h"

#include "sys/datagram.h"

#include <stdlib.h>

void notify_service_manager(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    if (path && (path[0] == '/' || path[0] == '@'))
        sys_datagram_send(slice_from(path), slice_from(state)); /* a manager that is gone is no concern */
}
