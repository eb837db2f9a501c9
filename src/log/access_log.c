/* Formatting of access log lines, directly into the writer's buffer. Every part has its own limit, and the
 * sum of the limits fits in LINE_BYTES_MAX, so nothing has to be checked on the way. */
#include "log/access_log.h"

#include "base/buffer.h"
#include "log/line_text.h"
#include "log/line_writer.h"
#include "log/log_template.h"
#include "loop/loop.h"

#include <errno.h>
#include <stdlib.h>

#define DELAY_MS 500

/* Limits for values chosen by clients, after escaping. */
#define CLIENT_BYTES_MAX     64
#define METHOD_BYTES_MAX     64
#define TARGET_BYTES_MAX     2048
#define HOST_BYTES_MAX       255
#define REFERER_BYTES_MAX    768
#define USER_AGENT_BYTES_MAX 512

/* The maximum that a request id adds; the target is shortened by it, as by the next ones. */
#define REQUEST_ID_BYTES_MAX   128
#define REQUEST_ID_FRAME_BYTES 20
#define PHASES_BYTES_MAX       ((U64_DIGITS_MAX + 16) * PHASE_COUNT)

/* The maximum that TLS adds to JSON, including names and quotes; the target is shortened by it. */
#define TLS_BYTES_MAX         792
#define VERSION_BYTES_MAX     17
#define CIPHER_BYTES_MAX      57
#define SERVER_NAME_BYTES_MAX 255
#define SUBJECT_BYTES_MAX     128 /* also for the issuer */
#define FINGERPRINT_BYTES_MAX 73
#define TLS_FRAME_BYTES_MAX   119

/* The same for forwarding. */
#define UPSTREAM_BYTES_MAX       400
#define UPSTREAM_VALUE_BYTES_MAX 96

static_assert(2 * UPSTREAM_VALUE_BYTES_MAX + 4 * U64_DIGITS_MAX + 120 <= UPSTREAM_BYTES_MAX,
              "all of it fits");

static_assert(VERSION_BYTES_MAX + CIPHER_BYTES_MAX + SERVER_NAME_BYTES_MAX + 2 * SUBJECT_BYTES_MAX +
                      FINGERPRINT_BYTES_MAX + TLS_FRAME_BYTES_MAX <=
                  TLS_BYTES_MAX,
              "all of it fits");

/* Everything else: names, quotes, the time, the outcome and four numbers. */
#define FRAME_BYTES_MAX 300

static_assert(CLIENT_BYTES_MAX + METHOD_BYTES_MAX + TARGET_BYTES_MAX + HOST_BYTES_MAX + REFERER_BYTES_MAX +
                      USER_AGENT_BYTES_MAX + FRAME_BYTES_MAX <=
                  LINE_BYTES_MAX,
              "every line fits");

struct access_log {
    struct loop *loop;
    struct line_writer *writer;
    enum access_log_format format;
    struct log_template template;
    uint32_t sample;       /* see access_log_set_sample */
    uint32_t sample_count; /* of those that might be left out, since the last one that was logged */
    struct line_clock clock;
};

int access_log_create(const struct access_log_options *options, struct access_log **ret_log)
{
    struct line_writer_options writer_options = {
        .loop = options->loop,
        .fd = options->fd,
        .name = "access log",
        .delay_ms = DELAY_MS,
        .bytes_max = options->bytes_max,
        .counters = options->counters,
        .errors = options->errors,
    };
    struct line_writer *writer;
    int error = line_writer_create(&writer_options, &writer);
    if (error < 0)
        return error;
    struct access_log *log = calloc(1, sizeof(*log));
    if (log == NULL) {
        line_writer_destroy(writer);
        return -ENOMEM;
    }
    log->loop = options->loop;
    log->writer = writer;
    access_log_set_format(log, options->format, options->template);
    line_clock_init(&log->clock);
    *ret_log = log;
    return 0;
}

void access_log_set_format(struct access_log *log, enum access_log_format format, struct slice template)
{
    struct log_template_fault fault;
    log->format = template.length > 0 ? ACCESS_LOG_OWN : format;
    bool is_good = log_template_read(template, &log->template, &fault);
    assert(is_good);
}

void access_log_set_sample(struct access_log *log, uint32_t sample)
{
    log->sample = sample;
    log->sample_count = 0;
}

void access_log_set_fd(struct access_log *log, int fd)
{
    line_writer_set_fd(log->writer, fd);
}

void access_log_destroy(struct access_log *log)
{
    if (log == NULL)
        return;
    line_writer_destroy(log->writer);
    free(log);
}

/* The common and combined log formats: quoted strings, "-" for missing values. */

static char *access_log_put_text(char *out, struct slice bytes, size_t bytes_max)
{
    return line_text_put_escaped(out, bytes, SLICE("\\x"), bytes_max);
}

