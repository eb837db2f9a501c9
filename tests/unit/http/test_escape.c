/* Escaping: every byte that could leave its place, and UTF-8 that is none. */
#include "../test.h"

#include "http/escape.h"

#include <stdlib.h>

typedef void escape_function(struct buffer *, struct slice);

static void expect(escape_function *escape, struct slice text, const char *expected)
{
    /* An allocation of exactly the text's size, so that a read past its end is seen. */
    char *copy = malloc(text.length);
    if (text.length > 0)
        memcpy(copy, text.data, text.length);
    struct buffer buffer;
    buffer_init(&buffer, 4096);
    escape(&buffer, slice_make(copy, text.length));
    assert_false(buffer.failed);
    assert_slice(buffer_slice(&buffer), expected);
    buffer_finish(&buffer);
    free(copy);
}

static void html_stays_text(void **state)
{
    (void)state;
    static const struct {
        struct slice text;
        const char *expected;
    } cases[] = {
        {SLICE(""), ""},
        {SLICE("plain.txt"), "plain.txt"},
        {SLICE("<script>alert('a' & \"b\")</script>"),
         "&lt;script&gt;alert(&#39;a&#39; &amp; &quot;b&quot;)&lt;/script&gt;"},
        {SLICE("&amp;"), "&amp;amp;"},
        {SLICE("gr\xc3\xbc\xc3\x9f"), "gr\xc3\xbc\xc3\x9f"},
        {SLICE("\xc3\""), "\xef\xbf\xbd&quot;"},
        {SLICE("a\xff"), "a\xef\xbf\xbd"},
        {SLICE("a\n\x1b[2J\x7f"), "a\xe2\x90\x8a\xe2\x90\x9b[2J\xe2\x90\xa1"},
        {SLICE("\xc2\x9b"), "\\u009b"},
        {SLICE("\xc2\xa0"), "\xc2\xa0"},
        {SLICE("exe.\xe2\x80\xaegpj"), "exe.\\u202egpj"},
        {SLICE("\xe2\x81\xa6\xe2\x80\xa8\xe2\x80\x8e\xe2\x80\xa7"), "\\u2066\\u2028\\u200e\xe2\x80\xa7"},
    };
    TABLE_ROWS_OF_SLICES(i, cases, cases[i].text)
        expect(http_html_escape, cases[i].text, cases[i].expected);
}

static void json_stays_a_string(void **state)
{
    (void)state;
    static const struct {
        struct slice text;
        const char *expected;
    } cases[] = {
        {SLICE(""), ""},
        {SLICE("a/b.txt"), "a/b.txt"},
        {SLICE("\"\\\n\r\t"), "\\\"\\\\\\n\\r\\t"},
        {SLICE("a\0b\x1f\x7f"), "a\\u0000b\\u001f\\u007f"},
        {SLICE("</script>"), "\\u003c/script>"},
        {SLICE("\xc2\x9b\xe2\x80\xae"), "\\u009b\\u202e"},
        {SLICE("\xe2\x82\xac\xf0\x9f\x8d\x92"), "\xe2\x82\xac\xf0\x9f\x8d\x92"},
    };
    TABLE_ROWS_OF_SLICES(i, cases, cases[i].text)
        expect(http_json_escape, cases[i].text, cases[i].expected);
}

#define R "\xef\xbf\xbd"

static void replaces_what_is_not_utf8(void **state)
{
    (void)state;
    static const struct {
        struct slice text;
        const char *expected;
    } cases[] = {
        {SLICE("\x80"), R},
        {SLICE("\xc0\x80"), R R},                /* overlong NUL */
        {SLICE("\xc1\xbf"), R R},                /* overlong */
        {SLICE("\xe0\x80\xaf"), R R R},          /* overlong slash */
        {SLICE("\xe0\xa0\x80"), "\xe0\xa0\x80"}, /* the first of three bytes */
        {SLICE("\xed\x9f\xbf"), "\xed\x9f\xbf"}, /* the last before the surrogates */
        {SLICE("\xed\xa0\x80"), R R R},          /* a surrogate */
        {SLICE("\xf0\x8f\xbf\xbf"), R R R R},    /* overlong */
        {SLICE("\xf4\x8f\xbf\xbf"), "\xf4\x8f\xbf\xbf"},
        {SLICE("\xf4\x90\x80\x80"), R R R R}, /* past U+10FFFF */
        {SLICE("\xf5\x80\x80\x80"), R R R R},
        {SLICE("\xc3"), R},
        {SLICE("\xe2\x82"), R R},
        {SLICE("\xf0\x9f\x8d"), R R R},
        {SLICE("\xe2\x82x"), R R "x"},
    };
    TABLE_ROWS_OF_SLICES(i, cases, cases[i].text) {
        expect(http_json_escape, cases[i].text, cases[i].expected);
        expect(http_html_escape, cases[i].text, cases[i].expected);
    }
}

static void says_when_it_does_not_fit(void **state)
{
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, 8);
    http_html_escape(&buffer, SLICE("<<<"));
    assert_true(buffer.failed);
    assert_true(buffer.length <= 8);
    buffer_finish(&buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(html_stays_text),
        cmocka_unit_test(json_stays_a_string),
        cmocka_unit_test(replaces_what_is_not_utf8),
        cmocka_unit_test(says_when_it_does_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
