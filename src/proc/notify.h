/* Telling the service manager how far we are: sd_notify(3), without its library. */
#ifndef PROC_NOTIFY_H
#define PROC_NOTIFY_H

/* Sends `state`, such as "READY=1", to the socket that NOTIFY_SOCKET names; nothing happens without one. */
void notify_service_manager(const char *state);

#endif
