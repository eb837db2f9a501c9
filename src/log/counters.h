/* Counters of a worker, in memory shared with the master: one writer (the worker), many readers.
 *
 * Each counter is an aligned 64-bit word, written without a lock. A reader never sees a torn value, but
 * the values need not be from the same instant. */
#ifndef LOG_COUNTERS_H
#define LOG_COUNTERS_H

#include "log/phases.h"
#include "log/route_figures.h"
#include "log/slowest.h"

#include <stddef.h>

/*  name, what it counts. Those of open connections rise and fall, all others only rise. */
#define COUNTER_TABLE(X)                                                           \
    X(connections_accepted, "connections accepted")                                \
    X(connections_open, "connections open now")                                    \
    X(connections_idle, "connections open now that wait for a request")            \
    X(connections_refused, "connections answered 503 because a limit was reached") \
    X(connections_shed, "idle or slow connections closed to make room")            \
    X(h2_connections, "HTTP/2 connections begun")                                  \
    X(h2_resets, "HTTP/2 connections closed for too many RST_STREAM")              \
    X(h2_continuations, "HTTP/2 connections closed for too many CONTINUATION")     \
    X(h2_headers, "HTTP/2 connections closed for an HPACK bomb")                   \
    X(h2_settings, "HTTP/2 connections closed for too many SETTINGS")              \
    X(h2_pings, "HTTP/2 connections closed for too many PING")                     \
    X(h2_priorities, "HTTP/2 connections closed for too many PRIORITY")            \
    X(h2_empty_frames, "HTTP/2 connections closed for too many empty DATA")        \
    X(h2_windows, "HTTP/2 connections closed for too many WINDOW_UPDATE")          \
    X(h2_faults, "HTTP/2 connections closed for too many bad streams")             \
    X(h2_queue, "HTTP/2 connections closed for not reading answers")               \
    X(proxy_header_faults, "connections closed for want of a good PROXY header")   \
    X(accept_failures, "accept(2) failed for want of descriptors or memory")       \
    X(tls_handshakes, "TLS handshakes completed")                                  \
    X(tls_resumptions, "TLS handshakes completed by resuming a session")           \
    X(tls_early_accepted, "TLS handshakes whose early data was accepted")          \
    X(tls_early_refused, "TLS handshakes whose early data was refused")            \
    X(tls_failures, "TLS handshakes that failed")                                  \
    X(requests, "requests answered")                                               \
    X(responses_2xx, "responses with a 2xx status")                                \
    X(responses_3xx, "responses with a 3xx status")                                \
    X(responses_4xx, "responses with a 4xx status")                                \
    X(responses_5xx, "responses with a 5xx status")                                \
    X(responses_cut, "responses that this side could not complete")                \
    X(timeouts, "connections ended by a timeout")                                  \
    X(bytes_sent, "bytes handed to sockets")                                       \
    X(upstream_requests, "requests forwarded to other servers")                    \
    X(upstream_connections, "connections opened to other servers")                 \
    X(upstream_connections_open, "connections to other servers open now")          \
    X(upstream_reuses, "requests forwarded over a kept connection")                \
    X(upstream_retries, "requests forwarded once more, to this server or another") \
    X(upstream_failures, "requests that no other server answered: 502, 503, 504")  \
    X(tunnels, "connections that became tunnels, such as WebSocket")               \
    X(tunnels_open, "tunnels open now")                                            \
    X(tunnel_bytes_received, "bytes that tunnels received from clients")           \
    X(tunnel_bytes_sent, "bytes that tunnels sent to clients")                     \
    X(admin_passwords_wrong, "wrong passwords at listeners for administration")    \
    X(cache_hits, "requests answered from the file cache")                         \
    X(cache_misses, "requests that opened a file")                                 \
    X(stalls, "loop callbacks longer than 5 ms")                                   \
    X(log_lines_dropped, "log lines dropped because the log could not take them")

struct counters {
#define X(name, text) uint64_t name;
    COUNTER_TABLE(X)
#undef X
    /* From the end of a request's head to the end of its response, by the response's class; where durations
     * are measured, see service_measures. */
    struct duration_histogram durations[STATUS_CLASSES];
    /* Of the requests that had the phase; those that were answered at once have none. */
    struct duration_histogram phases[PHASE_COUNT];
    struct route_figures routes[ROUTE_FIGURES_MAX]; /* where there is a listener for metrics */
    struct slowest slowest;                         /* likewise */
} __attribute__((aligned(64)));

/* The counters of all workers: `count` of them, `stride` bytes apart. */
struct counters_view {
    const struct counters *first;
    size_t stride;
    size_t count;
};

static inline const struct counters *counters_at(const struct counters_view *view, size_t number)
{
    return (const struct counters *)(const void *)((const char *)view->first + number * view->stride);
}

/* The sum of the histograms of all workers that are at this offset in their counters. */
static inline struct duration_histogram counters_sum(const struct counters_view *view, size_t offset)
{
    struct duration_histogram sum = {0};
    for (size_t i = 0; i < view->count; i++) {
        const char *base = (const char *)counters_at(view, i);
        const struct duration_histogram *one = (const void *)(base + offset);
        for (size_t bucket = 0; bucket < DURATION_BUCKETS; bucket++)
            sum.counts[bucket] += one->counts[bucket];
        sum.sum_us += one->sum_us;
    }
    return sum;
}

/* The sum of a class's histograms. */
static inline struct duration_histogram counters_durations(const struct counters_view *view, size_t class)
{
    return counters_sum(view,
                        offsetof(struct counters, durations) + class * sizeof(struct duration_histogram));
}

/* The sum of a phase's histograms. */
static inline struct duration_histogram counters_phases(const struct counters_view *view, size_t phase)
{
    return counters_sum(view, offsetof(struct counters, phases) + phase * sizeof(struct duration_histogram));
}

#endif