static char *access_log_put_field(char *out, const struct http_request *request, enum http_field_name name,
                                  size_t bytes_max)
{
    struct slice value = request ? http_request_field(request, name) : (struct slice){0};
    out = line_text_put(out, SLICE(" \""));
    out = value.data ? access_log_put_text(out, value, bytes_max) : line_text_put(out, SLICE("-"));
    return line_text_put(out, SLICE("\""));
}

static char *put_request_line(char *out, const struct http_request *request)
{
    if (request == NULL)
        return line_text_put(out, SLICE("\"-\""));
    out = line_text_put(out, SLICE("\""));
    out = access_log_put_text(out, request->method_text, METHOD_BYTES_MAX);
    out = line_text_put(out, SLICE(" "));
    out = access_log_put_text(out, request->target, TARGET_BYTES_MAX);
    out = line_text_put(out, SLICE(" HTTP/"));
    out = line_text_put(out, access_log_version(request));
    return line_text_put(out, SLICE("\""));
}

static char *put_common(char *out, struct access_log *log, const struct access_log_entry *entry)
{
    out = access_log_put_text(out, entry->client, CLIENT_BYTES_MAX);
    out = line_text_put(out, SLICE(" - - ["));
    out = line_clock_put_common(&log->clock, out, loop_wall_seconds(log->loop));
    out = line_text_put(out, SLICE("] "));
    out = put_request_line(out, entry->request);
    out = line_text_put(out, SLICE(" "));
    out = line_text_put_number(out, (uint64_t)entry->status);
    out = line_text_put(out, SLICE(" "));
    return entry->body_bytes > 0 ? line_text_put_number(out, entry->body_bytes)
                                 : line_text_put(out, SLICE("-"));
}

static char *put_combined(char *out, struct access_log *log, const struct access_log_entry *entry)
{
    out = put_common(out, log, entry);
    out = access_log_put_field(out, entry->request, HTTP_FIELD_REFERER, REFERER_BYTES_MAX);
    return access_log_put_field(out, entry->request, HTTP_FIELD_USER_AGENT, USER_AGENT_BYTES_MAX);
}

/* One JSON object per line; missing values are omitted. */

static char *put_json_text(char *out, struct slice name, struct slice bytes, size_t bytes_max)
{
    if (bytes.data == NULL)
        return out;
    out = line_text_put(out, SLICE(",\""));
    out = line_text_put(out, name);
    out = line_text_put(out, SLICE("\":\""));
    out = line_text_put_escaped(out, bytes, SLICE("\\u00"), bytes_max);
    return line_text_put(out, SLICE("\""));
}

static char *put_json_number(char *out, struct slice name, uint64_t value)
{
    out = line_text_put(out, SLICE(",\""));
    out = line_text_put(out, name);
    out = line_text_put(out, SLICE("\":"));
    return line_text_put_number(out, value);
}

static char *put_json_request(char *out, const struct http_request *request, size_t target_bytes_max)
{
    struct slice referer = http_request_field(request, HTTP_FIELD_REFERER);
    struct slice user_agent = http_request_field(request, HTTP_FIELD_USER_AGENT);
    out = put_json_text(out, SLICE("method"), request->method_text, METHOD_BYTES_MAX);
    out = put_json_text(out, SLICE("target"), request->target, target_bytes_max);
    out = put_json_text(out, SLICE("version"), access_log_version(request), 16);
    out = put_json_text(out, SLICE("host"), request->host, HOST_BYTES_MAX);
    out = put_json_text(out, SLICE("referer"), referer, REFERER_BYTES_MAX);
    return put_json_text(out, SLICE("user_agent"), user_agent, USER_AGENT_BYTES_MAX);
}

static char *put_json_tls(char *out, const struct access_log_tls *tls)
{
    out = put_json_text(out, SLICE("tls"), tls->version, VERSION_BYTES_MAX);
    out = put_json_text(out, SLICE("cipher"), tls->cipher, CIPHER_BYTES_MAX);
    out = put_json_text(out, SLICE("server_name"), tls->name, SERVER_NAME_BYTES_MAX);
    out = put_json_text(out, SLICE("client_subject"), tls->client_subject, SUBJECT_BYTES_MAX);
    out = put_json_text(out, SLICE("client_issuer"), tls->client_issuer, SUBJECT_BYTES_MAX);
    out = put_json_text(out, SLICE("client_fingerprint"), tls->client_fingerprint, FINGERPRINT_BYTES_MAX);
    return tls->is_early ? line_text_put(out, SLICE(",\"early_data\":true")) : out;
}

