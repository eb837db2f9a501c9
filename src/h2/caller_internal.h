/* Shared by the files of the client's engine. Only they use nghttp2. */
#ifndef H2_CALLER_INTERNAL_H
#define H2_CALLER_INTERNAL_H

#include "h2/caller.h"
#include "h2/floods.h"
#include "h2/memory.h"
#include "h2/response_list.h"

#include <nghttp2/nghttp2.h>

struct h2_caller_shared {
    const struct h2_caller_limits *limits;
    const struct h2_caller_events *events;
    nghttp2_session_callbacks *callbacks;
    nghttp2_option *options;
    struct h2_response_list *spare_list; /* for the next head of any engine */
    struct h2_memory memory;
};

struct h2_caller {
    nghttp2_session *session;
    struct h2_caller_shared *shared;
    void *owner;
    struct h2_response_list *list; /* headers that are coming in; NULL: between heads */
    struct h2_floods floods;
    const char *fault;
    uint32_t call_count;
    bool is_alone;
    bool has_begun;     /* the preface was written */
    bool is_broken;     /* nothing more is received */
    bool is_introduced; /* the server's settings have come */
    bool was_dismissed; /* GOAWAY has come */
    bool is_full;       /* the room is */
    char *room;         /* set inside h2_caller_write only */
    size_t room_size;
    size_t room_used;
    size_t pulled; /* bytes of content behind the space for a frame's header */
};

static inline const struct h2_caller_events *h2_caller_events_of(const struct h2_caller *caller)
{
    return caller->shared->events;
}

/* caller_output.c: content of requests */
extern const nghttp2_data_provider h2_caller_content_provider;
int h2_caller_put_content(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *frame_head,
                          size_t length, nghttp2_data_source *source, void *user_data);

#endif
