/* The load generator: sends requests over many connections and measures the responses.
 *
 * There are two modes. Without a rate (closed loop), each connection sends the next request as soon as it
 * has its answers: this measures how much a server can do. With a rate (open loop), requests begin
 * according to a timetable, whether or not earlier ones were answered: this measures how long users wait.
 * The timetable is common to all connections; a request that is due is sent on the first free one. Its
 * latency counts from the time it was due, so that a server that stalls is charged with every request that
 * it delayed (otherwise "coordinated omission" hides all but one of them).
 *
 * Only requests that began in the measurement window, after ramp-up and warm-up, are counted. Those in
 * progress at its end are waited for, at most `timeout_ms`, and count, too; rates are relative to the
 * window. A failed request counts as an error, never as an answer, and has no latency. */
#ifndef LOAD_LOAD_H
#define LOAD_LOAD_H

#include "base/slice.h"
#include "load/histogram.h"
#include "sys/socket.h"

#define LOAD_TARGETS_MAX   4
#define LOAD_ADDRESSES_MAX 16
#define LOAD_PIPELINE_MAX  64
#define LOAD_THREADS_MAX   64

/* Each thread has a copy of the body. */
#define LOAD_BODY_BYTES_MAX (16u << 20)

/* The highest status. */
#define LOAD_STATUS_MAX 999u

/* A request that the client itself sends later than this is counted as late. */
#define LOAD_LATE_US 1000

/* A request to send. */
struct load_target {
    struct slice method; /* a token; empty: GET */
    struct slice path;   /* origin-form, as sent: "/a?b" */
    struct slice body;   /* data NULL: none; at most LOAD_BODY_BYTES_MAX */
    unsigned weight;     /* its share of the requests, drawn at random; 0 counts as 1 */
    uint16_t status;     /* the only status that counts as success; 0: any from 200 to 399 */
};

static inline struct slice load_target_method(const struct load_target *target)
{
    return target->method.length > 0 ? target->method : SLICE("GET");
}

/* The settings of a run. Slices are borrowed until load_run returns. A number that is 0 means the default
 * in brackets. */
struct load_plan {
    struct load_target targets[LOAD_TARGETS_MAX];
    size_t target_count;
    struct address addresses[LOAD_ADDRESSES_MAX]; /* used in turn by the connections */
    size_t address_count;
    struct slice host;   /* value of the Host header; may be empty */
    struct slice fields; /* further header lines, each with CRLF; not Host, Connection or framing */

    unsigned connections;  /* over all threads [1] */
    unsigned pipeline;     /* requests in flight per connection, at most LOAD_PIPELINE_MAX [1] */
    double rate;           /* requests per second over all connections [as fast as answers arrive] */
    uint64_t requests_max; /* the window ends after this many requests at the latest [no limit] */
    uint64_t warm_up_ms;
    uint64_t duration_ms;  /* of the window [no limit other than requests_max] */
    uint64_t timeout_ms;   /* for an answer, or a connection [5000] */
    unsigned connect_rate; /* connections opened per second, at most, until all are open: so that a server's
                              queue does not overflow [10000] */
    unsigned progress_ms;  /* interval between calls of the callback [100] */
    unsigned threads;      /* threads, each with a loop, at most LOAD_THREADS_MAX [1] */
    bool closes; /* each request uses a new connection, and its latency includes opening it; pipeline must be
                    1 */
};

/* enum member, name in JSON, text for people */
#define LOAD_ERROR_TABLE(X)                                                                     \
    X(CONNECT_REFUSED, "connect_refused", "connections refused")                                \
    X(CONNECT_TIMED_OUT, "connect_timed_out", "connections not made in time")                   \
    X(CONNECT_FAILED, "connect_failed", "connections that could not be made for other reasons") \
    X(RESET, "reset", "connections reset with a request under way")                             \
    X(CLOSED, "closed", "connections closed before the answer was whole")                       \
    X(MALFORMED, "malformed", "answers that are not HTTP/1")                                    \
    X(STRAY, "stray", "connections with bytes that nobody asked for")                           \
    X(TIMED_OUT, "timed_out", "requests not answered in time")                                  \
    X(STATUS, "status", "answers with another status than wanted")

/* All kinds except connection failures count requests: a connection that breaks with three in flight
 * counts three. Unexpected bytes count once, as the request whose answer they follow; if they arrived on
 * their own, they belong to no request and count in addition. */
enum load_error {
#define X(member, name, text) LOAD_ERROR_##member,
    LOAD_ERROR_TABLE(X)
#undef X
        LOAD_ERROR_COUNT
};

