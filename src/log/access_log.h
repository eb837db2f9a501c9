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

struct loop;
struct access_log;

enum access_log_format { ACCESS_LOG_COMMON, ACCESS_LOG_COMBINED, ACCESS_LOG_JSON };

/* name, word in the log: whether the whole response was handed to the socket, or why not */
#define OUTCOME_TABLE(X)                                                                               \
    X(COMPLETE, "complete")                                                                            \
    X(CLIENT_LEFT, "client_left")       /* it closed or reset the connection, or the network failed */ \
    X(TIMED_OUT, "timed_out")           /* the client did not receive it in time */                    \
    X(FILE_CHANGED, "file_changed")     /* the file was modified while it was sent */                  \
    X(READ_FAILED, "read_failed")       /* the file could not be read to its end */                    \
    X(OVERLOADED, "overloaded")         /* memory, or the pool's queue, was exhausted */               \
    X(SHED, "shed")                     /* the connection was closed to make room for another */       \
    X(SHUTDOWN, "shutdown")             /* the server was stopped first */                             \
    X(CONNECTION_CUT, "connection_cut") /* an earlier response on the connection could not be completed */

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
};

/* The data of a line. */
struct access_log_entry {
    struct slice client;                /* the address as text, without port; "unix" for unix sockets */
    const struct http_request *request; /* NULL: the request could not be parsed */
    const struct access_log_tls *tls;   /* NULL: no TLS */
    uint64_t body_bytes;                /* content bytes of the response that were handed to the socket */
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

/* Writes what is buffered, waiting at most a second, and frees the log. The loop must not be running. NULL
 * is ignored. */
void access_log_destroy(struct access_log *log);

#endif
