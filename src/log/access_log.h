/* The access log: one line a request, buffered, written off the loop.
 *
 * Lines collect in the worker; 64 KiB of them, or half a second, hand them to the offload pool, which writes
 * them. When too many wait (a full disk, a dead pipe, a slow one) lines are dropped and counted, first those
 * of clients that have more than their share; the count is reported in the error log when writing goes on,
 * and at the end.
 *
 * Bytes that clients send are escaped so that none of them can end a line or a quoted string; values longer
 * than their place in the line (2048 bytes for the target, 768 for Referer, 512 for User-Agent) are cut and
 * end in "...". Times are UTC; with JSON they have milliseconds, which the other formats have no place for.
 */
#ifndef LOG_ACCESS_LOG_H
#define LOG_ACCESS_LOG_H

#include "base/log.h"
#include "http/request.h"
#include "log/counters.h"

struct loop;
struct access_log;

enum access_log_format { ACCESS_LOG_COMMON, ACCESS_LOG_COMBINED, ACCESS_LOG_JSON };

/*  name, its word in the log: whether a response was handed to the socket whole, or why not */
#define OUTCOME_TABLE(X)                                                                                \
    X(COMPLETE, "complete")                                                                             \
    X(CLIENT_LEFT, "client_left")       /* it closed or reset the connection, or the network lost it */ \
    X(TIMED_OUT, "timed_out")           /* the client did not take it in time */                        \
    X(FILE_CHANGED, "file_changed")     /* the file was written to while it was sent */                 \
    X(READ_FAILED, "read_failed")       /* the file could not be read to its end */                     \
    X(OVERLOADED, "overloaded")         /* memory, or the pool's queue, had no room */                  \
    X(SHED, "shed")                     /* the connection was closed to make room for another */        \
    X(SHUTDOWN, "shutdown")             /* the server ended before */                                   \
    X(CONNECTION_CUT, "connection_cut") /* an earlier response on the connection could not be completed */

enum outcome {
#define X(name, word) OUTCOME_##name,
    OUTCOME_TABLE(X)
#undef X
};

/* The status of a request whose client left before there was a response: nothing with it was sent. */
#define ACCESS_LOG_NO_RESPONSE 499

struct access_log_options {
    struct loop *loop; /* outlives the log */
    int fd;            /* opened with O_APPEND, or a pipe; the log owns it and closes it */
    enum access_log_format format;
    struct counters *counters;
    struct log *errors; /* where dropped lines and failed writes are reported */
};

/* What JSON has of a connection with TLS; what is empty is left out. */
struct access_log_tls {
    struct slice version;
    struct slice cipher;
    struct slice name;
    struct slice client_subject;
    struct slice client_issuer;
    struct slice client_fingerprint;
};

/* What a line says beyond the request itself. */
struct access_log_entry {
    struct slice client;                /* the address as text, without port; "unix" for unix sockets */
    const struct http_request *request; /* may be NULL: a request that could not be parsed */
    const struct access_log_tls *tls;   /* NULL: the connection was in the clear */
    uint64_t body_bytes;                /* content bytes of the response that were handed to the socket */
    uint64_t duration_us;
    int status;
    enum outcome outcome;
};

/* Returns 0 or -ENOMEM; then `fd` is closed too. */
int access_log_create(const struct access_log_options *options, struct access_log **ret_log) MUST_CHECK;

/* Adds a line. Never blocks. */
void access_log_add(struct access_log *log, const struct access_log_entry *entry);

/* Goes on in `fd`, which is the log's; the one before is closed. For log rotation. */
void access_log_set_fd(struct access_log *log, int fd);

/* The loop must not be running. Writes what is buffered, waiting at most a second for it, and frees the log.
 * NULL is ignored. */
void access_log_destroy(struct access_log *log);

#endif
