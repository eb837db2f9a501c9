/* A connection of HTTP/2 in words. */
#include "front/connection_print.h"
#include "front/h2_connection.h"

static void h2_connection_print_print_session(const struct h2_connection *connection, struct buffer *out)
{
    const struct h2_session *session = connection->session;
    const struct print_flag flags[] = {
        {connection->has_more, "has_more"},
        {h2_is_inside_head(session->engine), "inside_head"},
        {h2_is_over(session->engine), "is_over"},
    };
    print_flags(out, "session", flags, ARRAY_LENGTH(flags));
    print_count(out, "requests", session->request_count);
    print_count(out, "streams", session->exchange_count);
    print_count(out, "input", input_slice(connection->input).length);
    if (h2_fault(session->engine))
        buffer_printf(out, " fault=\"%s\"", h2_fault(session->engine));
    LIST_FOREACH(link, &session->exchanges)
        connection_print_exchange(CONTAINER_OF(link, const struct exchange, link), out);
}

void h2_connection_print(const struct h2_connection *connection, struct buffer *out)
{
    connection_print_client(&connection->base, out);
    buffer_append(out, SLICE(" engine=h2"));
    connection_print_stream(&connection->base, out);
    if (connection->session)
        h2_connection_print_print_session(connection, out);
}
