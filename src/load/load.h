/* The load generator: sends requests over many connections and says how the answers came.
 *
 * Two ways of asking. Without a rate (a closed loop) each connection asks again as soon as it has its
 * answers: this finds out how much a server can do. With a rate (an open loop) requests begin when a
 * timetable says so, whether or not earlier ones were answered: this finds out how long people wait. One
 * timetable holds for all connections, and a request that is due goes out on the first that is free. Its
 * latency counts from the moment at which it was due, so that a server which stalls is charged with every
 * request that it kept from being sent (else "coordinated omission" hides all but one of them).
 *
 * What is measured: requests that began in the window that follows ramp-up and warm-up. Those under way at
 * its end are waited for, at most `timeout_ms`, and count; the window is what rates are computed from. What
 * went wrong is an error and never an answer: it has no latency. */
#ifndef LOAD_LOAD_H
#define LOAD_LOAD_H

#include "base/slice.h"
#include "load/histogram.h"
#include "sys/socket.h"

#define LOAD_TARGETS_MAX   4
#define LOAD_ADDRESSES_MAX 16
#define LOAD_PIPELINE_MAX  64
#define LOAD_THREADS_MAX   64

/* Each thread has a copy. */
#define LOAD_BODY_BYTES_MAX (16u << 20)

/* Statuses have three digits. */
#define LOAD_STATUS_MAX 999u

/* A request that goes out later than this by the client's own fault is counted as late. */
#define LOAD_LATE_US 1000

/* What is asked for. */
struct load_target {
    struct slice method; /* a token; empty: GET */
    struct slice path;   /* origin-form, as it goes on the wire: "/a?b" */
    struct slice body;   /* without data: none; at most LOAD_BODY_BYTES_MAX */
    unsigned weight;     /* its share of the requests, drawn at random; 0 counts as 1 */
    uint16_t status;     /* the only right status of an answer; 0: any from 200 to 399 */
};

static inline struct slice load_target_method(const struct load_target *target)
{
    return target->method.length > 0 ? target->method : SLICE("GET");
}

/* Slices are borrowed until load_run returns. Of the numbers, those that are 0 take what stands in brackets.
 */
struct load_plan {
    struct load_target targets[LOAD_TARGETS_MAX];
    size_t target_count;
    struct address addresses[LOAD_ADDRESSES_MAX]; /* connections take turns */
    size_t address_count;
    struct slice host;   /* the Host field's value; may be empty */
    struct slice fields; /* further field lines, each with its CRLF; neither Host, Connection nor framing */

    unsigned connections;  /* over all threads [1] */
    unsigned pipeline;     /* requests under way on a connection, at most LOAD_PIPELINE_MAX [1] */
    double rate;           /* requests a second over all connections [as fast as the answers come] */
    uint64_t requests_max; /* the window ends after so many, at the latest [no such end] */
    uint64_t warm_up_ms;
    uint64_t duration_ms;  /* of the window [no end, but by requests_max] */
    uint64_t timeout_ms;   /* for an answer, or a connection [5000] */
    unsigned connect_rate; /* connections opened a second, at most, until all are: so that a server's queue
                            * does not overflow [10000] */
    unsigned progress_ms;  /* between calls of the callback [100] */
    unsigned threads;      /* loops, each in a thread, at most LOAD_THREADS_MAX [1] */
    bool closes; /* each request asks on a connection of its own, and its latency includes opening it;
                  * pipeline must be 1 */
};

/*  enum member, name in JSON, what to tell a person */
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

/* Everything but failures of connecting counts requests: a connection that breaks with three under way gives
 * three. Bytes that nobody asked for count once, as the request whose answer they follow; where they came by
 * themselves they are nobody's, and count beside the requests. */
enum load_error {
#define X(member, name, text) LOAD_ERROR_##member,
    LOAD_ERROR_TABLE(X)
#undef X
        LOAD_ERROR_COUNT
};

extern const char *const load_error_names[LOAD_ERROR_COUNT];
extern const char *const load_error_texts[LOAD_ERROR_COUNT];

