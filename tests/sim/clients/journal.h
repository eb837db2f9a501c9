/* The access log is held against what the clients saw: docs/logs.md.
 *
 *  - A request has one line at most, and one that was answered has exactly one, unless as many are missing as
 *    the server says that it dropped.
 *  - The line has the status that came; "bytes" are those that the server gave to its kernel: all of the
 *    content where the answer was whole, as many as were handed over where it was cut off.
 *  - "outcome" is "complete" where the answer was given to the kernel whole, and no other word without its
 *    cause. */
#ifndef SIM_CLIENTS_JOURNAL_H
#define SIM_CLIENTS_JOURNAL_H

#include "conversation.h"

#define JOURNAL_OUTCOME_MAX 20

/* What the log says. */
struct journal_line {
    bool is_there;
    int status;
    uint64_t bytes;
    char outcome[JOURNAL_OUTCOME_MAX];
};

/* A request, as its client saw it. */
struct journal_entry {
    bool is_there;
    enum { SEEN_NOTHING, SEEN_PART, SEEN_WHOLE } seen;
    int status;          /* of SEEN_PART and SEEN_WHOLE */
    uint64_t bytes;      /* content that came */
    uint64_t length;     /* of the whole content */
    uint64_t head_end;   /* the position in the connection's bytes where the content begins */
    bool may_have_left;  /* the client ended the connection, or a fault did */
    bool was_understood; /* its head was right: the line says whose it is */
    const struct sim_socket *socket;
    struct journal_line line;
};

struct journal {
    struct journal_entry *entries; /* by the request's number */
    size_t entry_count;
    struct buffer text; /* what has come of a line */
    uint64_t dropped;
};

void journal_init(struct journal *journal);
void journal_finish(struct journal *journal);

/* A connection is over for its client. */
void journal_note(struct journal *journal, const struct conversation *conversation,
                  const struct sim_socket *socket);

/* More of the log. False where a line is wrong in itself. */
bool journal_read(struct journal *journal, struct slice bytes, struct verdict *verdict);

/* All is there that will be. `handed` says what sim_socket_bytes_handed does. */
bool journal_judge(const struct journal *journal, uint64_t (*handed)(const struct sim_socket *socket),
                   struct verdict *verdict);

#endif
