/* Dispatch: routes a request to its handler, and ends exchanges. */
#ifndef SERVE_DISPATCH_H
#define SERVE_DISPATCH_H

#include "base/compiler.h"
#include "base/list.h"

struct exchange;

/* Routes the request: sets exchange->route_entry or exchange->reject_status. */
void dispatch_route(struct exchange *exchange);

/* Whether the handler of the routed request takes content as it arrives: then call dispatch_answer before the
 * content. */
bool dispatch_streams_content(const struct exchange *exchange);

/* Calls the handler of a routed request, or rejects it. The response may come later. */
void dispatch_answer(struct exchange *exchange);

/* Answers with an error a request that cannot be read completely, or at all. */
void dispatch_refuse(struct exchange *exchange, int status);

/* The response was sent, or never will be: counts it, logs it and ends the exchange, which must be in no
 * list. */
void dispatch_end(struct exchange *exchange);

/* For an exchange that goes on as a tunnel (serve/tunnel.h): it is counted when it begins, and logged at its
 * end. */
void dispatch_count(struct exchange *exchange);
bool dispatch_is_logged(const struct exchange *exchange);
void dispatch_log(struct exchange *exchange);

/* Ends the exchanges at the front of the list that are sent completely and whose request was read completely,
 * in order, as far as none is a tunnel. Returns true after ending the last exchange of the connection; later
 * ones stay. */
bool dispatch_end_sent(struct list *exchanges);

#endif
