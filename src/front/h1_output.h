/* Delivery: the responses of a connection on their way into its stream, in the order of their requests. */
#ifndef FRONT_H1_OUTPUT_H
#define FRONT_H1_OUTPUT_H

#include "front/h1_connection.h"
#include "log/access_log.h"

enum h1_output_result {
    H1_OUTPUT_EMPTY,   /* every response is out: the next request may come */
    H1_OUTPUT_WAITING, /* for the socket, a disk, a handler, or the rest of a request */
    H1_OUTPUT_CLOSING, /* the response that the connection ends with is out; others may stand behind it */
    H1_OUTPUT_FAILED,  /* the stream is broken: close */
};

/* The connection ends before its exchanges, for this reason: notes what of their responses was sent, for the
 * counters and the access log. The stream is still open. */
void h1_output_give_up(struct h1_connection *connection, enum outcome why);

/* Ends the exchanges whose responses are out and sends what is ready, as far as both go. */
enum h1_output_result h1_output_flush(struct h1_connection *connection) MUST_CHECK;

#endif
