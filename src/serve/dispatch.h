/* Dispatch: the way of a request to its handler, and the end of an exchange. */
#ifndef SERVE_DISPATCH_H
#define SERVE_DISPATCH_H

#include "base/compiler.h"
#include "base/list.h"

struct exchange;

/* Finds what answers the request: sets exchange->route_entry, or exchange->reject_status. */
void dispatch_route(struct exchange *exchange);

/* The handler of the routed request takes its content as it comes: it is to be called before that. */
bool dispatch_streams_content(const struct exchange *exchange);

/* Calls the handler of a routed request, or refuses it. The answer may come later. */
void dispatch_answer(struct exchange *exchange);

/* Answers with an error what nobody else will: a request that cannot be read to its end, or at all. */
void dispatch_refuse(struct exchange *exchange, int status);

/* The response was sent, or will never be: counts it, logs it, ends the exchange, which is in no list. */
void dispatch_end(struct exchange *exchange);

/* Ends the exchanges at the front of the list, in the order of their requests, whose every byte is out, and
 * whose request is read. True when one of them was the last of its connection; those behind it stay. */
bool dispatch_end_sent(struct list *exchanges);

#endif
