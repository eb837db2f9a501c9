/* The head of a request as it is sent to a server, in HTTP/1.1. It is written anew from what was parsed,
 * never copied: so the server reads what vif has read.
 *
 *  - The path is byte for byte that of the client. Where the route's prefix is replaced, a path with dot
 *    segments is normalised before, so that none of them can lead out of the new prefix.
 *  - Headers of the connection are left out, as are those that say who the client is: nobody but vif says
 * that to the server.
 *  - Content has its length if it is known; otherwise it is chunked. */
#ifndef PROXY_REQUEST_WRITER_H
#define PROXY_REQUEST_WRITER_H

#include "base/arena.h"
#include "http/request.h"
#include "http/response.h"
#include "serve/peer.h"
#include "settings/settings.h"

struct request_plan {
    const struct http_request *request;
    const struct peer *peer;
    const struct peer_tls *certified; /* the client, by its certificate; NULL: the server is not told */
    const struct proxy_settings *settings;
    struct slice bare_prefix;      /* of the route, without its final '/' */
    struct slice server_authority; /* of the server's URL */
    struct slice id_header;        /* name and value of the header with the request's id; empty: none */
    struct slice id;
    bool is_secure;             /* the server's URL is; for HTTP/2 */
    bool expects_continue;      /* the content waits for "100 Continue" */
    bool is_early;              /* it came as early data: RFC 8470 */
    struct slice upgrade;       /* the protocol to change to; empty: none */
    struct slice websocket_key; /* Sec-WebSocket-Key; empty: the client's */
};

/* Whether only vif says this to servers: clients cannot, in headers or in trailers. */
bool request_is_own_field(const struct http_field *field);

/* Writes the head, for HTTP/1.1, into memory of the arena. Returns 0, or the status to reject the request
 * with: 400, 503 or 508 (RFC 5842: the request goes round in a circle). */
int request_write(const struct request_plan *plan, struct arena *arena, struct slice *ret_head) MUST_CHECK;

/* The same for HTTP/2: a list of headers, pseudo-headers first. */
int request_list(const struct request_plan *plan, struct arena *arena,
                 const struct http_response_field **ret_fields, unsigned *ret_count) MUST_CHECK;

#endif