/* Of one target. Times are microseconds. */
struct load_target_result {
    uint64_t sent;
    uint64_t answers;
    struct histogram latency; /* from when the request was due; without a rate, from when it was sent */
    struct histogram service; /* from when it was sent; the same as latency without a rate */
};

/* What came out. Flat: it may be copied, lie in shared memory or go through a pipe between processes of one
 * program. About 1.4 MB: not for the stack. Everything counts the window only, unless it says otherwise. */
struct load_result {
    uint64_t elapsed_us; /* the window */
    uint64_t due; /* requests that the timetable wanted to begin; without a rate, as many as were sent */
    uint64_t sent;
    uint64_t answers;           /* whole, and with a right status */
    uint64_t status_classes[6]; /* answers by their first digit, those with a wrong status too; [0] unused */
    uint64_t wrong_statuses[LOAD_STATUS_MAX + 1]; /* answers of LOAD_ERROR_STATUS, by status */
    uint64_t errors[LOAD_ERROR_COUNT];
    int system_errors[LOAD_ERROR_COUNT]; /* the -errno of the first of each kind, before the window too; or 0
                                          */
    uint64_t bytes_received;             /* heads and framing too */
    uint64_t bytes_sent;
    uint64_t connects;  /* connections that were made, in all the time */
    unsigned open_most; /* connections that were open at once, in all the time */
    bool was_stopped;   /* by the callback, or because not a single connection could be made */
    unsigned threads;
    uint64_t cpu_us; /* processor time of the threads in the window */
    uint64_t
        waiting_us; /* time in which they could have run but had no processor; 0 where it cannot be known */
    uint64_t late; /* requests sent more than LOAD_LATE_US after they were due though connections were free */
    double cpu_share_most; /* of one core, of the busiest thread, waiting for one included: 0 to 1 */
    size_t target_count;
    struct load_target_result targets[LOAD_TARGETS_MAX];
};

/* What is going on, for a progress line. */
enum load_phase { LOAD_PHASE_CONNECTING, LOAD_PHASE_WARMING_UP, LOAD_PHASE_MEASURING, LOAD_PHASE_FINISHING };

struct load_progress {
    enum load_phase phase;
    uint64_t phase_us; /* since the phase began */
    unsigned open;     /* connections */
    uint64_t answers;  /* since the beginning, those before the window too */
    uint64_t errors;   /* likewise, of every kind */
    bool is_over;      /* the last answer is in, and every connection still as it was */
    uint64_t p50_us;   /* of the window so far, from what this thread has seen */
    uint64_t p99_us;
};

/* Called about every progress_ms, in the thread that called load_run, and once more when it is over, before a
 * connection is closed. Returns false to end the run early: what was measured up to then counts. */
typedef bool load_on_progress(void *context, const struct load_progress *progress);

/* Runs the plan and fills `ret_result`. Blocks until it is over; one loop runs in this thread. `on_progress`
 * may be NULL. The process's soft limit of descriptors is raised as far as it goes. Returns 0, also where
 * every request failed; or -errno where it could not begin: -EMFILE where there are not enough descriptors
 * for the connections, -ENOMEM, or what the kernel said. */
int load_run(const struct load_plan *plan, load_on_progress *on_progress, void *context,
             struct load_result *ret_result) MUST_CHECK;

/* All targets together: merges the latency, or the service time, of every target into `ret_all`. */
void load_result_latency(const struct load_result *result, struct histogram *ret_all);
void load_result_service(const struct load_result *result, struct histogram *ret_all);

/* Answers a second. */
double load_result_rate(const struct load_result *result);

/* Errors of all kinds. */
uint64_t load_result_errors(const struct load_result *result);

/* The client had no more to give: more than nine tenths of a core in its busiest thread. Then it measured
 * itself. */
bool load_result_is_client_bound(const struct load_result *result);

/* The client itself held up more than one in a hundred requests: it had work to do and no processor. Their
 * latency tells of its machine, not of the server. */
bool load_result_is_client_late(const struct load_result *result);

/* At least 99 of 100 requests that were due went out. Always so without a rate. */
bool load_result_kept_rate(const struct load_result *result);

/* Adds the result of another thread or process that worked at the same time. */
void load_result_merge(struct load_result *to, const struct load_result *from);

#endif
