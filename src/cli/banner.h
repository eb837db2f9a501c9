/* The message when the server is ready: what is served, at which URLs, how to stop it. */
#ifndef CLI_BANNER_H
#define CLI_BANNER_H

#include "base/buffer.h"
#include "settings/settings.h"
#include "sys/socket.h"

/* Appends the banner; `count` is the number of addresses and of listeners. A wildcard address is shown as
 * localhost and every address of the machine that others can reach. */
void banner_print(const char *title, const struct address *addresses,
                  const struct listener_settings *listeners, size_t count, bool colours, struct buffer *out);

#endif
