/* The guard of listeners for administration that have a password: who may see their pages.
 *
 * A client names itself by the Basic scheme (RFC 7617). A password that was right lately is compared at once;
 * any other one is checked on the offload pool, one at a time, since a check takes tens of milliseconds of
 * CPU time and some MiB. Wrong ones are limited by client (admin/attempts.h), counted and logged. A client
 * that is beyond the limit is still let in with a password that is known to be right: whoever guesses from
 * the same address does not lock others out.
 *
 * Each worker has a guard of its own. All calls on the loop's thread. */
#ifndef ADMIN_GUARD_H
#define ADMIN_GUARD_H

#include "admin/attempts.h"
#include "admin/known_passwords.h"
#include "loop/job_queue.h"

struct exchange;

struct guard {
    struct known_passwords known;
    struct attempts attempts;
    struct job_queue checks;
};

void guard_init(struct guard *guard);

/* No check may be waiting or running. */
void guard_finish(struct guard *guard);

/* Answers the exchange by `respond` if its listener has no password, or if the client has named a right one;
 * otherwise by 401, 429 after too many wrong ones, or 503. At once or later. */
void guard_pass(struct guard *guard, struct exchange *exchange, void (*respond)(struct exchange *exchange));

#endif
