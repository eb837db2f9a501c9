/* Why connections of HTTP/2 are given up, for the log and the counters. */
#ifndef FRONT_H2_FAULT_H
#define FRONT_H2_FAULT_H

struct front;
struct h2;

/* Says why the engine gave the client up, which it has told the client by now. Nothing where it did not. */
void h2_fault_log(struct front *front, const struct h2 *engine);

#endif
