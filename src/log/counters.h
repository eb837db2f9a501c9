/* Counters of a worker, in memory shared with the master: one writer (the worker), many readers.
 *
 * Each counter is an aligned 64-bit word, written without a lock. A reader never sees a torn value, but
 * the values need not be from the same instant. */
#ifndef LOG_COUNTERS_H
#define LOG_COUNTERS_H

#include <stdint.h>

/*  name, what it counts */
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
    X(accept_failures, "accept(2) failed for want of descriptors or memory")       \
    X(tls_handshakes, "TLS handshakes completed")                                  \
    X(tls_resumptions, "TLS handshakes completed by resuming a session")           \
    X(tls_failures, "TLS handshakes that failed")                                  \
    X(requests, "requests answered")                                               \
    X(responses_2xx, "responses with a 2xx status")                                \
    X(responses_3xx, "responses with a 3xx status")                                \
    X(responses_4xx, "responses with a 4xx status")                                \
    X(responses_5xx, "responses with a 5xx status")                                \
    X(timeouts, "connections ended by a timeout")                                  \
    X(bytes_sent, "bytes handed to sockets")                                       \
    X(cache_hits, "requests answered from the file cache")                         \
    X(cache_misses, "requests that opened a file")                                 \
    X(stalls, "loop callbacks longer than 5 ms")                                   \
    X(log_lines_dropped, "log lines dropped because the log could not take them")

struct counters {
#define X(name, text) uint64_t name;
    COUNTER_TABLE(X)
#undef X
} __attribute__((aligned(64)));

#endif
