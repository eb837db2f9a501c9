/* Reports why the HTTP/2 engine ended a connection, to the log and the counters. */
#ifndef FRONT_H2_FAULT_H
#define FRONT_H2_FAULT_H

struct front;
struct h2;

/* Logs and counts why the engine ended the connection; the GOAWAY was already written. Does nothing if it did
 * not end it. */
void h2_fault_log(struct front *front, const struct h2 *engine);

#endif
