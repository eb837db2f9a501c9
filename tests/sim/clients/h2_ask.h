/* Requests over HTTP/2. One that vif answers is made as for HTTP/1 (ask.h) and translated: so the same oracle
 * judges the answer. */
#ifndef SIM_CLIENTS_H2_ASK_H
#define SIM_CLIENTS_H2_ASK_H

#include "ask.h"

struct h2_ask {
    struct ask ask;
    struct buffer block;  /* its headers, encoded */
    struct slice content; /* in ask.bytes, or a constant */
    bool resets;          /* there is something wrong in it: the stream must be reset, with PROTOCOL_ERROR */
};

/* A request that vif answers, by chance. */
void h2_ask_make(struct h2_ask *ask, const struct website *website, struct sim_chance *chance);

/* One that vif refuses: with a status, or by a reset of the stream. */
void h2_ask_make_bad(struct h2_ask *ask, const struct website *website, struct sim_chance *chance);

void h2_ask_finish(struct h2_ask *ask);

#endif
