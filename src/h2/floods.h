/* What a client may do only so often. Each kind of frame that costs us more than it costs the client has an
 * allowance, which comes back with time. */
#ifndef H2_FLOODS_H
#define H2_FLOODS_H

#include "h2/h2.h"

struct h2_floods {
    uint64_t counted_ms; /* up to when allowances have come back */
    uint32_t spent[H2_FLOOD_COUNT];
};

/* One more. False where the allowance is used up. */
bool h2_floods_spend(struct h2_floods *floods, enum h2_flood kind) MUST_CHECK;

/* What was sent earns credit frames. */
void h2_floods_earn(struct h2_floods *floods, enum h2_flood kind, uint32_t count);

/* Time has passed: called before bytes are taken. */
void h2_floods_pass(struct h2_floods *floods, uint64_t now_ms);

/* Frames of a head behind the first, at most. */
#define H2_CONTINUATIONS_MAX 8

/* For the log. */
const char *h2_floods_text(enum h2_flood kind);

#endif
