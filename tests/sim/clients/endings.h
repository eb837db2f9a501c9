/* How a conversation may end: shared by conversation.c and endings.c. */
#ifndef SIM_CLIENTS_ENDINGS_H
#define SIM_CLIENTS_ENDINGS_H

#include "answer.h"
#include "conversation.h"

/* The server counts from the beginning of its loop's turn, which is long on a crowded machine. */
#define EARLY_US SIM_S

/* Takes the answers that are whole out of the inbox. */
void conversation_take_answers(struct conversation *conversation);

/* There were so many connections that the server may have refused or closed this one to make room. */
bool conversation_may_be_crowded(const struct conversation *conversation);

/* The 503 of a server that has no room for a connection. */
bool conversation_is_turned_away(const struct conversation *conversation, const struct answer *answer);

/* What may have kept the answer to a request from being given whole: bits. */
enum cause {
    CAUSE_CLIENT_LEFT = 1,
    CAUSE_TIME = 2,
    CAUSE_CHANGE = 4,       /* of the file */
    CAUSE_FAULT = 8,        /* of a call */
    CAUSE_SHORTAGE = 16,    /* of memory or jobs */
    CAUSE_CROWD = 32,       /* there were too many connections */
    CAUSE_END = 64,         /* of the server */
    CAUSE_EARLIER_CUT = 128 /* an answer before it was cut */
};

unsigned conversation_causes(const struct conversation *conversation, size_t index);

/* The connection ends with the answer to this request, whatever the server's limits are. */
bool ask_is_last(const struct ask *ask);

#endif
