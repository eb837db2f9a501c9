/* A sink: where the content of a request goes. It is pushed: whoever reads the request writes what has come,
 * never more than the sink has given credit for; without credit the client is held up. So a handler that
 * takes content slowly costs what it holds itself, and a bounded rest.
 *
 * Protocol of use:
 *  1. A handler whose type says streams_content is called when the head is complete. It gives the exchange a
 *     sink by exchange_read_content, at once or later, or responds without one: then the content is not read.
 *     A client that waits for "100 Continue" gets it when there is credit first, and not before.
 *  2. `write` is called with content; the sink's credit is less by that already.
 *  3. More credit is given by adding to `credit`: in a call to the sink, or in a job that comes back, that is
 *     all; elsewhere exchange_wake follows.
 *  4. The last call is one of `end`, when the content is complete; `abort`, when it will never be; or none,
 *     after exchange_stop_reading.
 *  5. The response may be given at any time: in a call to the sink, before or after its end. Where the sink
 *     stays, content goes on coming while the response is sent. A response without it refuses the rest, and
 *     the connection of an HTTP/1 client ends with it.
 *
 * After `abort` the exchange is its owner's to end: it is not to be responded to. */
#ifndef SERVE_SINK_H
#define SERVE_SINK_H

#include "base/slice.h"
#include "log/access_log.h"

struct exchange;
struct sink;

struct sink_type {
    /* Takes all the bytes, which are gone when it returns; never empty. */
    void (*write)(struct sink *sink, struct slice bytes);
    void (*end)(struct sink *sink);
    /* Perhaps while the exchange is being ended. */
    void (*abort)(struct sink *sink, enum outcome why);
};

struct sink {
    const struct sink_type *type;
    struct exchange *exchange; /* whose content it takes */
    uint64_t credit;           /* bytes that it takes now */
};

#endif
