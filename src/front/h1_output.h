/* Sends the responses of an HTTP/1 connection into its stream, in the order of their requests. */
#ifndef FRONT_H1_OUTPUT_H
#define FRONT_H1_OUTPUT_H

#include "front/h1_connection.h"
#include "log/access_log.h"

enum h1_output_result {
    H1_OUTPUT_EMPTY,   /* every response is sent: the next request may be read */
    H1_OUTPUT_WAITING, /* for the socket, a disk, a handler, or the rest of a request */
    H1_OUTPUT_CLOSING, /* the last response of the connection is sent; later exchanges may be left */
    H1_OUTPUT_TUNNEL,  /* the head of a 101 is sent: the first exchange goes on as a tunnel */
    H1_OUTPUT_FAILED,  /* the stream is broken: close */
};

/* The connection ends before its exchanges do, for the reason `why`: records how much of their responses was
 * sent, for the counters and the access log. Call it while the stream is still open. */
void h1_output_give_up(struct h1_connection *connection, enum outcome why);

/* Sends what is ready and ends the exchanges whose responses are sent, until there is nothing more to do for
 * now. */
enum h1_output_result h1_output_flush(struct h1_connection *connection) MUST_CHECK;

#endif
