/* Why a server gave no answer, or no whole one: what the client gets, the code in the logs, and the text for
 * people. */
#ifndef PROXY_FAULT_H
#define PROXY_FAULT_H

/* enum member, status for the client, code, text that continues "http://127.0.0.1:3000: " */
#define PROXY_FAULT_TABLE(X)                                                                           \
    X(NO_ADDRESS, 503, "no_address", "its name has no address")                                        \
    X(NO_SERVER, 503, "no_server", "no server takes requests")                                         \
    X(REFUSED, 502, "connect_refused", "nothing listens there")                                        \
    X(UNREACHABLE, 502, "connect_failed", "no connection could be opened")                             \
    X(CONNECT_TIMEOUT, 504, "connect_timeout", "it did not accept a connection in time")               \
    X(QUEUE_FULL, 503, "queue_full", "too many requests wait for a server")                            \
    X(QUEUE_TIMEOUT, 503, "queue_timeout", "no server became free in time")                            \
    X(CERTIFICATE, 502, "certificate_refused", "its certificate is refused")                           \
    X(TLS, 502, "tls_failed", "TLS failed")                                                            \
    X(NO_HTTP2, 502, "no_http2", "it does not choose HTTP/2 (with protocol: auto, HTTP/1.1 would do)") \
    X(SEND_TIMEOUT, 504, "send_timeout", "it did not take the request in time")                        \
    X(PING_TIMEOUT, 504, "ping_timeout", "it did not answer a PING in time")                           \
    X(FIRST_BYTE_TIMEOUT, 504, "first_byte_timeout", "it did not answer in time")                      \
    X(BETWEEN_BYTES_TIMEOUT, 504, "between_bytes_timeout", "it stopped in the middle of its answer")   \
    X(TOTAL_TIMEOUT, 504, "total_timeout", "its answer was not complete in time")                      \
    X(CLOSED, 502, "closed", "it closed the connection instead of answering")                          \
    X(RESET, 502, "reset", "the connection broke")                                                     \
    X(CUT, 502, "cut", "it closed the connection in the middle of its answer")                         \
    X(HTTP2, 502, "http2_failed", "it broke the rules of HTTP/2")                                      \
    X(STREAM_RESET, 502, "stream_reset", "it reset the request")                                       \
    X(STREAM_REFUSED, 502, "stream_refused", "it refused the request unprocessed")                     \
    X(BAD_RESPONSE, 502, "bad_response", "its answer is not valid")                                    \
    X(TUNNEL_IDLE, 504, "tunnel_idle", "no byte passed for too long")                                  \
    X(DRAINED, 503, "drained", "vif shuts down")                                                       \
    X(NOT_UPGRADED, 502, "not_upgraded", "it answered without changing the protocol")                  \
    X(UNASKED_UPGRADE, 502, "unasked_upgrade", "it changed the protocol, which nobody had asked for")  \
    X(OVERLOADED, 503, "overloaded", "vif is short of memory or descriptors")

enum proxy_fault {
    PROXY_OK,
#define X(name, status, code, text) PROXY_FAULT_##name,
    PROXY_FAULT_TABLE(X)
#undef X
};

/* A row of the table. */
struct proxy_fault_row {
    int status;
    const char *code;
    const char *text;
};

/* The row of a fault; never that of PROXY_OK. */
const struct proxy_fault_row *proxy_fault_row(enum proxy_fault fault);

/* The fault that a failed attempt to connect (-errno) is. */
enum proxy_fault proxy_fault_of_connect(int error);

#endif
