/* Prints a connection in groups: the client's state, the socket, the exchanges. The protocol adds the state
 * of its parser. Nothing here changes any state. */
#include "front/connection_print.h"

#include "front/front.h"

/* Of a request's path; what is longer is cut. */
#define PATH_BYTES_MAX 80

void print_flags(struct buffer *out, const char *name, const struct print_flag *flags, size_t count)
{
    bool is_first = true;
    for (size_t i = 0; i < count; i++) {
        if (!flags[i].is_set)
            continue;
        if (is_first)
            buffer_printf(out, " %s=", name);
        else
            buffer_append_byte(out, ',');
        buffer_append(out, slice_from(flags[i].name));
        is_first = false;
    }
}

void print_count(struct buffer *out, const char *name, uint64_t value)
{
    if (value > 0)
        buffer_printf(out, " %s=%llu", name, (unsigned long long)value);
}

void connection_print_client(const struct connection *connection, struct buffer *out)
{
    const struct front_client *client = &connection->client;
    const struct print_flag flags[] = {
        {client->has_asked, "has_asked"},
        {client->request_began, "request_began"},
        {client->is_counted, "is_counted"},
        {client->peer.is_secure, "is_secure"},
        {client->kind->front->is_draining, "draining"},
    };
    uint64_t now = loop_now_ms(client->kind->front->loop);
    buffer_printf(out, "state=\"%s\"", front_client_state_name((enum client_state)client->state));
    print_flags(out, "client", flags, ARRAY_LENGTH(flags));
    buffer_printf(out, " age_ms=%llu", (unsigned long long)(now - client->window_began_ms));
    if (client->deadline_ms == UINT64_MAX)
        buffer_append(out, SLICE(" deadline_ms=never"));
    else
        buffer_printf(out, " deadline_ms=%lld", (long long)(client->deadline_ms - now));
    if (client->window_bytes != UINT64_MAX)
        print_count(out, "window_bytes", client->window_bytes);
}

void connection_print_stream(const struct connection *connection, struct buffer *out)
{
    const struct stream *stream = &connection->stream;
    const struct print_flag flags[] = {
        {stream->flags & STREAM_REGISTERED, "registered"}, {stream->flags & STREAM_READING, "reading"},
        {stream->flags & STREAM_READABLE, "readable"},     {stream->flags & STREAM_PEER_ENDED, "peer_ended"},
        {stream->flags & STREAM_END_TOLD, "end_told"},     {stream->flags & STREAM_CLOSED, "closed"},
        {stream->flags & STREAM_WRITABLE, "writable"},     {stream->flags & STREAM_HUNG_UP, "hung_up"},
        {transport_is_sending(stream), "sending"},
    };
    print_flags(out, "stream", flags, ARRAY_LENGTH(flags));
    print_count(out, "unsent", transport_unsent(stream));
    print_count(out, "unacknowledged", stream->flags & STREAM_CLOSED ? 0 : stream_unacknowledged(stream));
    print_count(out, "in_flight", stream->in_flight);
    if (transport_error(stream))
        buffer_printf(out, " error=%d", transport_error(stream));
}

void connection_print_exchange(const struct exchange *exchange, struct buffer *out)
{
    const struct print_flag flags[] = {
        {exchange->is_busy, "is_busy"},
        {exchange->is_responded, "is_responded"},
        {exchange->is_sent, "is_sent"},
        {exchange->closes, "closes"},
        {exchange->has_no_content, "has_no_content"},
        {exchange->is_kept, "is_kept"},
        {exchange->streams_content, "streams_content"},
        {exchange->has_content_left, "has_content_left"},
        {exchange->awaits_continue, "awaits_continue"},
        {exchange->seeks_error_page, "seeks_error_page"},
        {exchange->is_no_file, "is_no_file"},
        {exchange->source != NULL, "source"},
        {exchange->sink != NULL, "sink"},
        {exchange->file != NULL, "file"},
    };
    const struct http_request *request = &exchange->request;
    struct slice path = slice_take(request->path, MIN(request->path.length, (size_t)PATH_BYTES_MAX));
    buffer_printf(out, " {%.*s %.*s", SLICE_ARGS(request->method_text), SLICE_ARGS(path));
    print_count(out, "status", exchange->is_responded ? (uint64_t)exchange->response.status : 0);
    print_count(out, "reject", exchange->reject_status);
    print_flags(out, "flags", flags, ARRAY_LENGTH(flags));
    print_count(out, "given", exchange->given_bytes);
    print_count(out, "credit", exchange->sink ? exchange->sink->credit : 0);
    print_count(out, "outcome", exchange->outcome);
    buffer_append_byte(out, '}');
}
