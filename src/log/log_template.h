/* Lines of the access log in a format of the operator: text with fields in braces, such as
 * "{client} {status} {header.X-Id}". "{{" is a brace. A value that is missing is written as "-".
 *
 * Each field has a bound, and all of them together fit into a line. */
#ifndef LOG_LOG_TEMPLATE_H
#define LOG_LOG_TEMPLATE_H

#include "log/access_log.h"
#include "log/line_text.h"

/* member, name, kind, and the most bytes in the line. Where they would be too many, texts get fewer. */
#define LOG_FIELD_TABLE(X)                                    \
    X(TIME, "time", FIXED, 24)                                \
    X(TIME_COMMON, "time_common", FIXED, 26)                  \
    X(CLIENT, "client", TEXT, 64)                             \
    X(METHOD, "method", TEXT, 64)                             \
    X(TARGET, "target", TEXT, 2048)                           \
    X(PATH, "path", TEXT, 2048)                               \
    X(QUERY, "query", TEXT, 2048)                             \
    X(VERSION, "version", FIXED, 16)                          \
    X(HOST, "host", TEXT, 255)                                \
    X(REFERER, "referer", TEXT, 768)                          \
    X(USER_AGENT, "user_agent", TEXT, 512)                    \
    X(STATUS, "status", NUMBER, 20)                           \
    X(BYTES, "bytes", NUMBER, 20)                             \
    X(DURATION_US, "duration_us", NUMBER, 20)                 \
    X(OUTCOME, "outcome", FIXED, 24)                          \
    X(REQUEST_ID, "request_id", TEXT, 128)                    \
    X(TLS, "tls", TEXT, 17)                                   \
    X(CIPHER, "cipher", TEXT, 57)                             \
    X(SERVER_NAME, "server_name", TEXT, 255)                  \
    X(CLIENT_SUBJECT, "client_subject", TEXT, 128)            \
    X(CLIENT_ISSUER, "client_issuer", TEXT, 128)              \
    X(CLIENT_FINGERPRINT, "client_fingerprint", TEXT, 73)     \
    X(UPSTREAM, "upstream", TEXT, 96)                         \
    X(UPSTREAM_CAUSE, "upstream_cause", TEXT, 96)             \
    X(UPSTREAM_CONNECT_US, "upstream_connect_us", NUMBER, 20) \
    X(UPSTREAM_HEAD_US, "upstream_head_us", NUMBER, 20)

enum log_field {
    LOG_FIELD_LITERAL, /* text of the template */
    LOG_FIELD_HEADER,  /* a header of the request */
#define X(member, name, kind, bytes) LOG_FIELD_##member,
    LOG_FIELD_TABLE(X)
#undef X
        LOG_FIELD_COUNT
};

#define LOG_TEMPLATE_BYTES_MAX 1024
#define LOG_TEMPLATE_ITEMS_MAX 64

struct log_template_item {
    uint16_t field;     /* enum log_field */
    uint16_t bytes_max; /* of a text */
    uint16_t begin;     /* in the template's text: a literal, or the name of a header */
    uint16_t length;
};

struct log_template {
    size_t item_count;
    struct log_template_item items[LOG_TEMPLATE_ITEMS_MAX];
    char text[LOG_TEMPLATE_BYTES_MAX];
};

struct log_template_fault {
    const char *text;   /* what is wrong; NULL: `field` is not known */
    struct slice field; /* of the text that was read */
};

/* Reads a template; an empty one has no fields. Returns false if it cannot be used. */
bool log_template_read(struct slice text, struct log_template *ret_template,
                       struct log_template_fault *ret_fault) MUST_CHECK;

/* When a line is written. */
struct log_moment {
    int64_t seconds;
    unsigned milliseconds;
};

/* Writes a line without its newline, of less than LINE_BYTES_MAX bytes, and returns its end. */
char *log_template_write(const struct log_template *template, struct line_clock *clock,
                         const struct log_moment *moment, const struct access_log_entry *entry, char *out);

/* The names of fields, ends with NULL; "header.NAME" is not among them. */
extern const char *const log_field_names[];

#endif
