/* connect, send, receive; whatever happens first decides. Read health_probe_begin first. What is of HTTP/2 is
 * in health_probe_h2.c. */
#include "proxy/health_probe_state.h"

#include "base/error.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* Of the content, which is searched for a text. */
#define HEALTH_BODY_BYTES_MAX (64u << 10)

/* ---- what is good ---- */

bool health_is_good_status(struct slice range, unsigned status)
{
    uint64_t first = 0, last = 0;
    size_t dash = slice_find(range, '-');
    bool is_range = slice_to_u64(slice_take(range, dash), &first);
    if (dash == range.length)
        return is_range && status == first;
    return is_range && slice_to_u64(slice_skip(range, dash + 1), &last) && status >= first && status <= last;
}

bool health_has_header(const struct http_field *fields, unsigned count, struct slice wanted)
{
    size_t colon = slice_find(wanted, ':');
    struct slice name = slice_take(wanted, colon);
    struct slice value = slice_trim(slice_skip(wanted, MIN(colon + 1, wanted.length)));
    for (unsigned i = 0; i < count; i++) {
        if (slice_equal_nocase(fields[i].name_text, name) &&
            (colon == wanted.length || slice_equal(fields[i].value, value)))
            return true;
    }
    return false;
}

/* ---- the end ---- */

static void health_probe_free(struct health_probe *probe)
{
    health_probe_h2_free(probe);
    buffer_finish(&probe->request);
    buffer_finish(&probe->input);
    buffer_finish(&probe->content);
    free(probe);
}

static void health_probe_on_gone(struct task *task)
{
    health_probe_free(CONTAINER_OF(task, struct health_probe, gone));
}

void health_probe_cancel(struct health_probe *probe)
{
    struct upstream *upstream = probe->upstream;
    if (upstream == NULL)
        return;
    probe->upstream = NULL;
    timer_disarm(&probe->deadline);
    if (probe->is_open) {
        upstream_link_close(&probe->link);
    } else {
        connector_cancel(&probe->connector);
        task_defer(upstream->all->loop, &probe->gone);
    }
    upstream_unref(upstream);
}

void health_probe_hand_over(struct health_probe *probe, void *context)
{
    probe->context = context;
}

void health_probe_end(struct health_probe *probe, const char *fault)
{
    health_probe_done *done = probe->done;
    void *context = probe->context;
    if (probe->upstream == NULL)
        return;
    health_probe_cancel(probe);
    done(context, fault);
}

static void health_probe_on_late(struct timer *timer)
{
    struct health_probe *probe = CONTAINER_OF(timer, struct health_probe, deadline);
    if (!probe->is_open)
        upstream_name_look(probe->upstream);
    health_probe_end(probe, probe->is_open ? "no answer in time" : "no connection in time");
}

/* ---- the response ---- */

void health_probe_take_head(struct health_probe *probe, const struct http_response_head *head)
{
    const struct proxy_health *health = &probe->settings->health;
    char fault[BUFSIZ];
    if (!health_is_good_status(health->status, head->status)) {
        snprintf(fault, sizeof(fault), "status %u instead of %.*s", head->status, SLICE_ARGS(health->status));
        health_probe_end(probe, fault);
    } else if (health->header.length > 0 &&
               !health_has_header(head->fields, head->field_count, health->header)) {
        snprintf(fault, sizeof(fault), "no header \"%.*s\"", SLICE_ARGS(health->header));
        health_probe_end(probe, fault);
    } else if (health->body.length == 0) {
        health_probe_end(probe, NULL);
    }
}

static bool health_has_body(const struct health_probe *probe)
{
    struct slice content = buffer_slice(&probe->content), wanted = probe->settings->health.body;
    return content.length >= wanted.length &&
           memmem(content.data, content.length, wanted.data, wanted.length) != NULL;
}

void health_probe_take_content(struct health_probe *probe, struct slice bytes)
{
    size_t room = HEALTH_BODY_BYTES_MAX - probe->content.length;
    if (!buffer_append(&probe->content, slice_take(bytes, MIN(room, bytes.length))))
        health_probe_end(probe, "vif is short of memory");
    else if (health_has_body(probe))
        health_probe_end(probe, NULL);
}

void health_probe_take_end(struct health_probe *probe)
{
    char fault[BUFSIZ];
    snprintf(fault, sizeof(fault), "no \"%.*s\" in its content", SLICE_ARGS(probe->settings->health.body));
    health_probe_end(probe, fault);
}

