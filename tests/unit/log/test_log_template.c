/* Formats of the operator: what can be read, what a line then says, and that it always fits. */
#include "../test.h"

#include "log/line_writer.h"
#include "log/log_template.h"

#include <stdlib.h>

static struct http_field fields[3] = {
    {HTTP_FIELD_USER_AGENT, SLICE("User-Agent"), SLICE("agent \"1\"")},
    {HTTP_FIELD_OTHER, SLICE("X-Id"), SLICE("7\n8")},
    {HTTP_FIELD_OTHER, SLICE("x-id"), SLICE("second")},
};

static const struct access_log_tls tls = {.version = SLICE("TLSv1.3"), .name = SLICE("example.com")};
static const struct access_log_upstream upstream = {.server = SLICE("http://a:1"), .head_us = 12};

static struct http_request make_request(void)
{
    struct http_request request = {
        .method_text = SLICE("GET"),
        .target = SLICE("/a?b"),
        .path = SLICE("/a"),
        .query = SLICE("b"),
        .host = SLICE("example.com"),
        .version_major = 1,
        .version_minor = 1,
        .field_count = ARRAY_LENGTH(fields),
        .fields = fields,
    };
    request.first[HTTP_FIELD_USER_AGENT] = 1;
    return request;
}

static const char *write_line(const char *text, const struct access_log_entry *entry)
{
    static char line[LINE_BYTES_MAX + 1];
    static struct log_template template;
    struct log_template_fault fault;
    struct line_clock clock;
    struct log_moment moment = {.seconds = 1764191957, .milliseconds = 89};
    line_clock_init(&clock);
    assert_true(log_template_read(slice_from(text), &template, &fault));
    char *end = log_template_write(&template, &clock, &moment, entry, line);
    assert_true(end < line + LINE_BYTES_MAX);
    *end = '\0';
    return line;
}

static void lines(void **state)
{
    (void)state;
    static const struct {
        const char *template, *expected, *bare; /* `bare`: of a request that could not be parsed */
    } rows[] = {
        {"plain text", "plain text", "plain text"},
        {"{client}", "192.0.2.7", "192.0.2.7"},
        {"{time} {time_common}", "2025-11-26T21:19:17.089Z 26/Nov/2025:21:19:17 +0000",
         "2025-11-26T21:19:17.089Z 26/Nov/2025:21:19:17 +0000"},
        {"{method} {target} {path} {query} HTTP/{version}", "GET /a?b /a b HTTP/1.1", "- - - - HTTP/-"},
        {"{host}\t{referer}\t{user_agent}", "example.com\t-\tagent \\x221\\x22", "-\t-\t-"},
        {"{header.X-ID}{header.Absent}", "7\\x0a8-", "--"},
        {"{status} {bytes} {duration_us} {outcome}", "200 1234 56 client_left", "400 0 0 complete"},
        {"{tls} {cipher} {server_name}", "TLSv1.3 - example.com", "- - -"},
        {"{upstream} {upstream_cause} {upstream_connect_us} {upstream_head_us}", "http://a:1 - - 12",
         "- - - -"},
        {"[{request_id}]", "[abc]", "[-]"},
        {"{{{status}}", "{200}", "{400}"},
        {"{{{{x}", "{{x}", "{{x}"},
    };
    struct http_request request = make_request();
    struct access_log_entry entry = {
        .client = SLICE("192.0.2.7"),
        .request = &request,
        .tls = &tls,
        .upstream = &upstream,
        .body_bytes = 1234,
        .duration_us = 56,
        .status = 200,
        .outcome = OUTCOME_CLIENT_LEFT,
        .request_id = SLICE("abc"),
    };
    struct access_log_entry bare = {.client = SLICE("192.0.2.7"), .status = 400};
    TABLE_ROWS(i, rows, rows[i].template) {
        assert_string_equal(write_line(rows[i].template, &entry), rows[i].expected);
        assert_string_equal(write_line(rows[i].template, &bare), rows[i].bare);
    }
}

