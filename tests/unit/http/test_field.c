/* Field names are found whatever their case, nothing else is; and each byte is in the classes of RFC 9110. */
#include "../test.h"

#include "http/field.h"

#include <stdlib.h>

static const struct {
    enum http_field_name name;
    const char *text;
} table[] = {
#define X(member, text) {HTTP_FIELD_##member, text},
    HTTP_FIELD_TABLE(X)
#undef X
};

static enum http_field_name look_up(const char *bytes, size_t length)
{
    char *copy = malloc(length + (length == 0));
    memcpy(copy, bytes, length);
    enum http_field_name name = http_field_lookup(slice_make(copy, length));
    free(copy);
    return name;
}

static void every_name_is_found_in_any_case(void **state)
{
    (void)state;
    TABLE_ROWS(i, table, table[i].text) {
        size_t length = strlen(table[i].text);
        char text[64];
        assert_slice(http_field_text(table[i].name), table[i].text);
        for (unsigned way = 0; way < 4; way++) {
            for (size_t at = 0; at < length; at++) {
                char lower = ascii_lower(table[i].text[at]);
                bool upper = way == 1 || (way == 2 && at % 2) || (way == 3 && at % 2 == 0);
                text[at] = upper && lower >= 'a' && lower <= 'z' ? (char)(lower - 32) : lower;
            }
            assert_int_equal(look_up(text, length), table[i].name);
        }
    }
    assert_int_equal(http_field_text(HTTP_FIELD_OTHER).length, 0);
}

/* A byte more, a byte less, a byte changed, a bit flipped that case folding might lose. */
static void nothing_else_is_found(void **state)
{
    (void)state;
    TABLE_ROWS(i, table, table[i].text) {
        size_t length = strlen(table[i].text);
        char text[64];
        for (size_t at = 0; at < length; at++) {
            for (unsigned byte = 0; byte < 256; byte++) {
                memcpy(text, table[i].text, length);
                text[at] = (char)byte;
                bool same = ascii_lower((char)byte) == ascii_lower(table[i].text[at]);
                assert_int_equal(look_up(text, length) == table[i].name, same);
            }
        }
        memcpy(text, table[i].text, length);
        text[length] = 'x';
        assert_int_equal(look_up(text, length + 1), HTTP_FIELD_OTHER);
        assert_int_not_equal(look_up(text, length - 1), table[i].name);
        text[length] = '\0';
        assert_int_equal(look_up(text, length + 1), HTTP_FIELD_OTHER);
    }
    assert_int_equal(look_up("", 0), HTTP_FIELD_OTHER);
    assert_int_equal(look_up("\0", 1), HTTP_FIELD_OTHER);
    assert_int_equal(look_up("X-Forwarded-For-Nobody", 22), HTTP_FIELD_OTHER);
}

static void bytes_have_their_classes(void **state)
{
    (void)state;
    static const char token_marks[] = "!#$%&'*+-.^_`|~"; /* RFC 9110 section 5.6.2 */
    for (unsigned byte = 0; byte < 256; byte++) {
        bool alphanumeric =
            (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');
        bool token = alphanumeric || (byte != 0 && strchr(token_marks, (int)byte) != NULL);
        bool value = byte == '\t' || (byte >= 0x20 && byte != 0x7f); /* section 5.5, obs-text included */
        assert_int_equal(http_is_token_byte((unsigned char)byte), token);
        assert_int_equal(http_is_field_value_byte((unsigned char)byte), value);
        char one = (char)byte;
        assert_int_equal(http_is_token(slice_make(&one, 1)), token);
        assert_int_equal(http_is_field_value(slice_make(&one, 1)), value);
    }
    assert_false(http_is_token(SLICE("")));
    assert_true(http_is_field_value(SLICE("")));
    assert_false(http_is_token(SLICE("a b")));
    assert_false(http_is_field_value(SLICE("a\r\n b")));
}

/* Values are looked at eight bytes at a time: each byte in each place of values of each length, with nothing
 * readable behind them. */
static void a_bad_byte_is_seen_wherever_it_stands(void **state)
{
    (void)state;
    for (size_t length = 1; length <= 26; length++) {
        char *text = malloc(length);
        assert_non_null(text);
        memset(text, 'v', length);
        for (size_t at = 0; at < length; at++) {
            for (unsigned byte = 0; byte < 256; byte++) {
                text[at] = (char)byte;
                assert_int_equal(http_is_field_value(slice_make(text, length)),
                                 http_is_field_value_byte((unsigned char)byte));
                assert_int_equal(http_is_token(slice_make(text, length)),
                                 http_is_token_byte((unsigned char)byte));
            }
            text[at] = 'v';
        }
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_name_is_found_in_any_case),
        cmocka_unit_test(nothing_else_is_found),
        cmocka_unit_test(bytes_have_their_classes),
        cmocka_unit_test(a_bad_byte_is_seen_wherever_it_stands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