static void health_probe_take_input(struct health_probe *probe)
{
    struct slice input = buffer_slice(&probe->input), piece;
    struct http_response_head *head = probe->upstream->all->head;
    while (probe->upstream) {
        switch (h1_response_next(&probe->parser, &input, head, &piece)) {
        case H1_RESPONSE_MORE: buffer_consume(&probe->input, probe->input.length - input.length); return;
        case H1_RESPONSE_INTERIM: break;
        case H1_RESPONSE_HEAD: health_probe_take_head(probe, head); break;
        case H1_RESPONSE_CONTENT: health_probe_take_content(probe, piece); break;
        case H1_RESPONSE_END: health_probe_take_end(probe); return;
        case H1_RESPONSE_BAD:
            health_probe_end(probe, h1_response_fault_text((enum h1_response_fault)probe->parser.fault));
            return;
        }
    }
}

/* ---- the connection ---- */

static struct health_probe *health_probe_of(const struct stream *stream)
{
    return CONTAINER_OF((struct stream *)stream, struct health_probe, link.stream);
}

static void health_probe_on_read(struct stream *stream, struct slice bytes)
{
    struct health_probe *probe = health_probe_of(stream);
    if (probe->upstream == NULL || probe->settings->health.path.length == 0)
        return;
    if (probe->h2)
        health_probe_h2_on_read(probe, bytes);
    else if (buffer_append(&probe->input, bytes))
        health_probe_take_input(probe);
    else
        health_probe_end(probe, "vif is short of memory");
}

static void health_probe_on_end(struct stream *stream)
{
    struct health_probe *probe = health_probe_of(stream);
    if (probe->upstream == NULL)
        return;
    if (probe->h2 == NULL && h1_response_close(&probe->parser, probe->input.length) == H1_RESPONSE_END)
        health_probe_take_end(probe);
    else
        health_probe_end(probe, "it closed the connection instead of answering");
}

static void health_probe_on_sent(struct stream *stream)
{
    struct health_probe *probe = health_probe_of(stream);
    if (probe->upstream && probe->h2)
        health_probe_h2_flush(probe);
}

static void health_probe_on_error(struct stream *stream, int error)
{
    struct health_probe *probe = health_probe_of(stream);
    const char *fault = upstream_link_fault(&probe->link);
    health_probe_end(probe, fault ? fault : error_text(error));
}

static void health_probe_on_closed(struct stream *stream)
{
    health_probe_free(health_probe_of(stream));
}

static bool health_probe_may_send_file(struct stream *stream, const struct segment *segment)
{
    (void)stream, (void)segment;
    UNREACHABLE();
}

static size_t health_probe_describe(const struct stream *stream, char *out, size_t size)
{
    (void)stream;
    return (size_t)snprintf(out, size, "a health check");
}

struct slice health_probe_host(const struct health_probe *probe)
{
    struct slice host = probe->settings->host;
    bool is_servers = host.length == 0 || slice_equal(host, SLICE("server"));
    return is_servers ? probe->upstream->parts.authority : host;
}

static bool health_probe_write_request(struct health_probe *probe)
{
    struct slice path = probe->settings->health.path, host = health_probe_host(probe);
    return buffer_printf(&probe->request,
                         "GET %.*s HTTP/1.1\r\nHost: %.*s\r\nUser-Agent: vif/" VIF_VERSION
                         " (health check)\r\nConnection: close\r\n\r\n",
                         SLICE_ARGS(path), SLICE_ARGS(host));
}

static void health_probe_ask_h1(struct health_probe *probe)
{
    if (!health_probe_write_request(probe)) {
        health_probe_end(probe, "vif is short of memory");
        return;
    }
    struct segment segment = segment_memory(buffer_slice(&probe->request));
    if (upstream_link_send(&probe->link, &segment, 1) == SEND_FAILED)
        health_probe_end(probe, error_text(stream_error(&probe->link.stream)));
}

/* The connection is there, with TLS if there is to be any. */
static void health_probe_ask(struct health_probe *probe)
{
    if (probe->settings->health.path.length == 0)
        health_probe_end(probe, NULL);
    else if (upstream_link_chose_h2(&probe->link) && !health_probe_h2_create(probe))
        health_probe_end(probe, "vif is short of memory");
    else if (probe->h2)
        health_probe_h2_ask(probe);
    else
        health_probe_ask_h1(probe);
}

static void health_probe_on_secured(struct stream *stream)
{
    struct health_probe *probe = health_probe_of(stream);
    if (probe->upstream)
        health_probe_ask(probe);
}

static const struct upstream_link_events health_probe_link_events = {
    .stream =
        {
            .on_read = health_probe_on_read,
            .may_send_file = health_probe_may_send_file,
            .on_end = health_probe_on_end,
            .on_sent = health_probe_on_sent,
            .on_error = health_probe_on_error,
            .on_closed = health_probe_on_closed,
            .describe = health_probe_describe,
        },
    .on_secured = health_probe_on_secured,
};

