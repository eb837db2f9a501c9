/* Finds streams whose client stalls them while other streams of the connection make progress.
 *
 * The timeouts of a connection (front/timeouts.h) only see that some data moves on it. A client that receives
 * one response but opens no window for another, or leaves a request half sent, could keep those streams for
 * ever. So each stream is checked a few times per timeout: if its client has not done its part for a whole
 * timeout, the stream ends as an HTTP/1 connection would; the others continue. Where there are no others, and
 * were none meanwhile, the connection ends. */
#ifndef FRONT_H2_STALLS_H
#define FRONT_H2_STALLS_H

#include "base/compiler.h"
#include "loop/wheel.h"

struct h2_session;

/* What a stream waits for the client to do. */
enum h2_stage {
    H2_STAGE_OURS, /* nothing: the server or another stream has the turn */
    H2_STAGE_TAKE, /* to open the window for the response */
    H2_STAGE_SEND, /* to send content of the request */
};

/* Progress of one stream when its current wait began. Zero it at first. */
struct h2_watch {
    uint64_t bytes;    /* of content, at that time */
    uint64_t began_ms; /* when the stage began, or the last progress in it */
    uint32_t limit_ms;
    uint32_t rate_bytes_min;
    uint32_t requests; /* requests of the session, at that time */
    uint32_t output;   /* the session's latest output, at that time */
    uint8_t stage;     /* enum h2_stage */
    bool is_stalled;   /* at the last check */
};

void h2_stalls_init(struct h2_session *session);

/* The session has a stream: checks its streams periodically as long as there are any. */
void h2_stalls_watch(struct h2_session *session);

void h2_stalls_finish(struct h2_session *session);

#endif
