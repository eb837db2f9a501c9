/* Credentials of the Basic scheme: what is taken, and what is not. */
#include "../test.h"

#include "http/basic.h"

#include <stdio.h>
#include <string.h>

static void credentials(void **state)
{
    (void)state;
    static const struct {
        const char *value, *expected; /* "NAME|PASSWORD"; NULL: it is none */
    } rows[] = {
        {"Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Aladdin|open sesame"}, /* RFC 7617 section 2 */
        {"Basic dGVzdDoxMjPCow==", "test|123\xc2\xa3"},                /* section 2.1 */
        {"bASIC   YTpi", "a|b"},
        {"Basic YTo=", "a|"},
        {"Basic OmI=", "|b"},
        {"Basic YTpiOmM=", "a|b:c"}, /* the first colon ends the name */
        {"Basic Pz8+Oj8/Pg==", "?\?>|?\?>"},
        {"", NULL},
        {"Basic", NULL},
        {"Basic ", NULL},
        {"BasicYTpi", NULL},
        {"Bearer YTpi", NULL},
        {"Basic YWI=", NULL},  /* no colon */
        {"Basic YTo", NULL},   /* no padding */
        {"Basic YTpi=", NULL}, /* too much of it */
        {"Basic YTp=", NULL},  /* bits behind the last byte */
        {"Basic Y===", NULL},
        {"Basic ====", NULL},
        {"Basic YT=i", NULL},
        {"Basic YTo=YTpi", NULL}, /* padding before the end */
        {"Basic YTpi YTpi", NULL},
        {"Basic YTpi,YTpi", NULL},
        {"Basic -_8-Oj8_", NULL}, /* of base64url */
        {"Basic YToA", NULL},     /* "a:" and NUL */
        {"Basic YTp/", NULL},     /* DEL */
        {"Basic YQo6Yg==", NULL}, /* a line feed in the name */
    };
    TABLE_ROWS(i, rows, rows[i].value) {
        char room[64], shown[64];
        struct http_basic basic;
        bool is_good = http_basic_parse(slice_from(rows[i].value), room, sizeof(room), &basic);
        assert_int_equal(is_good, rows[i].expected != NULL);
        if (!is_good)
            continue;
        snprintf(shown, sizeof(shown), "%.*s|%.*s", SLICE_ARGS(basic.name), SLICE_ARGS(basic.password));
        assert_string_equal(shown, rows[i].expected);
        assert_int_equal(basic.password.data[basic.password.length], '\0');
    }
}

/* 12 digits are up to 9 bytes, and a NUL. */
static void what_does_not_fit(void **state)
{
    (void)state;
    char room[10];
    struct http_basic basic;
    struct slice value = SLICE("Basic YTpiYWJhYmFi");
    memset(room, 'x', sizeof(room));
    assert_true(http_basic_parse(value, room, 10, &basic));
    assert_slice(basic.password, "bababab");
    memset(room, 'x', sizeof(room));
    assert_false(http_basic_parse(value, room, 9, &basic));
    assert_int_equal(room[0], 'x');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(credentials),
        cmocka_unit_test(what_does_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