static void what_cannot_be_used(void **state)
{
    (void)state;
    static char long_text[LOG_TEMPLATE_BYTES_MAX + 2], many[LOG_TEMPLATE_ITEMS_MAX * 8 + 16];
    memset(long_text, 'x', sizeof(long_text) - 1);
    for (int i = 0; i <= LOG_TEMPLATE_ITEMS_MAX; i++)
        strcat(many, "{host}");
    const struct {
        const char *template, *fault, *field;
    } rows[] = {
        {"{statu}", NULL, "statu"},
        {"{}", NULL, ""},
        {"{client} {Status}", NULL, "Status"},
        {"{header.}", NULL, "header."},
        {"{header}", NULL, "header"},
        {"{client", "has no", NULL},
        {"a\nb", "control character", NULL},
        {"a\033b", "control character", NULL},
        {long_text, "longer than 1024 bytes", NULL},
        {many, "more than 64 parts", NULL},
    };
    TABLE_ROWS(i, rows, rows[i].template) {
        static struct log_template template;
        struct log_template_fault fault;
        assert_false(log_template_read(slice_from(rows[i].template), &template, &fault));
        assert_int_equal(fault.text != NULL, rows[i].fault != NULL);
        if (rows[i].fault)
            assert_non_null(strstr(fault.text, rows[i].fault));
        else
            assert_slice(fault.field, rows[i].field);
    }
}

/* However many fields there are, and however long what clients send is. */
static void every_line_fits(void **state)
{
    (void)state;
    static char value[70000], template[LOG_TEMPLATE_BYTES_MAX + 64];
    memset(value, '"', sizeof(value));
    struct http_request request = make_request();
    request.target = request.path = request.query = request.host = slice_make(value, sizeof(value));
    fields[1].value = slice_make(value, sizeof(value));
    struct access_log_entry entry = {.client = request.target,
                                     .request = &request,
                                     .body_bytes = UINT64_MAX,
                                     .duration_us = UINT64_MAX,
                                     .request_id = request.target};
    static const char *const parts[] = {
        "{target}",
        "{path}{query}",
        "{target}{target}{target}",
        "{header.X-Id}",
        "{request_id}",
        "{bytes}{target}{duration_us}",
        "{time}{time_common}{client}",
    };
    TABLE_ROWS(i, parts, parts[i]) {
        template[0] = '\0';
        size_t fields_of_part = slice_count(slice_from(parts[i]), '{');
        for (size_t j = 0; j + fields_of_part <= LOG_TEMPLATE_ITEMS_MAX &&
                           strlen(template) + strlen(parts[i]) <= LOG_TEMPLATE_BYTES_MAX;
             j += fields_of_part)
            strcat(template, parts[i]);
        (void)write_line(template, &entry);
    }
    /* A long text, and what is left for one field. */
    memset(template, 'x', 1000);
    strcpy(template + 1000, "{target}");
    (void)write_line(template, &entry);
    fields[1].value = SLICE("7\n8");
}

static void a_single_field_has_all_of_its_bound(void **state)
{
    (void)state;
    static char value[3000];
    memset(value, 'x', sizeof(value));
    struct http_request request = make_request();
    request.target = slice_make(value, 2000);
    struct access_log_entry entry = {.client = SLICE("a"), .request = &request};
    assert_int_equal(strlen(write_line("{target} {user_agent}", &entry)), 2000 + 1 + 15);
    request.target = slice_make(value, sizeof(value));
    const char *line = write_line("{target}", &entry);
    assert_int_equal(strlen(line), 2048 - 3);
    assert_string_equal(line + strlen(line) - 4, "x...");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines),
        cmocka_unit_test(what_cannot_be_used),
        cmocka_unit_test(every_line_fits),
        cmocka_unit_test(a_single_field_has_all_of_its_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
