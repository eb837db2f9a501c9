/* Delivery: the responses of a connection on their way into its stream, in the order of their requests. */
#ifndef SERVE_DELIVERY_H
#define SERVE_DELIVERY_H

#include "serve/connection.h"

enum delivery_result {
    DELIVERY_EMPTY,   /* every response is out: the next request may come */
    DELIVERY_WAITING, /* for the socket, a disk, a handler, or the rest of a request */
    DELIVERY_LAST,    /* the response that the connection ends with is out; others may stand behind it */
    DELIVERY_FAILED,  /* the stream is broken: close */
};

/* Ends the exchanges whose responses are out and sends what is ready, as far as both go. */
enum delivery_result delivery_go_on(struct connection *connection) MUST_CHECK;

#endif
