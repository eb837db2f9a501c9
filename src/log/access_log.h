/* The access log: one line per request, buffered, and written off the loop.
 *
 * Lines are collected in the worker. After 64 KiB, or half a second, the offload pool writes them. If too
 * many are waiting (a full disk, a dead or slow pipe), lines are dropped and counted, first those of
 * clients that have more than their share; the count is reported in the error log when writing resumes,
 * and at the end.
 *
 * Bytes from clients are escaped, so that they cannot end a line or a quoted string. Values that are too
 * long (2048 bytes for the target, 768 for Referer, 512 for User-Agent) are cut and end with "...". Times
 * are in UTC; JSON has milliseconds, the other formats have no place for them. */
#ifndef LOG_ACCESS_LOG_H
#define LOG_ACCESS_LOG_H

#include "base/log.h"
#include "http/request.h"
#include "log/counters.h"
#include "log/phases.h"

struct loop;
struct access_log;

/* ACCESS_LOG_OWN has a template: see log/log_template.h. */
enum access_log_format { ACCESS_LOG_COMMON, ACCESS_LOG_COMBINED, ACCESS_LOG_JSON, ACCESS_LOG_OWN };

/* name, word in the log: whether the whole response was handed to the socket, or why not */
#define OUTCOME_TABLE(X)                                                                                     \
    X(COMPLETE, "complete")                                                                                  \
    X(CLIENT_LEFT, "client_left")         /* it closed or reset the connection, or the network failed */     \
    X(TIMED_OUT, "timed_out")             /* the client did not receive it in time */                        \
    X(FILE_CHANGED, "file_changed")       /* the file was modified while it was sent */                      \
    X(READ_FAILED, "read_failed")         /* the file could not be read to its end */                        \
    X(OVERLOADED, "overloaded")           /* memory, or the pool's queue, was exhausted */                   \
    X(SHED, "shed")                       /* the connection was closed to make room for another */           \
    X(SHUTDOWN, "shutdown")               /* the server was stopped first */                                 \
    X(CONNECTION_CUT, "connection_cut")   /* an earlier response on the connection could not be completed */ \
    X(UPSTREAM_FAILED, "upstream_failed") /* the server that it was forwarded to did not complete it */

enum outcome {
#define X(name, word) OUTCOME_##name,
    OUTCOME_TABLE(X)
#undef X
};

/* The status logged for a request whose client left before there was a response. It was not sent to
 * anybody. */
#define ACCESS_LOG_NO_RESPONSE 499

struct access_log_options {
    struct loop *loop; /* must outlive the log */
    int fd;            /* opened with O_APPEND, or a pipe; owned and closed by the log */
    enum access_log_format format;
    struct slice template; /* not empty: of lines in a format of the operator, in place of `format` */
    size_t bytes_max;      /* of lines that may wait: see line_writer.h */
    struct counters *counters;
    struct log *errors; /* where dropped lines and failed writes are reported */
};

/* TLS details for the JSON format; empty ones are omitted. */
struct access_log_tls {
    struct slice version;
    struct slice cipher;
    struct slice name;
    struct slice client_subject;
    struct slice client_issuer;
    struct slice client_fingerprint;
    bool is_early; /* the request came as early data */
};

/* Where the request was forwarded to, for the JSON format; empty or zero members are omitted. */
struct access_log_upstream {
    struct slice server; /* its URL */
    struct slice cause;  /* code of the failure */
    uint64_t queue_us;   /* that it waited for a server */
    uint64_t connect_us; /* from the beginning of the last attempt until there was a connection */
    uint64_t head_us;    /* likewise until the head of the response was complete */
    uint64_t body_us;    /* from the head of the response to its end */
};

/* The data of a line. */
struct access_log_entry {
    const struct request_phases *slow;  /* of a slow request, for the JSON format; NULL: it is not slow */
    struct slice request_id;            /* data is NULL: none */
    struct slice client;                /* the address as text, without port; "unix" for unix sockets */
    const struct http_request *request; /* NULL: the request could not be parsed */
    const struct access_log_tls *tls;   /* NULL: no TLS */
    const struct access_log_upstream *upstream; /* NULL: not forwarded */
    bool is_tunnel;                             /* bytes went both ways, so `received_bytes` is logged, too */
    uint64_t received_bytes;                    /* by a tunnel, from the client */
    uint64_t body_bytes; /* content bytes of the response that were handed to the socket */
    uint64_t duration_us;
    int status;
    enum outcome outcome;
};

/* Returns 0, or -ENOMEM; `fd` is closed in that case, too. */
int access_log_create(const struct access_log_options *options, struct access_log **ret_log) MUST_CHECK;

/* Adds a line. Never blocks. */
void access_log_add(struct access_log *log, const struct access_log_entry *entry);

/* Continues in `fd`, which the log takes over; the previous one is closed. For log rotation. */
void access_log_set_fd(struct access_log *log, int fd);

/* Lines from now on have this format, or that of a template that is not empty. */
void access_log_set_format(struct access_log *log, enum access_log_format format, struct slice template);

/* Of requests with a status below 400 that are complete and not slow, only one of `sample` is logged from now
 * on; 0: all are. */
void access_log_set_sample(struct access_log *log, uint32_t sample);

/* "1.1". */
static inline struct slice access_log_version(const struct http_request *request)
{
    if (request->version_major == 2)
        return SLICE("2.0");
    return request->version_minor ? SLICE("1.1") : SLICE("1.0");
}

/* The outcome as it is logged. */
static inline struct slice access_log_outcome_word(enum outcome outcome)
{
    static const struct slice words[] = {
#define X(name, word) [OUTCOME_##name] = SLICE(word),
        OUTCOME_TABLE(X)
#undef X
    };
    return words[outcome];
}

/* Writes what is buffered, waiting at most a second, and frees the log. The loop must not be running. NULL
 * is ignored. */
void access_log_destroy(struct access_log *log);

#endif
