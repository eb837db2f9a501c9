/* Which protocol a request wants to change to (RFC 9110 section 7.8; RFC 8441 over HTTP/2), and what that
 * means for the messages that are forwarded. */
#ifndef PROXY_UPGRADE_H
#define PROXY_UPGRADE_H

#include "h1/response_parser.h"
#include "http/request.h"
#include "settings/settings.h"

/* The protocol, in the request's own spelling, if the route forwards it; otherwise empty: then the request is
 * forwarded without a word of it. A request with content, or of HTTP/1.0, cannot change the protocol. */
struct slice upgrade_wanted(const struct http_request *request, const struct proxy_settings *settings);

/* Whether a response with status 101 changes to that protocol. */
bool upgrade_is_granted(const struct http_response_head *head, struct slice protocol);

/* The value of Sec-WebSocket-Key with its end; 16 random bytes in base64. A client of RFC 8441 sends none. */
#define WEBSOCKET_KEY_LENGTH 24
void upgrade_make_key(char key[WEBSOCKET_KEY_LENGTH]);

#endif
