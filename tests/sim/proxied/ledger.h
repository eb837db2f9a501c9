/* What is known of each request: what its client sent, and which servers got it, how they answered, and why
 * its client may have got something else. Every request has a number, which is in its path, and contents of
 * its own, so no byte can be taken for another one's.
 *
 *     ledger.c   requests, attempts, and what excuses what
 *     origin.c   the servers that vif forwards to, and how they misbehave
 *     asker.c    the clients */
#ifndef SIM_PROXIED_LEDGER_H
#define SIM_PROXIED_LEDGER_H

#include "../sim.h"

#include "settings/settings.h"

#define REQUESTS_MAX        128
#define ATTEMPTS_OF_ONE_MAX 8

/* What a server does with a request. */
enum script {
    SCRIPT_RIGHT,         /* answers, sooner or later */
    SCRIPT_EARLY,         /* answers an upload of which it has only the head, and takes no more */
    SCRIPT_EXTRA,         /* sends another answer behind its answer */
    SCRIPT_LAST_RIGHT,    /* up to here: the answer is right; from here on it is not */
    SCRIPT_SILENT,        /* takes the request, and nothing follows */
    SCRIPT_DEAF,          /* takes not even the request */
    SCRIPT_CLOSES,        /* FIN in the place of an answer */
    SCRIPT_RESETS,        /* RST in the place of an answer */
    SCRIPT_CUT_HEAD,      /* in the middle of the head FIN or RST */
    SCRIPT_GARBAGE,       /* what is no HTTP */
    SCRIPT_BAD_HEAD,      /* two lengths, length beside chunked, folded, NUL, status 99 or 999 */
    SCRIPT_LAST_HEADLESS, /* up to here: no head can be forwarded */
    SCRIPT_CUT_CONTENT,   /* in the middle of the content FIN or RST */
    SCRIPT_STUCK,         /* in the middle of the content nothing more follows */
    SCRIPT_BAD_CHUNK,     /* in the middle of the content */
    SCRIPT_COUNT
};

struct request;

/* A server has got a request, or the beginning of it. */
struct attempt {
    struct request *request;
    struct sim_socket *socket; /* of the connection; to be asked until the run's end */
    enum script script;
    unsigned origin;
    unsigned number; /* of the request's attempts, from 0 */
    uint64_t began_us;
    int status;
    uint64_t length;   /* of the content of its answer */
    unsigned interims; /* that it was to send, 100 not among them */
    bool may_reset;    /* its connection ends by RST, which may take the answer's end with it */
    bool is_done;      /* the answer was given to the network, to its end */
    bool is_whole;     /* it has got all of the request */
};

struct request {
    unsigned number; /* from 1 */
    uint64_t key;    /* of its content */
    struct slice method;
    bool is_idempotent;
    bool is_head;
    bool is_old; /* HTTP/1.0 */
    bool is_chunked;
    bool has_content;
    bool expects;    /* 100 Continue */
    uint64_t length; /* of its content */
    uint64_t began_us;
    uint64_t sent_us; /* the network has taken all of it; 0: not yet */
    bool has_left;    /* its client has, before the end of the answer */
    bool is_hit;      /* a call that failed was about one of its connections */
    bool is_ended;    /* nobody waits for its answer any more */
    struct attempt attempts[ATTEMPTS_OF_ONE_MAX];
    unsigned attempt_count;
    struct sim_event leaving; /* a while after its client left */
};

struct ledger {
    struct sim_chance chance;
    const struct proxy_settings *proxy;
    struct request requests[REQUESTS_MAX];
    unsigned count;
    uint64_t faults_us;  /* when a call failed that may have hit anybody, and 1 more; 0: never */
    uint64_t closed_us;  /* when a server last closed a connection between two requests, and 1 more */
    uint64_t refused_us; /* the same, when one did not take a connection */
    uint64_t room_us;    /* the same, when there was no descriptor */
    uint64_t drained_us; /* vif was told to end, and 1 more */
    uint64_t drain_us;   /* so long it lets requests end then */
    bool is_select;      /* select(2) does not tell of an end while vif does not read */
};

extern struct ledger ledger;

void ledger_start(const struct proxy_settings *proxy);

/* A new request, of the client's choice. NULL: there are enough. */
struct request *ledger_new_request(struct sim_chance *chance);

/* The request with that number, of which a server has got the beginning. */
struct attempt *ledger_new_attempt(unsigned number, unsigned origin, struct sim_socket *socket);

/* A call has failed that was about the connection, or made for it: a request that a server got by it is hit.
 * Returns false if there is none. */
bool ledger_note_fault(const struct sim_socket *socket);

/* Whatever becomes of such a call, no request shows it. */
bool ledger_is_harmless(const struct sim_fault *fault);

/* The client has left. A while later no server may be busy for it. */
void ledger_note_leaving(struct request *request);

/* What a client has got. */
struct read_response;
void ledger_judge_response(struct request *request, const struct read_response *response, bool has_reset);

/* The connection has ended without an answer: `bytes` are all that came. */
void ledger_judge_nothing(struct request *request, struct slice bytes);

/* The key of the content of an answer. */
uint64_t attempt_key(const struct attempt *attempt);

#endif
