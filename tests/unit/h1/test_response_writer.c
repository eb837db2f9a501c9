/* Response heads on the wire, to the byte. */
#include "../test.h"

#include "h1/response_writer.h"

#include <stdio.h>
#include <stdlib.h>

#define DATE "Sun, 06 Nov 1994 08:49:37 GMT"

static struct arena arena;

static int give_arena_back(void **state)
{
    (void)state;
    arena_finish(&arena);
    return 0;
}

static void begin(struct http_response *response, int status)
{
    arena.bytes_max = SIZE_MAX;
    http_response_init(response, &arena);
    http_response_begin(response, status);
}

static void expect(const struct http_response *response, enum h1_persistence persistence,
                   const char *expected)
{
    size_t size = h1_response_size(response);
    char *out = malloc(size);
    assert_non_null(out);
    size_t length = h1_response_write(out, response, DATE, persistence);
    assert_true(length <= size);
    assert_slice(slice_make(out, length), expected);
    free(out);
}

static void heads(void **state)
{
    (void)state;
    struct http_response response;
    begin(&response, 200);
    expect(&response, H1_PERSIST, "HTTP/1.1 200 OK\r\nDate: " DATE "\r\nContent-Length: 0\r\n\r\n");
    response.content_length = UINT64_MAX - 1;
    http_response_add(&response, SLICE("Server"), SLICE("vif"));
    http_response_add(&response, SLICE("X-Empty"), SLICE(""));
    http_response_add(&response, SLICE("X-None"), (struct slice){0});
    expect(&response, H1_PERSIST_CLOSE,
           "HTTP/1.1 200 OK\r\nDate: " DATE "\r\nServer: vif\r\nX-Empty: \r\nX-None: \r\n"
           "Content-Length: 18446744073709551614\r\nConnection: close\r\n\r\n");
    expect(&response, H1_PERSIST_KEEP_ALIVE,
           "HTTP/1.1 200 OK\r\nDate: " DATE "\r\nServer: vif\r\nX-Empty: \r\nX-None: \r\n"
           "Content-Length: 18446744073709551614\r\nConnection: keep-alive\r\n\r\n");
}

/* RFC 9110 section 8.6: none with 1xx and 204; a 304 could only repeat that of the 200. */
static void no_length_where_there_is_no_content(void **state)
{
    (void)state;
    struct http_response response;
    begin(&response, 204);
    expect(&response, H1_PERSIST, "HTTP/1.1 204 No Content\r\nDate: " DATE "\r\n\r\n");
    begin(&response, 304);
    response.content_length = 5;
    expect(&response, H1_PERSIST, "HTTP/1.1 304 Not Modified\r\nDate: " DATE "\r\n\r\n");
    begin(&response, 205);
    expect(&response, H1_PERSIST,
           "HTTP/1.1 205 Reset Content\r\nDate: " DATE "\r\nContent-Length: 0\r\n\r\n");
}

/* RFC 9112 section 6.1; but where the end of the connection is to tell, nothing is said. */
static void content_of_unknown_length_comes_in_chunks(void **state)
{
    (void)state;
    struct http_response response;
    begin(&response, 200);
    response.content_length = HTTP_LENGTH_UNKNOWN;
    expect(&response, H1_PERSIST, "HTTP/1.1 200 OK\r\nDate: " DATE "\r\nTransfer-Encoding: chunked\r\n\r\n");
    response.no_length = true;
    expect(&response, H1_PERSIST_CLOSE, "HTTP/1.1 200 OK\r\nDate: " DATE "\r\nConnection: close\r\n\r\n");
}

static void the_size_is_enough_for_every_status(void **state)
{
    (void)state;
    for (int status = 100; status <= 999; status++) {
        struct http_response response;
        begin(&response, status);
        response.no_length = false;
        response.content_length = UINT64_MAX - 1;
        for (unsigned i = 0; i < 50; i++)
            http_response_add(&response, SLICE("Name"), SLICE("value"));
        size_t size = h1_response_size(&response);
        char *out = malloc(size);
        assert_non_null(out);
        assert_true(h1_response_write(out, &response, DATE, H1_PERSIST_KEEP_ALIVE) <= size);
        free(out);
    }
}

static void the_date_stands_where_it_is_said_to(void **state)
{
    (void)state;
    for (int status = 100; status <= 999; status++) {
        struct http_response response;
        char out[512];
        begin(&response, status);
        assert_true(h1_response_size(&response) <= sizeof(out));
        size_t length = h1_response_write(out, &response, DATE, H1_PERSIST);
        size_t offset = h1_response_date_offset(status);
        assert_true(offset + HTTP_DATE_LENGTH < length);
        assert_memory_equal(out + offset, DATE, HTTP_DATE_LENGTH);
    }
}

/* A head that is kept gets its Connection field by being cut before the empty line. */
static void the_connection_field_stands_last(void **state)
{
    (void)state;
    static const enum h1_persistence all[] = {H1_PERSIST, H1_PERSIST_KEEP_ALIVE, H1_PERSIST_CLOSE};
    for (size_t i = 0; i < ARRAY_LENGTH(all); i++) {
        struct http_response response;
        char kept[512], whole[512];
        begin(&response, 200);
        http_response_add(&response, SLICE("Server"), SLICE("vif"));
        size_t length = h1_response_write(kept, &response, DATE, H1_PERSIST);
        struct slice connection = h1_response_connection(all[i]);
        snprintf(kept + length - 2, sizeof(kept) - length, "%.*s\r\n", SLICE_ARGS(connection));
        size_t whole_length = h1_response_write(whole, &response, DATE, all[i]);
        assert_slice(slice_make(whole, whole_length), kept);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads),
        cmocka_unit_test(no_length_where_there_is_no_content),
        cmocka_unit_test(content_of_unknown_length_comes_in_chunks),
        cmocka_unit_test(the_size_is_enough_for_every_status),
        cmocka_unit_test(the_date_stands_where_it_is_said_to),
        cmocka_unit_test(the_connection_field_stands_last),
    };
    return cmocka_run_group_tests(tests, NULL, give_arena_back);
}
