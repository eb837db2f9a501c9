/* Negotiation: what real clients send, weights, wildcards, and elements that are none. */
#include "../test.h"

#include "http/negotiate.h"
#include "request_builder.h"

#define GZIP HTTP_CODING_BIT(HTTP_CODING_GZIP)
#define BR   HTTP_CODING_BIT(HTTP_CODING_BR)
#define ZSTD HTTP_CODING_BIT(HTTP_CODING_ZSTD)
#define ALL  (GZIP | BR | ZSTD | HTTP_CODING_BIT(HTTP_CODING_IDENTITY))

static void chooses_a_coding(void **state)
{
    (void)state;
    static const struct {
        const char *accept; /* field lines; NULL for none */
        unsigned available;
        const char *expected;
    } cases[] = {
        {NULL, ALL, "identity"},
        {"Accept-Encoding:", ALL, "identity"},
        {"Accept-Encoding: gzip, deflate, br, zstd", ALL, "br"},
        {"Accept-Encoding: gzip, deflate, br, zstd", GZIP | ZSTD, "zstd"},
        {"Accept-Encoding: gzip, deflate, br, zstd", GZIP, "gzip"},
        {"Accept-Encoding: gzip, deflate, br, zstd", 0, "identity"},
        {"Accept-Encoding: gzip, deflate, br, zstd", HTTP_CODING_BIT(HTTP_CODING_IDENTITY), "identity"},
        {"Accept-Encoding: deflate", ALL, "identity"},
        {"Accept-Encoding: GZip", ALL, "gzip"},
        {"Accept-Encoding: x-gzip", ALL, "gzip"},
        {"Accept-Encoding: gzip;q=1.0, br;q=0.5", ALL, "gzip"},
        {"Accept-Encoding: gzip;q=0.001", ALL, "gzip"},
        {"Accept-Encoding: gzip;q=0", ALL, "identity"},
        {"Accept-Encoding: gzip;q=0.000", ALL, "identity"},
        {"Accept-Encoding: br;q=0, gzip", ALL, "gzip"},
        {"Accept-Encoding: *", ALL, "br"},
        {"Accept-Encoding: *", GZIP, "gzip"},
        {"Accept-Encoding: *;q=0", ALL, "identity"},
        {"Accept-Encoding: gzip, *;q=0", ALL, "gzip"},
        {"Accept-Encoding: gzip, *;q=0", BR, "identity"},
        {"Accept-Encoding: br;q=0.5, *;q=0.7", ALL, "zstd"},
        {"Accept-Encoding: *;q=0.7, br;q=0", BR, "identity"},
        {"Accept-Encoding: identity;q=0", ALL, "identity"},
        {"Accept-Encoding: identity;q=0, gzip;q=0.1", ALL, "gzip"},
        {"Accept-Encoding: identity;q=0.5, gzip;q=0.4", ALL, "identity"},
        {"Accept-Encoding: identity;q=0.5, gzip;q=0.5", ALL, "gzip"},
        {"Accept-Encoding: identity, gzip", ALL, "gzip"},
        {"Accept-Encoding: identity", ALL, "identity"},
        {"Accept-Encoding: gzip;q=0.5, *;q=0.9, identity;q=0.2", GZIP, "gzip"},
        {"Accept-Encoding: gzip;q=0.5, *;q=0.9", GZIP, "identity"},
        {"Accept-Encoding: gzip ; q=0.5 , br ; Q=0.4", ALL, "gzip"},
        {"Accept-Encoding: gzip;q=0.2;q=0.9, br;q=0.5", ALL, "gzip"},
        {"Accept-Encoding: gzip;x=1;q=0.2, br;q=0.1", ALL, "gzip"},
        {"Accept-Encoding: gzip;", ALL, "gzip"},
        {"Accept-Encoding: ,,gzip,,", ALL, "gzip"},
        {"Accept-Encoding: gzip\nAccept: a\nAccept-Encoding: br;q=0.9", ALL, "gzip"},
        {"Accept-Encoding: deflate\nAccept-Encoding: br", ALL, "br"},
        /* malformed weights: the element is skipped */
        {"Accept-Encoding: gzip;q=2", ALL, "identity"},
        {"Accept-Encoding: gzip;q=1.001", ALL, "identity"},
        {"Accept-Encoding: gzip;q=1.000", ALL, "gzip"},
        {"Accept-Encoding: gzip;q=1.", ALL, "gzip"},
        {"Accept-Encoding: gzip;q=0.", ALL, "identity"},
        {"Accept-Encoding: gzip;q=0.5555", ALL, "identity"},
        {"Accept-Encoding: gzip;q=-1", ALL, "identity"},
        {"Accept-Encoding: gzip;q=", ALL, "identity"},
        {"Accept-Encoding: gzip;q=.5", ALL, "identity"},
        {"Accept-Encoding: gzip;q=1 1", ALL, "identity"},
        {"Accept-Encoding: gzip;q=0.x", ALL, "identity"},
        {"Accept-Encoding: gzip;q=x, br;q=0.1", ALL, "br"},
        {"Accept-Encoding: gzipp, zgzip, gzi", ALL, "identity"},
    };
    TABLE_ROWS(i, cases, cases[i].accept) {
        struct http_request request = {.method = HTTP_METHOD_GET};
        request_add_lines(&request, slice_from(cases[i].accept));
        struct slice got = http_coding_name(http_coding_choose(&request, cases[i].available));
        if (!slice_equal(got, slice_from(cases[i].expected)))
            fail_msg("%s of %#x gave %.*s", cases[i].accept, cases[i].available, SLICE_ARGS(got));
        request_free(&request);
    }
}