static char *put_json_upstream(char *out, const struct access_log_upstream *upstream)
{
    out = put_json_text(out, SLICE("upstream"), upstream->server, UPSTREAM_VALUE_BYTES_MAX);
    out = put_json_text(out, SLICE("upstream_cause"), upstream->cause, UPSTREAM_VALUE_BYTES_MAX);
    if (upstream->queue_us > 0)
        out = put_json_number(out, SLICE("upstream_queue_us"), upstream->queue_us);
    if (upstream->connect_us > 0)
        out = put_json_number(out, SLICE("upstream_connect_us"), upstream->connect_us);
    if (upstream->head_us > 0)
        out = put_json_number(out, SLICE("upstream_head_us"), upstream->head_us);
    return upstream->body_us > 0 ? put_json_number(out, SLICE("upstream_body_us"), upstream->body_us) : out;
}

static char *put_json_phases(char *out, const struct request_phases *phases)
{
    static const struct slice names[PHASE_COUNT] = {
#define X(member, name, text) [PHASE_##member] = SLICE(name "_us"),
        PHASE_TABLE(X)
#undef X
    };
    for (size_t i = PHASE_ACCEPT; i < PHASE_COUNT; i++)
        out = put_json_number(out, names[i], phases->us[i]);
    return out;
}

static char *put_json(char *out, struct access_log *log, const struct access_log_entry *entry)
{
    out = line_text_put(out, SLICE("{\"time\":\""));
    out = line_clock_put_json(&log->clock, out, loop_wall_seconds(log->loop),
                              loop_wall_milliseconds(log->loop));
    out = line_text_put(out, SLICE("\""));
    out = put_json_text(out, SLICE("client"), entry->client, CLIENT_BYTES_MAX);
    size_t others = (entry->tls ? TLS_BYTES_MAX : 0) + (entry->upstream ? UPSTREAM_BYTES_MAX : 0) +
                    (entry->request_id.data ? REQUEST_ID_BYTES_MAX + REQUEST_ID_FRAME_BYTES : 0) +
                    (entry->slow ? PHASES_BYTES_MAX : 0);
    if (entry->request)
        out = put_json_request(out, entry->request, TARGET_BYTES_MAX - others);
    if (entry->tls)
        out = put_json_tls(out, entry->tls);
    if (entry->upstream)
        out = put_json_upstream(out, entry->upstream);
    out = put_json_number(out, SLICE("status"), (uint64_t)entry->status);
    out = put_json_number(out, SLICE("bytes"), entry->body_bytes);
    if (entry->is_tunnel)
        out = put_json_number(out, SLICE("received"), entry->received_bytes);
    out = put_json_number(out, SLICE("duration_us"), entry->duration_us);
    out = line_text_put(out, SLICE(",\"outcome\":\""));
    out = line_text_put(out, access_log_outcome_word(entry->outcome));
    out = line_text_put(out, SLICE("\""));
    if (entry->slow)
        out = put_json_phases(out, entry->slow);
    out = put_json_text(out, SLICE("request_id"), entry->request_id, REQUEST_ID_BYTES_MAX);
    return line_text_put(out, SLICE("}"));
}

static char *put_own(char *out, struct access_log *log, const struct access_log_entry *entry)
{
    struct log_moment moment = {loop_wall_seconds(log->loop), loop_wall_milliseconds(log->loop)};
    return log_template_write(&log->template, &log->clock, &moment, entry, out);
}

static char *put_entry(char *out, struct access_log *log, const struct access_log_entry *entry)
{
    switch (log->format) {
    case ACCESS_LOG_COMMON: return put_common(out, log, entry);
    case ACCESS_LOG_COMBINED: return put_combined(out, log, entry);
    case ACCESS_LOG_JSON: return put_json(out, log, entry);
    case ACCESS_LOG_OWN: return put_own(out, log, entry);
    }
    UNREACHABLE();
}

/* Identifies the client for fair dropping of lines, see line_writer.h; collisions do no harm. */
static uint32_t access_log_source_of(struct slice client)
{
    uint32_t number = 0;
    for (size_t i = 0; i < client.length; i++)
        number = number * 31 + (unsigned char)client.data[i];
    return number;
}

/* The first of each group is logged. */
static bool is_sampled(struct access_log *log, const struct access_log_entry *entry)
{
    if (entry->status >= 400 || entry->outcome != OUTCOME_COMPLETE || entry->slow)
        return true;
    bool is_first = log->sample_count == 0;
    log->sample_count = (log->sample_count + 1) % log->sample;
    return is_first;
}

void access_log_add(struct access_log *log, const struct access_log_entry *entry)
{
    if (UNLIKELY(log->sample > 1) && !is_sampled(log, entry))
        return;
    uint32_t source = access_log_source_of(entry->client);
    char *line = line_writer_reserve(log->writer, LINE_BYTES_MAX, source);
    if (line == NULL)
        return;
    char *end = line_text_put(put_entry(line, log, entry), SLICE("\n"));
    line_writer_commit(log->writer, (size_t)(end - line), source);
}
