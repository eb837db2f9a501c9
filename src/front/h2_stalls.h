/* Streams that do not get on while others of their connection do.
 *
 * The time-outs of a connection (front/timeouts.h) see that something moves on it. A client that takes one
 * response and gives no window for another, or leaves a request half sent, would keep these for ever. So the
 * streams are looked at one by one, a few times in each time-out: one whose client has not done its part for
 * a whole time-out ends as an HTTP/1 connection would, and the others go on. */
#ifndef FRONT_H2_STALLS_H
#define FRONT_H2_STALLS_H

#include "base/compiler.h"
#include "loop/wheel.h"

struct h2_session;

/* What a stream waits for its client to do. */
enum h2_stage {
    H2_STAGE_OURS, /* nothing: it is our turn, or that of another stream */
    H2_STAGE_TAKE, /* to give a window for the response */
    H2_STAGE_SEND, /* to send content of the request */
};

/* Of a stream: how far it was when its time began. Zeroed before. */
struct h2_watch {
    uint64_t bytes;    /* of content, by then */
    uint64_t began_ms; /* the stage, or the time after that in which it got on */
    uint32_t limit_ms;
    uint32_t rate_bytes_min;
    uint8_t stage; /* enum h2_stage */
};

void h2_stalls_init(struct h2_session *session);

/* The session has a stream: they are looked at as long as there are any. */
void h2_stalls_watch(struct h2_session *session);

void h2_stalls_finish(struct h2_session *session);

#endif