static void tells_programs_from_browsers(void **state)
{
    (void)state;
    static const struct {
        const char *accept; /* its lines; NULL for none */
        bool json;
    } cases[] = {
        {NULL, false},
        {"", false},
        {"*/*", false},                                                             /* curl */
        {"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", false}, /* Firefox */
        {"application/json", true},
        {"application/json, text/plain, */*", true}, /* axios */
        {"application/json, */*;q=0.5", true},       /* httpie */
        {"Application/JSON", true},
        {"application/json;charset=utf-8", true},
        {"application/*", true},
        {"application/*, text/*", false},
        {"application/json, text/html", false},
        {"text/html;q=0.9, application/json", true},
        {"text/html, application/json;q=0.9", false},
        {"text/html;q=0, */*", true},
        {"text/html;q=0", false},
        {"application/json;q=0", false},
        {"application/json;q=0, */*", false},
        {"application/json;q=0.1, */*;q=0.9", false},
        {"*/*;q=0.9, text/html;q=0.1", true},
        {"text/*;q=0.3, text/html;q=0.7, application/json;q=0.5", false},
        {"text/html;q=0.7, text/*;q=0.3, application/json;q=0.5", false},
        {"text/html;level=1;q=0.4, application/json;q=0.5", true},
        {"*/json", false},
        {"*/html, application/json;q=0.1", true},
        {"json", false},
        {"/", false},
        {"application/json;q=oops", false},
        {"text/plain", false},
        {"image/png, application/jsonx, xapplication/json", false},
        /* several lines are one list (RFC 9110 section 5.3) */
        {"image/png\napplication/json", true},
        {"application/json;q=0.5\ntext/html", false},
        {"application/json\ntext/html;q=0.5", true},
        {"\n,,\napplication/json,", true},
        /* what is in quotes separates nothing */
        {"text/html;a=\"x,application/json;q=0,y\";q=0.2, application/json;q=0.1", false},
        {"application/json;a=\";q=0\"", true},
        {"application/json;a=\"\\\";q=0\"", true},
        {"image/png;a=\"no end, application/json", false},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct http_request request = {0};
        struct slice lines = slice_from(cases[i].accept), line;
        while (slice_next(&lines, '\n', &line))
            request_add(&request, HTTP_FIELD_ACCEPT, line);
        if (http_prefers_json(&request) != cases[i].json)
            fail_msg("%s", cases[i].accept);
        request_free(&request);
    }
}

static void tells_pages_from_their_parts(void **state)
{
    (void)state;
    static const struct {
        const char *destination, *accept; /* NULL: not sent */
        enum http_page_wish wish;
    } cases[] = {
        /* browsers */
        {"document", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", HTTP_PAGE_WANTED},
        {"iframe", "text/html", HTTP_PAGE_WANTED},
        {"document", "*/*", HTTP_PAGE_WANTED},
        {"script", "*/*", HTTP_PAGE_NOT_WANTED},
        {"style", "text/css,*/*;q=0.1", HTTP_PAGE_NOT_WANTED},
        {"image", "image/avif,image/webp,*/*;q=0.8", HTTP_PAGE_NOT_WANTED},
        {"font", "*/*", HTTP_PAGE_NOT_WANTED},
        {"worker", "*/*", HTTP_PAGE_NOT_WANTED},
        {"manifest", "*/*", HTTP_PAGE_NOT_WANTED},
        {"script", "text/html", HTTP_PAGE_NOT_WANTED},
        /* fetch() */
        {"empty", "*/*", HTTP_PAGE_NOT_WANTED},
        {"empty", "application/json", HTTP_PAGE_NOT_WANTED},
        {"empty", "text/html, application/xhtml+xml", HTTP_PAGE_WANTED},
        {"empty", NULL, HTTP_PAGE_NOT_WANTED},
        {"", "text/html", HTTP_PAGE_NOT_WANTED},
        /* older browsers, and programs */
        {NULL, "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", HTTP_PAGE_WANTED},
        {NULL, "text/*", HTTP_PAGE_WANTED},
        {NULL, "text/html;q=0", HTTP_PAGE_NOT_WANTED},
        {NULL, "text/html;q=0, */*", HTTP_PAGE_NOT_WANTED},
        {NULL, "image/png", HTTP_PAGE_NOT_WANTED},
        {NULL, "application/json", HTTP_PAGE_NOT_WANTED},
        {NULL, "text/css,*/*;q=0.1", HTTP_PAGE_UNSAID},
        {NULL, "*/*", HTTP_PAGE_UNSAID},
        {NULL, NULL, HTTP_PAGE_UNSAID},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct http_request request = {0};
        if (cases[i].destination)
            request_add(&request, HTTP_FIELD_SEC_FETCH_DEST, slice_from(cases[i].destination));
        if (cases[i].accept)
            request_add(&request, HTTP_FIELD_ACCEPT, slice_from(cases[i].accept));
        if (http_page_wish(&request) != cases[i].wish)
            fail_msg("%s, %s", cases[i].destination, cases[i].accept);
        request_free(&request);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chooses_a_coding),
        cmocka_unit_test(tells_programs_from_browsers),
        cmocka_unit_test(tells_pages_from_their_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
