/* The names and their order are the format: what is changed here is changed in share/lab.schema.json too, and
 * in the page, which reads this. */
#include "lab/report/report.h"

#include "http/json.h"

#include <math.h>
#include <stdio.h>
#include <time.h>

#define FORMAT_VERSION 1

/* --- values --- */

static void put_text(struct json *json, const char *key, const char *text)
{
    json_key(json, key);
    if (text && text[0])
        json_string(json, slice_from(text));
    else
        json_raw(json, SLICE("null"));
}

/* Six digits are more than any measurement here is worth. */
static void put_figure(struct json *json, const char *key, double figure)
{
    json_put_double(json, key, fabs(figure) >= 1e5 ? "%.0f" : "%.6g", figure);
}

static void put_cores(struct json *json, const char *key, const cpu_set_t *cores)
{
    json_key(json, key);
    json_begin(json, '[');
    for (unsigned core = 0; core < CPU_SETSIZE; core++) {
        if (CPU_ISSET(core, cores))
            json_number(json, core);
    }
    json_end(json, ']');
}

static void put_counts(struct json *json, const unsigned *counts, size_t count)
{
    json_begin(json, '[');
    for (size_t i = 0; i < count; i++)
        json_number(json, counts[i]);
    json_end(json, ']');
}

/* --- the run --- */

static void put_machine(struct json *json, const struct lab_machine *machine)
{
    json_key(json, "machine");
    json_begin(json, '{');
    put_text(json, "cpu", machine->cpu);
    put_text(json, "kernel", machine->kernel);
    json_put_number(json, "cores", machine->cores);
    put_cores(json, "server_cores", &machine->server_cores);
    put_cores(json, "client_cores", &machine->client_cores);
    json_put_number(json, "memory_bytes", machine->memory_bytes);
    json_put_number(json, "descriptors_max", machine->descriptors_max);
    put_figure(json, "load_average_before", machine->load_average_before);
    json_end(json, '}');
}

static void put_settings(struct json *json, const struct lab_settings *settings)
{
    json_key(json, "settings");
    json_begin(json, '{');
    json_key(json, "connections");
    put_counts(json, settings->connections, settings->connection_count);
    json_put_number(json, "rounds", settings->rounds);
    json_put_number(json, "warm_up_ms", settings->warm_up_ms);
    json_put_number(json, "duration_ms", settings->duration_ms);
    json_put_number(json, "answer_timeout_ms", settings->answer_timeout_ms);
    json_put_number(json, "throughput_timeout_ms", settings->throughput_timeout_ms);
    json_put_number(json, "idle_connections", settings->idle_connections);
    json_put_number(json, "busy_connections", settings->busy_connections);
    json_key(json, "mostly_idle_connections");
    put_counts(json, settings->mostly_idle_connections, settings->mostly_idle_count);
    json_put_number(json, "slow_fast_connections", settings->slow_fast_connections);
    json_put_number(json, "slow_requests_per_s", settings->slow_requests_per_s);
    json_put_number(json, "slow_drip_clients", settings->slow_drip_clients);
    json_put_number(json, "slow_read_clients", settings->slow_read_clients);
    json_put_number(json, "blocking_connections", settings->blocking_connections);
    json_put_number(json, "blocking_requests_per_s", settings->blocking_requests_per_s);
    put_figure(json, "blocking_share", 1.0 / settings->blocking_one_in);
    json_put_number(json, "blocking_ms", LAB_BLOCK_MS);
    json_put_number(json, "limit_connections", settings->limit_connections);
    json_end(json, '}');
}

/* --- a model --- */

static void put_load(struct json *json, const struct lab_load_figures *load)
{
    json_put_number(json, "requests", load->requests);
    put_figure(json, "requests_per_s", load->requests_per_s);
    put_figure(json, "requests_per_s_least", load->requests_per_s_least);
    put_figure(json, "requests_per_s_most", load->requests_per_s_most);
    put_figure(json, "latency_p50_us", load->latency_p50_us);
    put_figure(json, "latency_p99_us", load->latency_p99_us);
    put_figure(json, "latency_p999_us", load->latency_p999_us);
    put_figure(json, "latency_max_us", load->latency_max_us);
    json_put_number(json, "requests_unanswered", load->requests_unanswered);
    json_put_number(json, "errors", load->errors);
    put_text(json, "error_text", load->error_text);
    json_put_bool(json, "is_client_bound", load->is_client_bound);
    json_put_bool(json, "is_client_late", load->is_client_late);
}

