/* Internals of one loop of the load generator, shared only by the files of this folder: a run and its
 * clients, one per connection.
 *
 * run.c controls the time: when connections are opened, when requests may begin, when the window opens and
 * closes. client.c handles one connection: it sends requests, receives answers, and reports errors. Each
 * client that could send is offered to the run, which lets it send, or puts it on the list `free` until a
 * request is due. count.c counts. */
#ifndef LOAD_RUN_H
#define LOAD_RUN_H

#include "load/load.h"
#include "load/messages.h"
#include "load/schedule.h"
#include "loop/connector.h"
#include "loop/stream.h"
#include "loop/wheel.h"

/* A request in flight. */
struct asked {
    uint64_t due_us;
    uint64_t sent_us;
    unsigned target;
};

enum load_client_state {
    LOAD_CLIENT_CLOSED,     /* no connection: before the first one, or during a pause */
    LOAD_CLIENT_CONNECTING, /* the connector is working */
    LOAD_CLIENT_OPEN,       /* sends and receives */
    LOAD_CLIENT_ENDING,     /* the last answer has arrived; waiting for the peer to close */
    LOAD_CLIENT_CLOSING,    /* stream_close was called: waiting for on_closed */
};

struct client {
    struct stream stream;
    struct connector connector;
    struct timer timer; /* its meaning depends on the state */
    struct list link;   /* in run->free */
    struct run *run;
    struct h1_response_parser engine;
    struct buffer kept; /* the beginning of an incomplete head */
    unsigned number;
    uint16_t status;           /* of the answer being read */
    bool keep_alive;           /* likewise */
    bool has_tried_to_connect; /* its first connection attempt has succeeded or failed */
    uint8_t state;             /* enum load_client_state */
    uint16_t pause_ms;
    bool has_sent;        /* something was sent on this connection */
    size_t unsent;        /* bytes passed to the stream and not yet counted as sent */
    uint16_t asked_first; /* index in the ring */
    uint16_t asked_count; /* requests in flight */
    struct asked asked[]; /* a ring; its size is the plan's pipeline */
};

struct run {
    struct load_plan
        plan; /* this loop's share, except the rate, which is the total; defaults are filled in */
    struct schedule_share share;
    struct load_result *result;
    load_on_progress *on_progress;
    void *context;
    struct loop *loop;
    struct messages messages;
    struct http_response_head head;
    char *clients; /* plan.connections clients of client_bytes each */
    size_t client_bytes;

    enum load_phase phase;
    uint64_t phase_began_us;
    struct timer ramp;
    struct timer end_of_phase;
    struct timer progress;
    uint64_t ramp_began_us;
    unsigned begun;   /* clients that have begun to connect */
    unsigned untried; /* clients whose first connection attempt has neither succeeded nor failed */
    unsigned open;

    struct list free;         /* clients that could send, the one that waits longest first */
    struct schedule schedule; /* used if there is a rate */
    struct watch alarm;       /* a timer that wakes the loop when a request is due */
    uint64_t alarm_us;        /* the time it is set to */

    /* Set when the warm-up begins; late timers do not move them. */
    uint64_t window_begin_us; /* UINT64_MAX: not set */
    uint64_t window_end_us;   /* UINT64_MAX: not set, or the window ends by requests_max */
    uint64_t cpu_began_us;    /* when CPU time was read, at about the beginning of the window */
    bool has_ended;           /* the window is over */
    uint64_t under_way;       /* requests in flight, of all clients */
    uint64_t last_answer_us;
    uint64_t answers; /* during the whole run */
    uint64_t errors;
    uint64_t signs_of_life; /* answers and connections, when last checked */
    uint64_t life_seen_us;
    bool is_over;
};

/* --- client.c --- */

void client_init(struct client *client, struct run *run, unsigned number);

/* Connects. The client must be closed. */
void client_connect(struct client *client);

/* How many requests it could send now; 0: none. */
unsigned client_room(const struct client *client);

/* Sends `count` requests, at most client_room; run_take_due gives the time each was due. */
void client_ask(struct client *client, unsigned count, uint64_t now_us);

/* Closes the connection without counting anything, and frees memory; on_closed may still follow. */
void client_abandon(struct client *client);

/* --- run.c --- */

/* Prepares everything except the connections. In `plan` defaults must have been filled in. Returns 0 or
 * -errno; call run_finish in both cases. */
int run_init(struct run *run, const struct load_plan *plan, const struct schedule_share *share,
             struct load_result *result) MUST_CHECK;

/* Blocks until it is over. Returns 0 or -errno of the loop. */
int run_go(struct run *run) MUST_CHECK;

void run_finish(struct run *run);

/* The current progress. */
struct load_progress run_progress(const struct run *run);

/* Whether the time is in the window: after ramp-up and warm-up, and before the end. */
static inline bool run_window_has(const struct run *run, uint64_t us)
{
    return us >= run->window_begin_us && us < run->window_end_us;
}

/* The client could send now: lets it, or remembers it in `free`. */
void run_offer(struct run *run, struct client *client, uint64_t now_us);

/* A request begins now: returns when it was due. */
uint64_t run_take_due(struct run *run, uint64_t now_us);

/* The client is closed and its pause is over: connects it, or offers it. */
void run_revive(struct run *run, struct client *client);

/* The first connection attempt of a client has succeeded or failed. */
void run_note_first_attempt(struct run *run, struct client *client);

/* Call this when fewer requests are in flight: ends the run if none is left and none will begin. */
void run_check_end(struct run *run);

/* --- count.c --- */

/* Count requests sent, answered, lost. `error` is -errno or 0. */
void run_count_sent(struct run *run, const struct asked *asked);
void run_count_answer(struct run *run, const struct asked *asked, unsigned status, uint64_t now_us);
void run_count_lost(struct run *run, const struct asked *asked, enum load_error kind, int error);

/* Counts a failed connection attempt. */
void run_count_unconnected(struct run *run, enum load_error kind, int error);

#endif
