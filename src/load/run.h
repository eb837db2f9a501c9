/* The insides of one loop of the load generator, shared by the files of this folder only: a run, and the
 * clients that belong to it, one a connection.
 *
 * run.c knows the time: when connections are opened, requests may begin, the window opens and closes.
 * client.c knows one connection: it asks, takes answers, and says what went wrong. Each client that could ask
 * is offered to the run, which either lets it, or keeps it in its list of the free until a request is due.
 * count.c keeps the books. */
#ifndef LOAD_RUN_H
#define LOAD_RUN_H

#include "load/load.h"
#include "load/messages.h"
#include "load/schedule.h"
#include "loop/connector.h"
#include "loop/stream.h"
#include "loop/wheel.h"

/* A request under way. */
struct asked {
    uint64_t due_us;
    uint64_t sent_us;
    unsigned target;
};

enum load_client_state {
    LOAD_CLIENT_CLOSED,     /* there is no connection: before the first one, or until a pause is over */
    LOAD_CLIENT_CONNECTING, /* the connector waits for it */
    LOAD_CLIENT_OPEN,       /* asks and is answered */
    LOAD_CLIENT_ENDING,     /* the last answer is here: the peer is to close */
    LOAD_CLIENT_CLOSING,    /* closed: on_closed will be called */
};

struct client {
    struct stream stream;
    struct connector connector;
    struct timer timer; /* what it waits for depends on the state */
    struct list link;   /* among the free */
    struct run *run;
    struct h1_response_parser engine;
    struct buffer kept; /* the beginning of a head */
    unsigned number;
    uint64_t connect_began_us;
    uint16_t status; /* of the answer that is being read */
    bool keep_alive; /* likewise */
    bool is_settled; /* its first connection was made, or failed */
    uint8_t state;   /* enum load_client_state */
    uint16_t pause_ms;
    bool has_sent;        /* on this connection */
    size_t unsent;        /* bytes that the stream was given and has not counted as sent */
    uint16_t asked_first; /* in the ring */
    uint16_t asked_count; /* requests under way */
    struct asked asked[]; /* a ring of as many as the plan's pipeline */
};

struct run {
    struct load_plan
        plan; /* this loop's share, but for the rate, which is that of all; no defaults are left */
    struct schedule_share share;
    struct load_result *result;
    load_on_progress *on_progress;
    void *context;
    struct loop *loop;
    struct messages messages;
    struct h1_response_head head;
    char *clients; /* plan.connections of client_bytes each */
    size_t client_bytes;

    enum load_phase phase;
    uint64_t phase_began_us;
    struct timer ramp;
    struct timer end_of_phase;
    struct timer progress;
    uint64_t ramp_began_us;
    unsigned begun;     /* clients that were told to connect */
    unsigned unsettled; /* clients whose first connection is neither made nor failed */
    unsigned open;

    struct list free;         /* clients that could ask, the longest free first */
    struct schedule schedule; /* with a rate */
    struct watch alarm;       /* a timer that wakes the loop when a request is due */
    uint64_t alarm_us;        /* what it is set to */

    /* Known when the warm-up begins; timers that fire late move neither. */
    uint64_t window_begin_us; /* UINT64_MAX before */
    uint64_t window_end_us;   /* UINT64_MAX before, and while it ends by requests_max */
    uint64_t cpu_began_us;    /* when the processor's time was read, at about the beginning */
    bool has_ended;           /* the window */
    uint64_t under_way;       /* requests, of all clients */
    uint64_t last_answer_us;
    uint64_t answers; /* in all the time */
    uint64_t errors;
    uint64_t signs_of_life; /* as last looked at: answers and connections */
    uint64_t life_seen_us;
    bool is_over;
};

/* --- client.c --- */

void client_init(struct client *client, struct run *run, unsigned number);

/* Connects. Only while closed. */
void client_connect(struct client *client);

/* Whether it could take a request now; and how many. */
unsigned client_room(const struct client *client);

/* Sends `count` requests, at most its room, which were due at the times that run_take_due gives. */
void client_ask(struct client *client, unsigned count, uint64_t now_us);

/* Closes whatever there is, without counting anything, and gives memory back; on_closed may still come. */
void client_abandon(struct client *client);

/* --- run.c --- */

/* Makes everything but the connections. `plan` has no zeros left where they stand for a default. Returns 0 or
 * -errno; run_finish in both cases. */
int run_init(struct run *run, const struct load_plan *plan, const struct schedule_share *share,
             struct load_result *result) MUST_CHECK;

/* Blocks until it is over. Returns 0 or -errno of the loop. */
int run_go(struct run *run) MUST_CHECK;

void run_finish(struct run *run);

/* What is going on. */
struct load_progress run_progress(const struct run *run);

/* Whether that moment is behind the ramp and the warm-up, and before the end: by the clock, or the last
 * answer. */
static inline bool run_window_has(const struct run *run, uint64_t us)
{
    return us >= run->window_begin_us && us < run->window_end_us;
}

/* The client could ask, now: lets it, or remembers it. */
void run_offer(struct run *run, struct client *client, uint64_t now_us);

/* A request begins now: when it was due. */
uint64_t run_take_due(struct run *run, uint64_t now_us);

/* The client has no connection any more, and its pause is over: connects it, or offers it. */
void run_revive(struct run *run, struct client *client);

/* The first connection of a client was made, or failed. */
void run_settle(struct run *run, struct client *client);

/* Fewer requests are under way than before: perhaps none is, and none will be. */
void run_check_end(struct run *run);

/* --- count.c --- */

/* Requests sent, answered, lost. `error` is the system's or 0. */
void run_count_sent(struct run *run, const struct asked *asked);
void run_count_answer(struct run *run, const struct asked *asked, unsigned status, uint64_t now_us);
void run_count_lost(struct run *run, const struct asked *asked, enum load_error kind, int error);

/* A connection that was not made. */
void run_count_unconnected(struct run *run, enum load_error kind, int error);

#endif
