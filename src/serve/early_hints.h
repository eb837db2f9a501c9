/* 103 Early Hints (RFC 8297): sends a page's Link headers before the page is ready. */
#ifndef SERVE_EARLY_HINTS_H
#define SERVE_EARLY_HINTS_H

struct exchange;

/* Sends the Link headers of the exchange's route as 103, if the request is a browser's navigation. Other
 * requests have no use for them, and some clients mistake an interim response for the final one. */
void early_hints_send(struct exchange *exchange);

#endif
