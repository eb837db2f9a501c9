/* Upgrade from HTTP/1.1 to HTTP/2 by "Upgrade: h2c" (RFC 7540 section 3.2), for clients without TLS. The
 * first request of a connection asks for it and becomes stream 1. */
#ifndef FRONT_H2_UPGRADE_H
#define FRONT_H2_UPGRADE_H

#include "http/request.h"

/* The client's SETTINGS, as the payload of a frame. */
#define H2_UPGRADE_SETTINGS_MAX 192
struct h2_upgrade {
    size_t length;
    char settings[H2_UPGRADE_SETTINGS_MAX];
};

/* Whether the request asks for the upgrade correctly. If not, it is answered as HTTP/1.1; so is a request
 * with content, which would come before the client's frames. */
bool h2_upgrade_read(const struct http_request *request, struct h2_upgrade *ret_upgrade) MUST_CHECK;

/* Sent before the first frame. */
#define H2_UPGRADE_RESPONSE "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"

#endif
