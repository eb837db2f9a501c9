/* Shared by the files of the engine. Only they use nghttp2. */
#ifndef H2_INTERNAL_H
#define H2_INTERNAL_H

#include "h2/floods.h"
#include "h2/h2.h"
#include "h2/head.h"
#include "h2/late.h"
#include "h2/memory.h"

#include <nghttp2/nghttp2.h>

struct h2_shared {
    const struct h2_limits *limits;
    const struct h2_events *events;
    nghttp2_session_callbacks *callbacks;
    nghttp2_option *options;
    struct h2_head *spare_head; /* for the next head of any engine */
    struct h2_memory memory;
};

enum h2_drain_state {
    H2_DRAIN_NOT,
    H2_DRAIN_SAID,  /* the first GOAWAY will be written */
    H2_DRAIN_ASKED, /* a PING follows it: its ACK shows that the client has seen the GOAWAY */
    H2_DRAIN_LAST,  /* the second GOAWAY, with the last request, will be written */
    H2_DRAIN_DONE,
};

struct h2 {
    nghttp2_session *session;
    struct h2_shared *shared;
    void *owner;
    struct h2_head *head;     /* of the stream whose headers are coming in; NULL: between heads */
    struct h2_output *output; /* set inside h2_write only */
    struct h2_floods floods;
    struct h2_late late;
    const char *fault;
    uint8_t flood;  /* enum h2_flood */
    bool has_begun; /* the client's first frame has arrived */
    bool is_broken;
    uint8_t drain;        /* enum h2_drain_state */
    bool is_probing;      /* a PING that measures the network is on its way: see window.c */
    bool is_full;         /* the output is full */
    struct slice pulled;  /* content for the frame whose header is being written */
    uint32_t window;      /* receive window of each stream; that of the connection is in proportion */
    uint64_t probe_bytes; /* bytes of content consumed since the PING */
};

static inline const struct h2_events *h2_events_of(const struct h2 *h2)
{
    return h2->shared->events;
}

/* Sends the PING after the first GOAWAY. Call it when the GOAWAY is written: nghttp2 would write a PING
 * submitted earlier before it. */
void h2_ask_whether_seen(struct h2 *h2);

/* Submits the second GOAWAY. The last request is determined when it is written, as more requests may arrive
 * after the client's answer to the PING. */
void h2_say_last(struct h2 *h2);

/* output.c: content of responses */
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