static void put_point(struct json *json, const struct lab_point *point)
{
    json_begin(json, '{');
    json_put_number(json, "connections", point->connections);
    put_load(json, &point->load);
    put_figure(json, "cpu_us_per_request", point->usage.cpu_us_per_request);
    put_figure(json, "cpu_us_per_request_least", point->usage.cpu_us_least);
    put_figure(json, "cpu_us_per_request_most", point->usage.cpu_us_most);
    put_figure(json, "system_cpu_share", point->usage.system_cpu_share);
    put_figure(json, "cores_used", point->usage.cores_used);
    put_figure(json, "voluntary_switches_per_request", point->usage.voluntary_switches_per_request);
    put_figure(json, "involuntary_switches_per_request", point->usage.involuntary_switches_per_request);
    json_put_number(json, "processes", point->usage.processes);
    json_put_number(json, "threads", point->usage.threads);
    put_figure(json, "others_cpu_share", point->others_share);
    json_end(json, '}');
}

static void put_points(struct json *json, const char *key, const struct lab_point *points, size_t count)
{
    json_key(json, key);
    json_begin(json, '[');
    for (size_t i = 0; i < count; i++)
        put_point(json, &points[i]);
    json_end(json, ']');
}

/* A member that is an object, or null. True where the caller is to fill and end it. */
static bool begin_object(struct json *json, const char *key, bool is_there)
{
    json_key(json, key);
    if (is_there)
        json_begin(json, '{');
    else
        json_raw(json, SLICE("null"));
    return is_there;
}

static void put_load_object(struct json *json, const char *key, const struct lab_load_figures *load)
{
    begin_object(json, key, true);
    put_load(json, load);
    json_end(json, '}');
}

static void put_idle(struct json *json, const struct lab_idle_figures *idle)
{
    if (!begin_object(json, "idle", idle->connections > 0))
        return;
    json_put_number(json, "connections", idle->connections);
    put_figure(json, "memory_bytes_per_connection", idle->memory_bytes_per_connection);
    put_figure(json, "page_table_bytes_per_connection", idle->page_table_bytes_per_connection);
    put_figure(json, "kernel_stack_bytes_per_connection", idle->kernel_stack_bytes_per_connection);
    put_figure(json, "threads_per_connection", idle->threads_per_connection);
    put_figure(json, "processes_per_connection", idle->processes_per_connection);
    put_figure(json, "descriptors_per_connection", idle->descriptors_per_connection);
    put_figure(json, "memory_bytes_before", idle->memory_bytes_before);
    json_end(json, '}');
}

static void put_pair(struct json *json, const char *key, const struct lab_pair *pair, bool has_blocked)
{
    if (!begin_object(json, key, pair->is_measured))
        return;
    put_load_object(json, "without", &pair->without);
    put_load_object(json, "with", &pair->with);
    if (has_blocked)
        put_load_object(json, "blocked", &pair->blocked);
    put_figure(json, "others_cpu_share", pair->others_share);
    json_end(json, '}');
}

static void put_limit(struct json *json, const struct lab_limit_figures *limit)
{
    if (!begin_object(json, "limit", limit->is_measured))
        return;
    json_put_number(json, "connections", limit->connections);
    json_put_bool(json, "has_held_all", limit->has_held_all);
    put_text(json, "how", limit->how);
    json_end(json, '}');
}

