/* What a client of HTTP/2 sees: it reads all that an engine wrote and holds it against what a server may say
 * (RFC 9113) and against the content that the owner gave. Made for fuzz_h2.c; its own bytes may be anything.
 */
#ifndef TESTS_FUZZ_H2_CLIENT_H
#define TESTS_FUZZ_H2_CLIENT_H

#include "base/buffer.h"
#include "h2/h2.h"

#include <nghttp2/nghttp2.h>

#define H2_CLIENT_STREAMS 256 /* of greater numbers nothing is known */

struct h2_client_stream {
    uint64_t credit; /* of WINDOW_UPDATE */
    uint64_t received;
    bool has_head, has_ended, is_reset;
};

struct h2_client {
    struct buffer unread; /* of what was sent: the beginning of a frame */
    uint64_t sent;
    nghttp2_hd_inflater *inflater;
    struct h2_client_stream streams[H2_CLIENT_STREAMS];
    uint64_t credit; /* of the connection */
    uint64_t window; /* the largest that streams ever began with */
    uint64_t received;
    uint32_t last_stream; /* of the last GOAWAY */
    bool has_goodbye;
    uint64_t ping; /* of the last that wants an answer */
};

/* The content of the response to this stream, of any length up to H2_CLIENT_CONTENT_MAX. */
#define H2_CLIENT_CONTENT_MAX 70000
const char *h2_client_content(uint32_t stream);

void h2_client_init(struct h2_client *client);
void h2_client_finish(struct h2_client *client);

/* Bytes that the engine is given. */
void h2_client_send(struct h2_client *client, struct slice bytes);

/* An output of the engine: whole frames, all of which it was allowed to send. */
void h2_client_receive(struct h2_client *client, const struct h2_output *output);

#endif
