/* One row per flag: how its value is read, and the message for other values. */
#include "cli/load_flags.h"

#include "base/error.h"
#include "cli/whole_file.h"
#include "conf/quantity.h"
#include "http/field.h"
#include "http/method.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#define CONNECTIONS_MAX  1000000
#define FIELDS_BYTES_MAX (64u << 10)
#define DEFAULT_MS       10000
#define DEFAULT_WARM_UP  500

/* Reads a value into the plan; false where it is none. */
typedef bool read_value(struct load_flags *wanted, struct slice value);

static bool read_count(struct slice value, uint64_t max, uint64_t *ret_count)
{
    uint64_t count;
    if (!slice_to_u64(value, &count) || count == 0 || count > max)
        return false;
    *ret_count = count;
    return true;
}

static bool read_unsigned(struct slice value, unsigned max, unsigned *ret_count)
{
    uint64_t count;
    if (!read_count(value, max, &count))
        return false;
    *ret_count = (unsigned)count;
    return true;
}

static bool load_flags_read_connections(struct load_flags *wanted, struct slice value)
{
    return read_unsigned(value, CONNECTIONS_MAX, &wanted->plan.connections);
}

static bool read_time(struct slice value, uint64_t least_ms, uint64_t *ret_ms)
{
    uint64_t ms;
    if (!quantity_read_duration(value, &ms) || ms < least_ms || ms > UINT64_C(86400000))
        return false;
    *ret_ms = ms;
    return true;
}

static bool load_flags_read_duration(struct load_flags *wanted, struct slice value)
{
    return read_time(value, 1, &wanted->plan.duration_ms);
}

static bool read_requests(struct load_flags *wanted, struct slice value)
{
    return read_count(value, UINT64_C(1) << 53, &wanted->plan.requests_max);
}

static bool read_rate(struct load_flags *wanted, struct slice value)
{
    char text[32];
    char *end;
    if (value.length == 0 || value.length >= sizeof(text))
        return false;
    memcpy(text, value.data, value.length);
    text[value.length] = '\0';
    double rate = strtod(text, &end);
    if (*end != '\0' || !isfinite(rate) || rate < 0.001 || rate > 1e8)
        return false;
    wanted->plan.rate = rate;
    return true;
}

static bool read_pipeline(struct load_flags *wanted, struct slice value)
{
    return read_unsigned(value, LOAD_PIPELINE_MAX, &wanted->plan.pipeline);
}

static bool read_close(struct load_flags *wanted, struct slice value)
{
    (void)value;
    wanted->plan.closes = true;
    return true;
}

static bool read_warm_up(struct load_flags *wanted, struct slice value)
{
    return read_time(value, 0, &wanted->plan.warm_up_ms);
}

static bool read_timeout(struct load_flags *wanted, struct slice value)
{
    return read_time(value, 1, &wanted->plan.timeout_ms);
}

static bool read_connect_rate(struct load_flags *wanted, struct slice value)
{
    return read_unsigned(value, 10000000, &wanted->plan.connect_rate);
}

static bool read_threads(struct load_flags *wanted, struct slice value)
{
    return read_unsigned(value, LOAD_THREADS_MAX, &wanted->plan.threads);
}

static bool read_method(struct load_flags *wanted, struct slice value)
{
    wanted->plan.targets[0].method = value;
    return http_is_token(value) && http_method_parse(value) != HTTP_METHOD_CONNECT;
}

/* Headers that the client writes itself, or that would make responses ambiguous. */
static bool is_own(enum http_field_name name)
{
    return name == HTTP_FIELD_CONNECTION || name == HTTP_FIELD_CONTENT_LENGTH ||
           name == HTTP_FIELD_TRANSFER_ENCODING || name == HTTP_FIELD_EXPECT || name == HTTP_FIELD_UPGRADE;
}

