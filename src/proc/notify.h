/* Reports the state to the service manager: sd_notify(3) without its library. */
#ifndef PROC_NOTIFY_H
#define PROC_NOTIFY_H

#include <stdint.h>

/* Sends `state`, such as "READY=1", to the socket in $NOTIFY_SOCKET; does nothing if that is not set. */
void notify_service_manager(const char *state);

/* How often the manager wants to hear "WATCHDOG=1", in milliseconds, with a margin; 0: never. */
uint64_t notify_watchdog_ms(void);

#endif
