/* Sessions of HTTP/2 without I/O: what is left when a request is refused early, or an output is lost. */
#include "tests/unit/h2_pair.h"

#include "serve/handler.h"

static struct world world;
static struct h2_pair pair;

static void prepare(void)
{
    world_init(&world);
    world_add_file(&world, "small", 1000);
    world_add_file(&world, "big", 300000);
}

static void start(void)
{
    world_start(&world);
    h2_pair_init_events(&pair, &world);
    h2_pair_start(&pair, 65535);
}

static void clean_up(void)
{
    h2_pair_finish(&pair);
    world_finish(&world);
}

/* A page for errors that has to be read from a slow disk. */
static unsigned pages_sought;

static void read_page(void *context)
{
    (void)context;
}

static void end_page(void *context)
{
    exchange_respond_standard_error(context);
}

static void seek_page(struct exchange *exchange, struct root *root, struct slice path)
{
    (void)root, (void)path;
    pages_sought++;
    assert_int_equal(exchange_offload(exchange, NULL, read_page, end_page, exchange), 0);
}

static void content_that_comes_while_a_refusal_is_made_asks_for_nothing(void **state)
{
    (void)state;
    static const struct error_page page = {.status = 405, .path = SLICE("405.html")};
    struct handler_type files;
    prepare();
    world.routes[0].files.error_pages = (struct error_page *)&page;
    world.routes[0].files.error_page_count = 1;
    start();
    struct handler *handler = &world.server->service.handlers[ROUTE_FILES];
    files = *handler->type;
    files.respond_error = seek_page;
    handler->type = &files;
    nghttp2_nv headers[] = {
        h2_client_header(SLICE(":method"), SLICE("POST")),
        h2_client_header(SLICE(":scheme"), SLICE("http")),
        h2_client_header(SLICE(":authority"), SLICE("x")),
        h2_client_header(SLICE(":path"), SLICE("/small")),
        h2_client_header(SLICE("expect"), SLICE("100-continue")),
    };
    struct h2_client_stream *stream =
        h2_client_ask(&pair.client, headers, ARRAY_LENGTH(headers), SLICE("content"));
    h2_pair_talk(&pair);
    assert_int_equal(pages_sought, 1);
    assert_int_equal(stream->status, 405);
    assert_true(stream->has_ended && stream->is_closed);
    clean_up();
}

static const struct exchange *first_of(struct list *exchanges)
{
    assert_false(list_is_empty(exchanges));
    return CONTAINER_OF(exchanges->next, struct exchange, link);
}

/* The end of an output is not sent: that takes nothing from responses before it, and all of it from those
 * that it is of. */
static void what_is_lost_is_of_the_last_responses(void **state)
{
    (void)state;
    static char room[65536];
    struct slice pieces[64];
    struct h2_output output = {.room = room,
                               .room_size = sizeof(room),
                               .pieces = pieces,
                               .piece_max = ARRAY_LENGTH(pieces),
                               .bytes_max = UINT64_MAX};
    struct h2_session *session;
    prepare();
    start();
    session = pair.session;
    h2_pair_talk(&pair);
    h2_client_get(&pair.client, "/small");
    h2_client_get(&pair.client, "/big");
    assert_true(h2_pair_send(&pair));
    assert_int_not_equal(h2_session_write(session, &output), H2_WRITTEN_FAILED);
    const struct exchange *small = first_of(&session->sent), *big = first_of(&session->exchanges);
    uint64_t given = big->given_bytes;
    h2_session_lose(session, 30000, OUTCOME_TIMED_OUT);
    assert_int_equal(small->given_bytes, 1000);
    assert_int_equal(small->outcome, OUTCOME_COMPLETE);
    assert_int_equal(big->given_bytes, given - 30000);
    assert_int_equal(big->outcome, OUTCOME_TIMED_OUT);
    clean_up();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(content_that_comes_while_a_refusal_is_made_asks_for_nothing),
        cmocka_unit_test(what_is_lost_is_of_the_last_responses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
