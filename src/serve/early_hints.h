/* 103 Early Hints (RFC 8297): what a page links to, said before the page is there. */
#ifndef SERVE_EARLY_HINTS_H
#define SERVE_EARLY_HINTS_H

struct exchange;

/* Sends the Link headers of the exchange's route ahead, where the request is a browser's for a page that it
 * goes to: others have no use for them, and some clients take an interim response for the response. */
void early_hints_send(struct exchange *exchange);

#endif
