/* The access log is held against what the clients saw: docs/logs.md.
 *
 *  - A request has one line at most, and one that was answered has exactly one, unless as many are missing as
 *    the server says that it dropped. Whoever asks little loses no line to those who ask a lot, however long
 *    the disk is full.
 *  - The line has the status that came; "bytes" are those that the server gave to its kernel: all of the
 *    content where the answer was whole, as many as were handed over where it was cut off.
 *  - "outcome" is "complete" where the answer was given to the kernel whole, and no other word without the
 *    cause that it names. */
#ifndef SIM_CLIENTS_JOURNAL_H
#define SIM_CLIENTS_JOURNAL_H

#include "conversation.h"

#define JOURNAL_OUTCOME_MAX 20

/* An address that sent no more requests than these keeps all its lines: their bytes are less than a source's
 * share of SIM_LOG_BYTES_MAX, which is an eighth. */
#define JOURNAL_FEW_ASKS  40
#define JOURNAL_ADDRESSES 256 /* they differ in the last byte */

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
    int status;        /* of SEEN_PART and SEEN_WHOLE */
    uint64_t bytes;    /* content that came */
    uint64_t length;   /* of the whole content */
    uint64_t head_end; /* the position in the connection's bytes where the content begins */
    unsigned causes;   /* enum cause: why it may be incomplete */
    uint32_t address;
    bool was_understood; /* its head was right: the line says whose it is */
    bool is_framed; /* over HTTP/2 or TLS: how much of its content was handed over is not known exactly */
    const struct sim_socket *socket;
    struct journal_line line;
};

struct journal {
    struct journal_entry *entries; /* by the request's number */
    size_t entry_count;
    struct buffer text; /* what has come of a line */
    uint64_t dropped;
    bool may_lose_any;                 /* for want of memory, or since the disk was full to the end */
    uint64_t asked[JOURNAL_ADDRESSES]; /* requests of an address, also those that nobody understood */
};

void journal_init(struct journal *journal);
void journal_finish(struct journal *journal);

/* A connection is over for its client. */
void journal_note(struct journal *journal, const struct conversation *conversation,
                  const struct sim_socket *socket);

/* The entry of a request that was sent on this connection, to be filled in. */
struct journal_entry *journal_entry_for(struct journal *journal, size_t number,
                                        const struct sim_socket *socket);

/* So many requests were sent on it. */
void journal_count(struct journal *journal, const struct sim_socket *socket, size_t requests);

/* More of the log. False where a line is wrong in itself. */
bool journal_read(struct journal *journal, struct slice bytes, struct verdict *verdict);

/* All is there that will be. `handed` says what sim_socket_bytes_handed does. */
bool journal_judge(const struct journal *journal, uint64_t (*handed)(const struct sim_socket *socket),
                   struct verdict *verdict);

#endif
