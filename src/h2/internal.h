/* What the parts of the engine share. Only they know of nghttp2. */
#ifndef H2_INTERNAL_H
#define H2_INTERNAL_H

#include "h2/floods.h"
#include "h2/h2.h"
#include "h2/head.h"
#include "h2/memory.h"

#include <nghttp2/nghttp2.h>

#define H2_FRAME_HEAD_BYTES 9

struct h2_shared {
    const struct h2_limits *limits;
    const struct h2_events *events;
    nghttp2_session_callbacks *callbacks;
    nghttp2_option *options;
    struct h2_head *spare_head; /* for the next head, whoever's it is */
    struct h2_memory memory;
};

enum h2_drain_state {
    H2_DRAIN_NOT,
    H2_DRAIN_SAID,  /* the first GOAWAY is to be written */
    H2_DRAIN_ASKED, /* a PING is behind it: when that comes back, the client has seen it */
    H2_DRAIN_LAST,  /* the second is to be written: it says which request was the last */
    H2_DRAIN_DONE,
};

struct h2 {
    nghttp2_session *session;
    struct h2_shared *shared;
    void *owner;
    struct h2_head *head;     /* of the stream whose headers are coming in; NULL: between heads */
    struct h2_output *output; /* inside of h2_write */
    struct h2_floods floods;
    const char *fault;
    uint8_t flood;  /* enum h2_flood */
    bool has_begun; /* its first frame has come */
    bool is_broken;
    uint8_t drain;        /* enum h2_drain_state */
    bool is_probing;      /* a PING is under way that measures the network: see window.c */
    bool is_full;         /* the output has no more room */
    struct slice pulled;  /* content that goes behind the head of the frame that is being written */
    uint32_t window;      /* of each stream, and in proportion of the connection */
    uint64_t probe_bytes; /* of content that was taken since the PING */
};

static inline const struct h2_events *h2_events_of(const struct h2 *h2)
{
    return h2->shared->events;
}

/* The first GOAWAY is written: the PING behind it, which nghttp2 would write before it. */
void h2_ask_whether_seen(struct h2 *h2);

/* Which request was the last is known when that is written, and not before: more may come behind the client's
 * answer to the PING. */
void h2_say_last(struct h2 *h2);

/* output.c: content of a response, and where it goes. */
extern const nghttp2_data_provider h2_content_provider;
int h2_put_content(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *frame_head, size_t length,
                   nghttp2_data_source *source, void *user_data);
ssize_t h2_content_length(nghttp2_session *session, uint8_t frame_type, int32_t stream_id,
                          int32_t connection_window, int32_t stream_window, uint32_t frame_size_max,
                          void *user_data);

/* window.c */
int h2_window_open(struct h2 *h2);
void h2_window_count(struct h2 *h2, size_t bytes);
void h2_window_pong(struct h2 *h2);

#endif