extern const char *const load_error_names[LOAD_ERROR_COUNT];
extern const char *const load_error_texts[LOAD_ERROR_COUNT];

/* The result of one target. Times are microseconds. */
struct load_target_result {
    uint64_t sent;
    uint64_t answers;
    struct histogram latency; /* from when the request was due; without a rate, from when it was sent */
    struct histogram service; /* from when it was sent; the same as latency without a rate */
};

/* The result. Contains no pointers: it may be copied, kept in shared memory, or sent through a pipe
 * between processes of one program. About 1.4 MB: not for the stack. Unless stated otherwise, only the
 * window counts. */
struct load_result {
    uint64_t elapsed_us; /* length of the window */
    uint64_t due;        /* requests due according to the timetable; without a rate, requests sent */
    uint64_t sent;
    uint64_t answers;           /* complete, with the expected status */
    uint64_t status_classes[6]; /* answers by first digit of the status, wrong ones included; [0] unused */
    uint64_t wrong_statuses[LOAD_STATUS_MAX + 1]; /* answers of LOAD_ERROR_STATUS, by status */
    uint64_t errors[LOAD_ERROR_COUNT];
    int system_errors[LOAD_ERROR_COUNT]; /* the first -errno of each kind, also before the window; or 0 */
    uint64_t bytes_received;             /* including heads and framing */
    uint64_t bytes_sent;
    uint64_t connects;  /* connections opened, during the whole run */
    unsigned open_most; /* most connections open at once, during the whole run */
    bool was_stopped;   /* by the callback, or because no connection could be opened */
    unsigned threads;
    uint64_t cpu_us; /* CPU time of the threads in the window */
    uint64_t
        waiting_us; /* time in which the threads were runnable but waited for a core; 0 if it is unknown */
    uint64_t late; /* requests sent more than LOAD_LATE_US after they were due though connections were free */
    double cpu_share_most; /* of one core, of the busiest thread, including waiting for a core: 0 to 1 */
    size_t target_count;
    struct load_target_result targets[LOAD_TARGETS_MAX];
};

/* The current state, for a progress line. */
enum load_phase { LOAD_PHASE_CONNECTING, LOAD_PHASE_WARMING_UP, LOAD_PHASE_MEASURING, LOAD_PHASE_FINISHING };

struct load_progress {
    enum load_phase phase;
    uint64_t phase_us; /* since the phase began */
    unsigned open;     /* open connections */
    uint64_t answers;  /* since the start, including before the window */
    uint64_t errors;   /* likewise, of all kinds */
    bool is_over;      /* the last answer has arrived, and the connections are still open */
    uint64_t p50_us;   /* of the window so far, from this thread's data only */
    uint64_t p99_us;
};

/* Called about every progress_ms, in the thread that called load_run, and once more when the run is over,
 * before connections are closed. Returns false to end the run early: what was measured until then counts. */
typedef bool load_on_progress(void *context, const struct load_progress *progress);

/* Runs the plan and fills in `ret_result`. Blocks until it is over; one loop runs in this thread.
 * `on_progress` may be NULL. Raises the process's soft limit of descriptors as far as possible. Returns 0,
 * even if every request failed; or -errno if it could not begin: -EMFILE if there are not enough
 * descriptors for the connections, -ENOMEM, or another error of a system call. */
int load_run(const struct load_plan *plan, load_on_progress *on_progress, void *context,
             struct load_result *ret_result) MUST_CHECK;

/* Merges the latency, or the service time, of all targets into `ret_all`. */
void load_result_latency(const struct load_result *result, struct histogram *ret_all);
void load_result_service(const struct load_result *result, struct histogram *ret_all);

/* Answers per second. */
double load_result_rate(const struct load_result *result);

/* Errors of all kinds. */
uint64_t load_result_errors(const struct load_result *result);

/* Whether the client was the bottleneck: its busiest thread used more than nine tenths of a core. Then the
 * run measured the client. */
bool load_result_is_client_bound(const struct load_result *result);

/* Whether the client delayed more than one in a hundred requests because it had no core. Their latency
 * then describes its machine, not the server. */
bool load_result_is_client_late(const struct load_result *result);

/* Whether at least 99 of 100 due requests were sent. Always true without a rate. */
bool load_result_kept_rate(const struct load_result *result);

/* Adds the result of another thread or process that worked at the same time. */
void load_result_merge(struct load_result *to, const struct load_result *from);

#endif
