/* A check in HTTP/2: one request on a connection of its own. The check may end within a callback of the
 * engine, which lives until the connection's memory goes. */
#include "proxy/health_probe_state.h"

#include "base/error.h"
#include "h2/caller.h"

#include <stdlib.h>

/* A preface, some small frames and a request; content of requests there is none. */
#define ROOM_BYTES (H2_FRAME_BYTES_MAX + 1024)

struct health_probe_h2 {
    struct h2_caller *caller;
    struct h2_call call;
    bool has_asked;
    char room[ROOM_BYTES];
};

static const struct h2_caller_limits health_probe_h2_limits = {
    .window_bytes = 64 << 10,
    .connection_window_bytes = 64 << 10,
    .list_bytes = 1 << 20,
};

/* ---- events of the engine ---- */

/* What comes with the bytes that have ended the check is told, too; but its settings may be gone. */
static bool health_probe_h2_is_over(const struct health_probe *probe)
{
    return probe->upstream == NULL;
}

static void health_probe_h2_on_head(void *owner, struct h2_call *call, const struct http_response_head *head,
                                    bool is_end)
{
    (void)call, (void)is_end;
    if (!health_probe_h2_is_over(owner) && head->status >= 200)
        health_probe_take_head(owner, head);
}

static void health_probe_h2_on_content(void *owner, struct h2_call *call, struct slice bytes)
{
    struct health_probe *probe = owner;
    if (health_probe_h2_is_over(probe))
        return;
    health_probe_take_content(probe, bytes);
    h2_caller_consume(probe->h2->caller, call, bytes.length);
}

static void health_probe_h2_on_end(void *owner, struct h2_call *call, const struct http_field *trailers,
                                   unsigned count)
{
    (void)call, (void)trailers, (void)count;
    if (!health_probe_h2_is_over(owner))
        health_probe_take_end(owner);
}

/* A complete response has ended the check before. */
static void health_probe_h2_on_closed(void *owner, struct h2_call *call, enum h2_call_end end)
{
    switch (end) {
    case H2_CALL_REFUSED: health_probe_end(owner, "it refused the request unprocessed"); return;
    case H2_CALL_BAD: health_probe_end(owner, call->fault); return;
    case H2_CALL_RESET:
    case H2_CALL_COMPLETE:
    case H2_CALL_CANCELLED: health_probe_end(owner, h2_code_text(call->code)); return;
    }
}

static enum h2_pulled health_probe_h2_pull(void *owner, struct h2_call *call, char *room, size_t bytes_max,
                                           struct h2_piece *ret_piece)
{
    (void)owner, (void)call, (void)room, (void)bytes_max, (void)ret_piece;
    return H2_PULL_FAILED; /* the request has no content */
}

static const struct h2_caller_events health_probe_h2_events = {
    .on_head = health_probe_h2_on_head,
    .on_content = health_probe_h2_on_content,
    .on_end = health_probe_h2_on_end,
    .on_closed = health_probe_h2_on_closed,
    .pull = health_probe_h2_pull,
};

/* ---- the connection ---- */

/* Returns whether there is more to send now. When the engine writes that it resets the request, that is over,
 * and with it the check. */
static bool health_probe_h2_send_some(struct health_probe *probe)
{
    struct health_probe_h2 *h2 = probe->h2;
    size_t length;
    enum h2_written written = h2_caller_write(h2->caller, h2->room, sizeof(h2->room), &length);
    enum send_result sent = SEND_DONE;
    if (written == H2_WRITTEN_FAILED)
        health_probe_end(probe, "vif is short of memory");
    if (health_probe_h2_is_over(probe))
        return false;
    if (length > 0) {
        struct segment segment = segment_memory(slice_make(h2->room, length));
        sent = upstream_link_send(&probe->link, &segment, 1);
    }
    if (sent == SEND_FAILED)
        health_probe_end(probe, error_text(stream_error(&probe->link.stream)));
    return written == H2_WRITTEN_FULL && sent == SEND_DONE;
}

void health_probe_h2_flush(struct health_probe *probe)
{
    struct health_probe_h2 *h2 = probe->h2;
    if (!h2->has_asked || upstream_link_is_sending(&probe->link))
        return;
    while (!health_probe_h2_is_over(probe) && health_probe_h2_send_some(probe))
        continue;
    if (health_probe_h2_is_over(probe) || !h2_caller_is_over(h2->caller))
        return;
    const char *fault =
        h2_caller_is_alone(h2->caller) ? "it does not speak HTTP/2" : h2_caller_fault(h2->caller);
    health_probe_end(probe, fault ? fault : "it closed the connection instead of answering");
}

void health_probe_h2_on_read(struct health_probe *probe, struct slice bytes)
{
    h2_caller_receive(probe->h2->caller, bytes, loop_now_ms(probe->upstream->all->loop));
    if (!health_probe_h2_is_over(probe))
        health_probe_h2_flush(probe);
}

void health_probe_h2_ask(struct health_probe *probe)
{
    struct health_probe_h2 *h2 = probe->h2;
    const struct proxy_settings *settings = probe->settings;
    bool is_secure = probe->upstream->parts.is_secure;
    const struct http_response_field fields[] = {
        {.name = SLICE(":method"), .value = SLICE("GET")},
        {.name = SLICE(":scheme"), .value = is_secure ? SLICE("https") : SLICE("http")},
        {.name = SLICE(":authority"), .value = health_probe_host(probe)},
        {.name = SLICE(":path"), .value = settings->health.path},
        {.name = SLICE("user-agent"), .value = SLICE("vif/" VIF_VERSION " (health check)")},
    };
    const struct h2_request request = {.fields = fields, .field_count = ARRAY_LENGTH(fields)};
    h2->call = (struct h2_call){.head_bytes = settings->head_bytes, .fields = settings->headers};
    h2->has_asked = true;
    if (h2_caller_begin(h2->caller, &h2->call, &request))
        health_probe_h2_flush(probe);
    else
        health_probe_end(probe, "vif is short of memory");
}

/* ---- its life ---- */

static bool health_probe_h2_prepare(struct upstreams *all)
{
    if (all->probe_callers == NULL)
        all->probe_callers = h2_caller_shared_create(&health_probe_h2_limits, &health_probe_h2_events);
    return all->probe_callers != NULL;
}

bool health_probe_h2_create(struct health_probe *probe)
{
    struct upstreams *all = probe->upstream->all;
    struct health_probe_h2 *h2 = health_probe_h2_prepare(all) ? calloc(1, sizeof(*h2)) : NULL;
    if (h2 == NULL)
        return false;
    probe->h2 = h2;
    h2->caller = h2_caller_create(all->probe_callers, probe);
    return h2->caller != NULL;
}

void health_probe_h2_free(struct health_probe *probe)
{
    if (probe->h2 == NULL)
        return;
    h2_caller_destroy(probe->h2->caller);
    free(probe->h2);
}