static void put_model(struct json *json, const struct lab_model_result *result)
{
    json_begin(json, '{');
    put_text(json, "name", result->model->name);
    put_text(json, "title", result->model->title);
    put_text(json, "idea", result->model->idea);
    put_text(json, "breaks", result->model->breaks);
    put_text(json, "source", result->model->source);
    json_key(json, "connections_max");
    if (result->model->connections_max)
        json_number(json, result->model->connections_max);
    else
        json_raw(json, SLICE("null"));
    put_text(json, "unavailable", result->unavailable);
    put_text(json, "fault", result->fault);
    put_points(json, "throughput", result->points, result->point_count);
    put_idle(json, &result->idle);
    put_points(json, "mostly_idle", result->mostly_idle, result->mostly_idle_count);
    put_pair(json, "slow", &result->slow, false);
    put_pair(json, "blocking", &result->blocking, true);
    put_limit(json, &result->limit);
    json_end(json, '}');
}

/* --- the whole --- */

static void put_start(struct json *json, int64_t started_ns)
{
    char text[32];
    struct tm parts;
    time_t seconds = (time_t)(started_ns / 1000000000);
    gmtime_r(&seconds, &parts);
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts);
    put_text(json, "started", text);
}

void report_json(const struct lab_result *result, struct buffer *out)
{
    struct json json = {.out = out};
    const struct lab_settings *settings = &result->settings;
    json_begin(&json, '{');
    json_put_number(&json, "format", FORMAT_VERSION);
    put_text(&json, "vif_version", VIF_VERSION);
    put_start(&json, result->started_ns);
    put_figure(&json, "duration_s", result->duration_s);
    put_figure(&json, "others_cpu_share", result->others_share);
    put_text(&json, "mode", settings->is_custom ? "custom" : settings->is_quick ? "quick" : "full");
    json_put_bool(&json, "interrupted", result->was_interrupted);
    put_machine(&json, &result->machine);
    put_settings(&json, settings);
    json_key(&json, "models");
    json_begin(&json, '[');
    for (size_t i = 0; i < result->model_count; i++)
        put_model(&json, &result->models[i]);
    json_end(&json, ']');
    json_end(&json, '}');
    buffer_append_byte(out, '\n');
}

/* --- is it one? --- */

static bool take_word(struct slice *rest, struct slice word)
{
    while (rest->length > 0 && memchr(" \t\r\n", rest->data[0], 4))
        *rest = slice_skip(*rest, 1);
    if (rest->length < word.length || !slice_equal(slice_take(*rest, word.length), word))
        return false;
    *rest = slice_skip(*rest, word.length);
    return true;
}

/* Behind the quote that ends the string. */
static struct slice skip_string(struct slice rest)
{
    for (;;) {
        size_t plain = 0;
        while (plain < rest.length && rest.data[plain] != '"' && rest.data[plain] != '\\')
            plain++;
        bool is_over = plain == rest.length || rest.data[plain] == '"';
        rest = slice_skip(rest, MIN(plain + (is_over ? 1 : 2), rest.length));
        if (is_over)
            return rest;
    }
}

#define DEPTH_MAX 32

/* One value with brackets, and nothing but space behind it. */
static bool is_closed(struct slice rest)
{
    char open[DEPTH_MAX];
    size_t depth = 0;
    do {
        char byte = rest.length > 0 ? rest.data[0] : '\0';
        rest = slice_skip(rest, rest.length > 0);
        if (byte == '"')
            rest = skip_string(rest);
        else if ((byte == '{' || byte == '[') && depth < DEPTH_MAX)
            open[depth++] = byte == '{' ? '}' : ']';
        else if (byte == '\0' || byte == '{' || byte == '[' ||
                 ((byte == '}' || byte == ']') && (depth == 0 || open[--depth] != byte)))
            return false;
    } while (depth > 0);
    return take_word(&rest, SLICE("")) && rest.length == 0;
}

bool report_is_json(struct slice text)
{
    char format[24];
    struct slice rest = text;
    snprintf(format, sizeof(format), "%d", FORMAT_VERSION);
    return take_word(&rest, SLICE("{")) && take_word(&rest, SLICE("\"format\"")) &&
           take_word(&rest, SLICE(":")) && take_word(&rest, slice_from(format)) &&
           take_word(&rest, SLICE(",")) && take_word(&rest, SLICE("\"vif_version\"")) && is_closed(text);
}