/* A server that is known to speak HTTP/2 may have sent its first frame already. */
static void health_probe_take_connection(struct health_probe *probe, int fd)
{
    bool is_secure = probe->upstream->parts.is_secure;
    struct upstream_link_plan plan = {.settings = probe->settings,
                                      .offer = upstream_offer_of(probe->upstream)};
    if (!is_secure && plan.offer == UPSTREAM_OFFER_H2 && !health_probe_h2_create(probe)) {
        sys_close(fd);
        health_probe_end(probe, "vif is short of memory");
        return;
    }
    probe->is_open = true;
    int error = upstream_link_start(&probe->link, probe->upstream, fd, &health_probe_link_events, &plan);
    if (probe->upstream == NULL)
        return;
    if (error < 0)
        health_probe_end(probe, error_text(error));
    else if (!is_secure)
        health_probe_ask(probe);
}

/* Requests go there, too. */
static void health_probe_take_address(struct health_probe *probe)
{
    if (probe->address < probe->upstream->address_count)
        probe->upstream->address_first = probe->address;
}

/* Tries the addresses one after the other, as for a request; each has its part of the time. Returns the
 * descriptor, -EINPROGRESS, or the last error: `error` if there are no more. */
static int health_probe_try_addresses(struct health_probe *probe, int error)
{
    struct upstream *upstream = probe->upstream;
    while (probe->tries < upstream->address_count) {
        probe->address = (upstream->address_first + probe->tries++) % upstream->address_count;
        error = connector_start(&probe->connector, &upstream->addresses[probe->address],
                                probe->settings->health.timeout_ms / upstream->address_count);
        if (error >= 0 || error == -EINPROGRESS)
            break;
    }
    return error;
}

/* The name may have got other addresses: the next check has them. */
static void health_probe_connect(struct health_probe *probe, int error)
{
    int fd = health_probe_try_addresses(probe, error);
    if (fd >= 0) {
        health_probe_take_address(probe);
        health_probe_take_connection(probe, fd);
    } else if (fd != -EINPROGRESS) {
        upstream_name_look(probe->upstream);
        health_probe_end(probe, error_text(fd));
    }
}

static void health_probe_on_connected(struct connector *connector, int fd)
{
    struct health_probe *probe = CONTAINER_OF(connector, struct health_probe, connector);
    health_probe_take_address(probe);
    health_probe_take_connection(probe, fd);
}

static void health_probe_on_unconnected(struct connector *connector, int error)
{
    health_probe_connect(CONTAINER_OF(connector, struct health_probe, connector), error);
}

static const struct connector_events health_probe_connector_events = {
    .on_connected = health_probe_on_connected,
    .on_failed = health_probe_on_unconnected,
};

/* ---- the beginning ---- */

static struct health_probe *health_probe_create(struct upstream *upstream,
                                                const struct proxy_settings *settings)
{
    struct health_probe *probe = calloc(1, sizeof(*probe));
    if (probe == NULL)
        return NULL;
    probe->upstream = upstream;
    upstream->references++;
    probe->settings = settings;
    probe->limits = (struct h1_limits){
        .head_bytes = settings->head_bytes,
        .fields = settings->headers,
        .body_bytes = UINT64_MAX,
    };
    h1_response_init(&probe->parser, &probe->limits);
    h1_response_expect(&probe->parser, HTTP_METHOD_GET);
    buffer_init(&probe->request, SIZE_MAX);
    buffer_init(&probe->input, (size_t)settings->head_bytes + LOOP_READ_BYTES);
    buffer_init(&probe->content, HEALTH_BODY_BYTES_MAX);
    connector_init(&probe->connector, upstream->all->loop, &health_probe_connector_events);
    timer_init(&probe->deadline, health_probe_on_late);
    task_init(&probe->gone, health_probe_on_gone);
    return probe;
}

struct health_probe *health_probe_begin(struct upstream *upstream, const struct proxy_settings *settings,
                                        health_probe_done *done, void *context)
{
    if (upstream->address_count == 0) {
        upstream_name_look(upstream);
        done(context, "its name has no address");
        return NULL;
    }
    struct health_probe *probe = health_probe_create(upstream, settings);
    if (probe == NULL) {
        done(context, "vif is short of memory");
        return NULL;
    }
    probe->done = done;
    probe->context = context;
    wheel_arm(loop_wheel(upstream->all->loop), &probe->deadline, settings->health.timeout_ms);
    health_probe_connect(probe, -EHOSTUNREACH);
    return probe->upstream ? probe : NULL;
}
