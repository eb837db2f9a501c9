/* A sink receives the content of a request. Content is pushed: the owner writes what has arrived, never more
 * than the sink's credit; without credit the client is stopped by flow control. So for a slow handler only a
 * bounded amount of content is buffered.
 *
 * Protocol of use:
 *  1. A handler whose type has streams_content is called when the head is complete. It calls
 *     exchange_read_content with a sink, at once or later, or responds without one: then the content is not
 *     read. A client that waits for "100 Continue" gets it when the sink first has credit.
 *  2. `write` is called with content; the credit was reduced by its length before.
 *  3. To give more credit, add to `credit`. Inside a call to the sink, or in a job's `done`, that is enough;
 *     elsewhere call exchange_wake afterwards.
 *  4. The last call is `end`, when the content is complete, or `abort`, when it never will be; neither is
 *     called after exchange_stop_reading. From `end` on the request's trailers are in exchange->trailers,
 *     until the exchange ends. They are not among its headers, and names that must not be trailers were
 *     dropped (http/trailer.h).
 *  5. The handler may respond at any time: in a call to the sink, before or after `end`. While there is a
 *     sink, content continues to arrive during the response. A response without a sink refuses the rest of
 *     the content; an HTTP/1 connection is closed after it.
 *
 * After `abort` do not respond: the owner ends the exchange. */
#ifndef SERVE_SINK_H
#define SERVE_SINK_H

#include "base/slice.h"
#include "log/access_log.h"

struct exchange;
struct sink;

struct sink_type {
    /* Must consume all bytes, which are only valid during the call; never empty. */
    void (*write)(struct sink *sink, struct slice bytes);
    void (*end)(struct sink *sink);
    /* May be called while the exchange is being ended. */
    void (*abort)(struct sink *sink, enum outcome why);
};

struct sink {
    const struct sink_type *type;
    struct exchange *exchange; /* whose content it receives */
    uint64_t credit;           /* bytes that it accepts now */
};

#endif
