/* Content of HTTP/2 responses that turns out to be wrong half way: its stream is reset, and nothing of it
 * seems whole. */
#include "tests/unit/h2_pair.h"

#include "serve/handler.h"

#include <fcntl.h>

#define BIG_BYTES 300000

static struct world world;
static struct h2_pair pair;

static void prepare(uint32_t client_window)
{
    world_init(&world);
    world_add_file(&world, "big", BIG_BYTES);
    world.routes[1] = (struct route){.prefix = SLICE("/short"), .kind = ROUTE_RESPOND};
    world.site.route_count = 2;
    world_start(&world);
    h2_pair_init_events(&pair, &world);
    h2_pair_start(&pair, client_window);
}

static void clean_up(void)
{
    h2_pair_finish(&pair);
    world_finish(&world);
}

/* As long as it was: what was read already is dropped, too. */
static void a_file_that_is_written_over_is_not_sent_mixed(void **state)
{
    (void)state;
    static char other[BIG_BYTES];
    prepare(1000);
    pair.client.holds_windows = true;
    struct h2_client_stream *big = h2_client_get(&pair.client, "/big");
    h2_pair_talk(&pair);
    assert_int_equal(big->content.length, 1000);
    tree_date(&world.tree, "big", 1);
    int fd = openat(world.tree.fd, "big", O_WRONLY | O_CLOEXEC);
    assert_int_equal(write(fd, other, sizeof(other)), sizeof(other));
    close(fd);
    assert_int_equal(nghttp2_session_consume(pair.client.session, big->id, 1000), 0);
    h2_pair_talk(&pair);
    assert_int_equal(big->content.length, 1000);
    assert_int_equal(big->code, NGHTTP2_INTERNAL_ERROR);
    clean_up();
}

static enum source_result short_next(struct source *source, size_t bytes_max, struct segment *ret_segment)
{
    (void)bytes_max;
    if (source->length == 9)
        return SOURCE_END;
    source->length = 9; /* promised were 20 */
    *ret_segment = segment_memory(SLICE("ninebytes"));
    return SOURCE_GIVEN;
}

static const struct source_type short_type = {.next = short_next};

static void short_handle(struct exchange *exchange)
{
    static struct source source;
    source = (struct source){.type = &short_type, .exchange = exchange, .length = 20};
    exchange_begin_response(exchange, 200);
    exchange_respond(exchange, &source);
}

static void content_that_is_too_short_does_not_seem_whole(void **state)
{
    (void)state;
    static const struct handler_type handler = {.handle = short_handle};
    prepare(65535);
    world.server->service.handlers[ROUTE_RESPOND] = (struct handler){.type = &handler};
    struct h2_client_stream *stream = h2_client_get(&pair.client, "/short");
    h2_pair_talk(&pair);
    assert_int_equal(stream->content.length, 9);
    assert_false(stream->has_ended);
    assert_int_equal(stream->code, NGHTTP2_INTERNAL_ERROR);
    clean_up();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_that_is_written_over_is_not_sent_mixed),
        cmocka_unit_test(content_that_is_too_short_does_not_seem_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
