/* Prints an HTTP/1 connection with the state of its parser. */
#include "front/connection_print.h"
#include "front/h1_connection.h"

static void h1_connection_print_print_session(const struct h1_session *session, struct buffer *out)
{
    static const char *const engine_states[] = {
        [H1_STATE_HEAD] = "head",
        [H1_STATE_CONTENT] = "content",
        [H1_STATE_END] = "end",
        [H1_STATE_DEAD] = "dead",
    };
    const struct print_flag flags[] = {
        {session->is_closing, "is_closing"},
        {session->is_waiting, "is_waiting"},
        {session->client_said_close, "client_said_close"},
        {session->cuts, "cuts"},
    };
    buffer_printf(out, " engine=%s", engine_states[session->engine.state]);
    print_count(out, "content_left", session->engine.content.remaining);
    print_flags(out, "session", flags, ARRAY_LENGTH(flags));
    print_count(out, "requests", session->request_count);
    print_count(out, "input", input_slice(session->input).length);
    print_count(out, "failure", session->failure);
}

void h1_connection_print(const struct h1_connection *connection, struct buffer *out)
{
    connection_print_client(&connection->base, out);
    h1_connection_print_print_session(&connection->session, out);
    connection_print_stream(&connection->base, out);
    LIST_FOREACH(link, &connection->session.exchanges)
        connection_print_exchange(CONTAINER_OF(link, const struct exchange, link), out);
}
