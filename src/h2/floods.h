/* Rate limits against floods. Each kind of frame that costs the server more than the client has an allowance,
 * which is refilled over time. */
#ifndef H2_FLOODS_H
#define H2_FLOODS_H

#include "h2/h2.h"

struct h2_floods {
    uint64_t counted_ms; /* time up to which allowances were refilled */
    uint32_t spent[H2_FLOOD_COUNT];
};

/* Uses one unit of the allowance. Returns false if it is used up. */
bool h2_floods_spend(struct h2_floods *floods, enum h2_flood kind) MUST_CHECK;

/* Gives back `count` units of the allowance: content that we sent entitles the client to window updates. */
void h2_floods_earn(struct h2_floods *floods, enum h2_flood kind, uint32_t count);

/* Refills the allowances up to `now_ms`. Call it before bytes are received. */
void h2_floods_pass(struct h2_floods *floods, uint64_t now_ms);

/* Most CONTINUATION frames of one head. */
#define H2_CONTINUATIONS_MAX 8

/* Describes the flood, for the log. */
const char *h2_floods_text(enum h2_flood kind);

#endif