static bool read_header(struct load_flags *wanted, struct slice value)
{
    size_t colon = slice_find(value, ':');
    struct slice name = slice_take(value, colon);
    if (colon == value.length || !http_is_token(name) || is_own(http_field_lookup(name)))
        return false;
    struct slice content = slice_trim(slice_skip(value, colon + 1));
    if (http_field_lookup(name) == HTTP_FIELD_HOST)
        wanted->plan.host = content;
    else
        buffer_printf(&wanted->fields, "%.*s: %.*s\r\n", SLICE_ARGS(name), SLICE_ARGS(content));
    return http_is_field_value(content) && !wanted->fields.failed;
}

/* Longer ones than the kernel takes for a word of a command line have no way here but by a file. */
static bool read_body(struct load_flags *wanted, struct slice value)
{
    wanted->plan.targets[0].body = value;
    return value.length <= LOAD_BODY_BYTES_MAX;
}

/* Its content is read when all flags are. */
static bool read_body_file(struct load_flags *wanted, struct slice value)
{
    wanted->body_file.text = value;
    return value.length > 0;
}

static bool load_flags_read_status(struct load_flags *wanted, struct slice value)
{
    uint64_t status;
    if (!read_count(value, 599, &status) || status < 200)
        return false;
    wanted->plan.targets[0].status = (uint16_t)status;
    return true;
}

static bool read_json(struct load_flags *wanted, struct slice value)
{
    wanted->json = value.data;
    return value.length > 0;
}

static bool read_svg(struct load_flags *wanted, struct slice value)
{
    wanted->svg = value.data;
    return value.length > 0;
}

static const struct {
    const char *name;
    read_value *read;
    const char *expected;
} rows[] = {
    {"connections", load_flags_read_connections, "a number from 1 to 1000000, such as 64"},
    {"duration", load_flags_read_duration, "a time from 1ms to 1d, such as 10s or 1m30s"},
    {"requests", read_requests, "a number above 0, such as 100000"},
    {"rate", read_rate, "requests a second, from 0.001 to 100000000, such as 5000"},
    {"pipeline", read_pipeline, "a number from 1 to 64"},
    {"close", read_close, NULL},
    {"warm-up", read_warm_up, "a time up to 1d, such as 1s; 0 measures from the beginning"},
    {"timeout", read_timeout, "a time from 1ms to 1d, such as 5s"},
    {"connect-rate", read_connect_rate, "connections a second, from 1 to 10000000"},
    {"threads", read_threads, "a number from 1 to 64"},
    {"method", read_method, "a method but CONNECT, such as GET or HEAD"},
    {"header", read_header,
     "NAME: VALUE, such as 'Accept-Encoding: gzip'; Connection, Expect, Upgrade, Content-Length and "
     "Transfer-Encoding are not to be chosen"},
    {"body", read_body, "at most 16 MiB"},
    {"body-file", read_body_file, "the name of a file, or - for standard input"},
    {"status", load_flags_read_status, "a number from 200 to 599, such as 304"},
    {"json", read_json, "the name of a file, or - for standard output"},
    {"svg", read_svg, "the name of a file, or - for standard output"},
};

static void load_flags_read_given(struct load_flags *wanted, const struct arguments *arguments,
                                  const struct given_flag *given)
{
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        if (strcmp(rows[i].name, given->flag->name) != 0)
            continue;
        struct argument value = given->value;
        if (rows[i].read == read_body_file)
            wanted->body_file.position = value.position;
        if (!rows[i].read(wanted, value.text))
            diagnostics_add(arguments->diagnostics, value.position, "expected %s, not \"%.*s\"",
                            rows[i].expected, SLICE_ARGS(value.text));
        return;
    }
    UNREACHABLE();
}

static bool is_host(const struct given_flag *given)
{
    struct slice value = given->value.text;
    struct slice name = slice_take(value, slice_find(value, ':'));
    return strcmp(given->flag->name, "header") == 0 && http_field_lookup(name) == HTTP_FIELD_HOST;
}

