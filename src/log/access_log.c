/* Formatting of access log lines, directly into the writer's buffer. Every part has its own limit, and the
 * sum of the limits fits in LINE_BYTES_MAX, so nothing has to be checked on the way. */
#include "log/access_log.h"

#include "base/buffer.h"
#include "log/line_writer.h"
#include "loop/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#define DELAY_MS 500

/* Limits for values chosen by clients, after escaping. */
#define CLIENT_BYTES_MAX     64
#define METHOD_BYTES_MAX     64
#define TARGET_BYTES_MAX     2048
#define HOST_BYTES_MAX       255
#define REFERER_BYTES_MAX    768
#define USER_AGENT_BYTES_MAX 512

/* The maximum that TLS adds to JSON, including names and quotes; the target is shortened by it. */
#define TLS_BYTES_MAX         768
#define VERSION_BYTES_MAX     17
#define CIPHER_BYTES_MAX      57
#define SERVER_NAME_BYTES_MAX 255
#define SUBJECT_BYTES_MAX     128 /* also for the issuer */
#define FINGERPRINT_BYTES_MAX 73
#define TLS_FRAME_BYTES_MAX   101

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
    int64_t time_seconds; /* the time in `time_text` */
    size_t time_length;
    char time_text[32];
};

int access_log_create(const struct access_log_options *options, struct access_log **ret_log)
{
    struct line_writer_options writer_options = {
        .loop = options->loop,
        .fd = options->fd,
        .name = "access log",
        .delay_ms = DELAY_MS,
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
    log->format = options->format;
    log->time_seconds = -1;
    *ret_log = log;
    return 0;
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

/* The functions below write to `out` and return the end. */

static char *access_log_put(char *out, struct slice bytes)
{
    memcpy(out, bytes.data, bytes.length);
    return out + bytes.length;
}

static char *put_number(char *out, uint64_t value)
{
    return out + format_u64(out, value);
}

static bool access_log_is_plain(unsigned char byte)
{
    return byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
}

/* Everything except plain ASCII becomes `prefix` and two hexadecimal digits: "\x0a", or in JSON "\u000a".
 * Non-ASCII bytes are escaped one by one, since their encoding is unknown. */
static char *put_escaped(char *out, struct slice bytes, struct slice prefix, size_t bytes_max)
{
    static const char digits[] = "0123456789abcdef";
    static const struct slice cut = {.data = "...", .length = 3};
    const char *last = out + bytes_max - cut.length - prefix.length - 2;
    for (size_t i = 0; i < bytes.length; i++) {
        unsigned char byte = (unsigned char)bytes.data[i];
        if (UNLIKELY(out > last))
            return access_log_put(out, cut);
        if (LIKELY(access_log_is_plain(byte))) {
            *out++ = (char)byte;
            continue;
        }
        out = access_log_put(out, prefix);
        *out++ = digits[byte >> 4];
        *out++ = digits[byte & 15];
    }
    return out;
}

/* The time down to the second; formatted once per second. */
static char *put_time(char *out, struct access_log *log)
{
    int64_t now = loop_wall_seconds(log->loop);
    if (UNLIKELY(now != log->time_seconds)) {
        const char *format = log->format == ACCESS_LOG_JSON ? "%Y-%m-%dT%H:%M:%S" : "%d/%b/%Y:%H:%M:%S +0000";
        time_t seconds = (time_t)now;
        struct tm tm;
        gmtime_r(&seconds, &tm);
        log->time_length = strftime(log->time_text, sizeof(log->time_text), format, &tm);
        log->time_seconds = now;
    }
    return access_log_put(out, slice_make(log->time_text, log->time_length));
}

/* The common and combined log formats: quoted strings, "-" for missing values. */

static char *access_log_put_text(char *out, struct slice bytes, size_t bytes_max)
{
    return put_escaped(out, bytes, SLICE("\\x"), bytes_max);
}

static char *access_log_put_field(char *out, const struct http_request *request, enum http_field_name name,
                                  size_t bytes_max)
{
    struct slice value = request ? http_request_field(request, name) : (struct slice){0};
    out = access_log_put(out, SLICE(" \""));
    out = value.data ? access_log_put_text(out, value, bytes_max) : access_log_put(out, SLICE("-"));
    return access_log_put(out, SLICE("\""));
}

static struct slice version_of(const struct http_request *request)
{
    if (request->version_major == 2)
        return SLICE("2.0");
    return request->version_minor ? SLICE("1.1") : SLICE("1.0");
}

static char *put_request_line(char *out, const struct http_request *request)
{
    if (request == NULL)
        return access_log_put(out, SLICE("\"-\""));
    out = access_log_put(out, SLICE("\""));
    out = access_log_put_text(out, request->method_text, METHOD_BYTES_MAX);
    out = access_log_put(out, SLICE(" "));
    out = access_log_put_text(out, request->target, TARGET_BYTES_MAX);
    out = access_log_put(out, SLICE(" HTTP/"));
    out = access_log_put(out, version_of(request));
    return access_log_put(out, SLICE("\""));
}

static char *put_common(char *out, struct access_log *log, const struct access_log_entry *entry)
{
    out = access_log_put_text(out, entry->client, CLIENT_BYTES_MAX);
    out = access_log_put(out, SLICE(" - - ["));
    out = put_time(out, log);
    out = access_log_put(out, SLICE("] "));
    out = put_request_line(out, entry->request);
    out = access_log_put(out, SLICE(" "));
    out = put_number(out, (uint64_t)entry->status);
    out = access_log_put(out, SLICE(" "));
    return entry->body_bytes > 0 ? put_number(out, entry->body_bytes) : access_log_put(out, SLICE("-"));
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
    out = access_log_put(out, SLICE(",\""));
    out = access_log_put(out, name);
    out = access_log_put(out, SLICE("\":\""));
    out = put_escaped(out, bytes, SLICE("\\u00"), bytes_max);
    return access_log_put(out, SLICE("\""));
}

static char *put_json_number(char *out, struct slice name, uint64_t value)
{
    out = access_log_put(out, SLICE(",\""));
    out = access_log_put(out, name);
    out = access_log_put(out, SLICE("\":"));
    return put_number(out, value);
}

static char *put_json_request(char *out, const struct http_request *request, size_t target_bytes_max)
{
    struct slice referer = http_request_field(request, HTTP_FIELD_REFERER);
    struct slice user_agent = http_request_field(request, HTTP_FIELD_USER_AGENT);
    out = put_json_text(out, SLICE("method"), request->method_text, METHOD_BYTES_MAX);
    out = put_json_text(out, SLICE("target"), request->target, target_bytes_max);
    out = put_json_text(out, SLICE("version"), version_of(request), 16);
    out = put_json_text(out, SLICE("host"), request->host, HOST_BYTES_MAX);
    out = put_json_text(out, SLICE("referer"), referer, REFERER_BYTES_MAX);
    return put_json_text(out, SLICE("user_agent"), user_agent, USER_AGENT_BYTES_MAX);
}

static char *put_milliseconds(char *out, unsigned milliseconds)
{
    *out++ = '.';
    *out++ = (char)('0' + milliseconds / 100);
    *out++ = (char)('0' + milliseconds / 10 % 10);
    *out++ = (char)('0' + milliseconds % 10);
    return out;
}

static struct slice outcome_word(enum outcome outcome)
{
    static const struct slice words[] = {
#define X(name, word) [OUTCOME_##name] = SLICE(word),
        OUTCOME_TABLE(X)
#undef X
    };
    return words[outcome];
}

static char *put_json_tls(char *out, const struct access_log_tls *tls)
{
    out = put_json_text(out, SLICE("tls"), tls->version, VERSION_BYTES_MAX);
    out = put_json_text(out, SLICE("cipher"), tls->cipher, CIPHER_BYTES_MAX);
    out = put_json_text(out, SLICE("server_name"), tls->name, SERVER_NAME_BYTES_MAX);
    out = put_json_text(out, SLICE("client_subject"), tls->client_subject, SUBJECT_BYTES_MAX);
    out = put_json_text(out, SLICE("client_issuer"), tls->client_issuer, SUBJECT_BYTES_MAX);
    return put_json_text(out, SLICE("client_fingerprint"), tls->client_fingerprint, FINGERPRINT_BYTES_MAX);
}

static char *put_json(char *out, struct access_log *log, const struct access_log_entry *entry)
{
    out = access_log_put(out, SLICE("{\"time\":\""));
    out = put_time(out, log);
    out = put_milliseconds(out, loop_wall_milliseconds(log->loop));
    out = access_log_put(out, SLICE("Z\""));
    out = put_json_text(out, SLICE("client"), entry->client, CLIENT_BYTES_MAX);
    if (entry->request)
        out = put_json_request(out, entry->request, TARGET_BYTES_MAX - (entry->tls ? TLS_BYTES_MAX : 0));
    if (entry->tls)
        out = put_json_tls(out, entry->tls);
    out = put_json_number(out, SLICE("status"), (uint64_t)entry->status);
    out = put_json_number(out, SLICE("bytes"), entry->body_bytes);
    out = put_json_number(out, SLICE("duration_us"), entry->duration_us);
    out = access_log_put(out, SLICE(",\"outcome\":\""));
    out = access_log_put(out, outcome_word(entry->outcome));
    return access_log_put(out, SLICE("\"}"));
}

static char *put_entry(char *out, struct access_log *log, const struct access_log_entry *entry)
{
    switch (log->format) {
    case ACCESS_LOG_COMMON: return put_common(out, log, entry);
    case ACCESS_LOG_COMBINED: return put_combined(out, log, entry);
    case ACCESS_LOG_JSON: return put_json(out, log, entry);
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

void access_log_add(struct access_log *log, const struct access_log_entry *entry)
{
    uint32_t source = access_log_source_of(entry->client);
    char *line = line_writer_reserve(log->writer, LINE_BYTES_MAX, source);
    if (line == NULL)
        return;
    char *end = access_log_put(put_entry(line, log, entry), SLICE("\n"));
    line_writer_commit(log->writer, (size_t)(end - line), source);
}
