/* What a person reads when the server is ready. */
#include "../test.h"

#include "cli/banner.h"
#include "sys/address.h"

static struct address parse(const char *text)
{
    struct listen_address address;
    assert_int_equal(address_parse(slice_from(text), &address), ADDRESS_OK);
    return address.address;
}

static void shows_where_to_look(void **state)
{
    (void)state;
    const struct address addresses[] = {parse("127.0.0.1:8080"), parse("[::1]:81"),
                                        parse("127.0.0.1:80"),   parse("unix:/run/a"),
                                        parse("127.0.0.1:443"),  parse("[::1]:80")};
    const struct listener_settings listeners[ARRAY_LENGTH(addresses)] = {
        [4].https.is_on = true,
        [5].https.is_on = true,
    };
    struct buffer text;
    buffer_init(&text, 4096);
    banner_print("/srv", addresses, listeners, ARRAY_LENGTH(addresses), false, &text);
    assert_slice(buffer_slice(&text), "\n  vif serves /srv\n\n"
                                      "    http://127.0.0.1:8080/\n"
                                      "    http://[::1]:81/\n"
                                      "    http://127.0.0.1/\n"
                                      "    unix:/run/a\n"
                                      "    https://127.0.0.1/\n"
                                      "    https://[::1]:80/\n"
                                      "\n  Ctrl+C stops it.\n\n");
    buffer_finish(&text);
}

static void calls_every_address_localhost(void **state)
{
    (void)state;
    struct address address = parse(":8080");
    struct buffer text;
    buffer_init(&text, 1u << 16);
    banner_print("/srv", &address, &(struct listener_settings){0}, 1, true, &text);
    buffer_append_byte(&text, '\0');
    assert_non_null(strstr(text.data, "http://localhost:8080/"));
    assert_non_null(strstr(text.data, "\033[36m"));
    assert_null(strstr(text.data, "[::]"));
    assert_null(strstr(text.data, "127.0.0.1"));
    buffer_finish(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shows_where_to_look),
        cmocka_unit_test(calls_every_address_localhost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