/* RFC 9112 section 3.2: a request has one Host. */
static void load_flags_check_hosts(const struct arguments *arguments)
{
    bool has_one = false;
    for (size_t i = 0; i < arguments->given_count; i++) {
        const struct given_flag *given = &arguments->given[i];
        if (is_host(given) && has_one)
            diagnostics_add(arguments->diagnostics, given->value.position,
                            "a request has one Host, and there is one already");
        has_one |= is_host(given);
    }
}

/* The file's, where one is named. The usual method of a request with a body is POST. */
static void find_body(struct load_flags *wanted, const struct arguments *arguments)
{
    struct load_target *target = &wanted->plan.targets[0];
    struct argument *file = &wanted->body_file;
    if (target->body.data && file->text.data)
        diagnostics_add(arguments->diagnostics, file->position,
                        "a request has one body: --body gives one already");
    else if (file->text.length > 0) {
        int error = whole_file_read(file->text.data, &wanted->body);
        if (error == -EFBIG)
            diagnostics_add(arguments->diagnostics, file->position, "%s: a body has at most %u MiB",
                            file->text.data, LOAD_BODY_BYTES_MAX >> 20);
        else if (error < 0)
            diagnostics_add(arguments->diagnostics, file->position, "%s: %s", file->text.data,
                            error_text(error));
        target->body = slice_make(wanted->body.data ? wanted->body.data : "", wanted->body.length);
    }
    if (target->body.data && target->method.data == NULL)
        target->method = SLICE("POST");
    if (target->body.data && http_method_parse(target->method) == HTTP_METHOD_TRACE)
        diagnostics_add(arguments->diagnostics, (struct source_position){0},
                        "a TRACE request has no body (RFC 9110 section 9.3.8): leave one out");
}

/* What cannot be had together. */
static void load_flags_check_together(const struct load_flags *wanted, const struct arguments *arguments)
{
    const struct load_plan *plan = &wanted->plan;
    struct source_position nowhere = {0};
    if (plan->closes && plan->pipeline > 1)
        diagnostics_add(arguments->diagnostics, nowhere,
                        "--close and --pipeline contradict each other: leave one out");
    if (plan->threads > plan->connections)
        diagnostics_add(arguments->diagnostics, nowhere,
                        "%u threads need as many connections at least: -c %u", plan->threads, plan->threads);
    if (plan->requests_max > 0 && plan->requests_max < plan->threads)
        diagnostics_add(arguments->diagnostics, nowhere, "%u threads need as many requests at least: -n %u",
                        plan->threads, plan->threads);
    if (wanted->json && wanted->svg && strcmp(wanted->json, "-") == 0 && strcmp(wanted->svg, "-") == 0)
        diagnostics_add(arguments->diagnostics, nowhere,
                        "--json and --svg cannot both go to standard output: name a file for one");
}

void load_flags_read(struct load_flags *wanted, const struct arguments *arguments)
{
    const uint64_t unset = UINT64_MAX;
    *wanted = (struct load_flags){
        .plan = {.connections = 64, .pipeline = 1, .threads = 1, .timeout_ms = 5000, .warm_up_ms = unset},
    };
    buffer_init(&wanted->fields, FIELDS_BYTES_MAX);
    buffer_init(&wanted->body, LOAD_BODY_BYTES_MAX);
    for (size_t i = 0; i < arguments->given_count; i++)
        load_flags_read_given(wanted, arguments, &arguments->given[i]);
    struct load_plan *plan = &wanted->plan;
    bool is_counted = plan->requests_max > 0 && plan->duration_ms == 0;
    if (plan->duration_ms == 0 && !is_counted)
        plan->duration_ms = DEFAULT_MS;
    if (plan->warm_up_ms == unset)
        plan->warm_up_ms = plan->requests_max > 0 ? 0 : DEFAULT_WARM_UP;
    plan->fields = buffer_slice(&wanted->fields);
    find_body(wanted, arguments);
    load_flags_check_hosts(arguments);
    load_flags_check_together(wanted, arguments);
}

void load_flags_finish(struct load_flags *wanted)
{
    buffer_finish(&wanted->fields);
    buffer_finish(&wanted->body);
}
