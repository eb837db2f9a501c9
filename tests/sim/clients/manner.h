/* How a client behaves: what it sends is the script's, how it sends and reads it is here. Each trait is drawn
 * by itself, around a kind that says what this client is for. */
#ifndef SIM_CLIENTS_MANNER_H
#define SIM_CLIENTS_MANNER_H

#include "ask.h"

enum manner_kind {
    MANNER_BEHAVE,
    MANNER_PIPELINE,             /* sends on without waiting */
    MANNER_DRIP,                 /* a few bytes at a time */
    MANNER_STALL,                /* stops in the middle of a request */
    MANNER_READ_SLOWLY,          /* takes a little at a time */
    MANNER_STOP_READING,         /* takes nothing for a long time */
    MANNER_RESET,                /* RST in the middle of something */
    MANNER_LEAVE,                /* closes without waiting for the answer */
    MANNER_BAD,                  /* sends what is refused */
    MANNER_IDLE,                 /* waits longer than it may between requests */
    MANNER_FLOOD,                /* many short connections at once */
    MANNER_COUNT,                /* of these one is chosen */
    MANNER_STORM = MANNER_COUNT, /* see storm.h */
    MANNER_NAMES
};

extern const char *const manner_names[MANNER_NAMES];

/* What it does when its last request is answered. */
enum manner_end {
    END_CLOSE,  /* closes */
    END_FINISH, /* sends FIN behind its last request already, and waits */
    END_WAIT,   /* waits until the server closes */
    END_LINGER, /* the same, and does not close then either, for a while */
};

struct manner {
    enum manner_kind kind;
    enum manner_end end;
    unsigned requests;           /* on one connection */
    unsigned connections;        /* one after the other, or all at once: MANNER_FLOOD */
    unsigned depth;              /* requests that may be without an answer */
    size_t piece_bytes;          /* sent at once; 0: all there is */
    uint64_t piece_us;           /* between these */
    size_t receive_bytes;        /* what its kernel holds for it */
    size_t take_bytes;           /* read at once; 0: all there is */
    uint64_t take_us;            /* between these */
    uint64_t pause_us;           /* it does not read at all for so long, from its first answer on */
    uint64_t think_us;           /* between an answer and the next request */
    uint64_t reset_after;        /* bytes sent and received, then RST; 0: never */
    uint64_t leave_after;        /* the same, then it closes */
    uint64_t reset_us;           /* RST so long after its last request was sent; 0: never */
    const struct target *target; /* what it asks for; NULL: anything */
    uint32_t address;            /* 0: any */
    bool waits_for_continue;     /* or sends content at once */
    bool stops_in_content;       /* the last request has half of its content */
    bool ends_endless;           /* the last request does not come to its end */
    unsigned bad_in;             /* one request in so many is bad; 0: none */
    bool goes_on_behind_the_end; /* sends further requests behind one that says close */
};

struct manner manner_make(const struct website *website, struct sim_chance *chance);

#endif
