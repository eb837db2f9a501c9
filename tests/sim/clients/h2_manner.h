/* How a client behaves that speaks HTTP/2: the counterpart of manner.h. */
#ifndef SIM_CLIENTS_H2_MANNER_H
#define SIM_CLIENTS_H2_MANNER_H

#include "manner.h"

enum h2_manner_kind {
    H2_BEHAVE,
    H2_TINY_WINDOWS, /* opens its windows by a few bytes at first */
    H2_LATE_WINDOWS, /* opens none for a while */
    H2_NO_WINDOWS,   /* never opens one again */
    H2_READ_SLOWLY,  /* takes a little at a time from its socket */
    H2_STOP_READING, /* takes nothing for a while */
    H2_DRIP,         /* sends a few bytes at a time */
    H2_HALF_SENT,    /* stops in the middle of a frame */
    H2_HALF_CONTENT, /* its last request lacks the end of its content */
    H2_CANCEL,       /* resets most of its streams */
    H2_RESET,        /* RST of the connection in the middle of something */
    H2_BAD,          /* sends requests that are refused, or whose streams are reset */
    H2_BROKEN,       /* breaks the protocol at some time */
    H2_MANNER_COUNT
};

extern const char *const h2_manner_names[H2_MANNER_COUNT];

struct h2_manner {
    enum h2_manner_kind kind;
    enum manner_end end;
    unsigned requests;     /* on one connection */
    unsigned connections;  /* one after the other */
    unsigned depth;        /* streams at once */
    unsigned extras;       /* SETTINGS, PING, PRIORITY_UPDATE and such, on one connection */
    uint32_t window;       /* INITIAL_WINDOW_SIZE */
    uint32_t extra_window; /* of the connection, beyond what it begins with */
    uint32_t grant_bytes;  /* windows are opened again when so many bytes came; 0: never */
    unsigned grant_times;  /* by so many times what came */
    uint64_t opens_us;     /* windows that were closed from the beginning are opened then; 0: never */
    size_t head_bytes;     /* in one frame of a head */
    size_t content_bytes;  /* in one frame of content */
    uint64_t act_us;       /* between two things that it does, at most */
    size_t piece_bytes;    /* given to the network at once; 0: all there is */
    uint64_t piece_us;     /* between these */
    size_t receive_bytes;  /* what its kernel holds for it */
    size_t take_bytes;     /* read at once; 0: all there is */
    uint64_t take_us;      /* between these */
    uint64_t pause_us;     /* it does not read at all for so long, from the first content on */
    unsigned cancels_in;   /* one stream in so many is reset; 0: none */
    unsigned bad_in;       /* one request in so many is bad; 0: none */
    uint64_t half_after;   /* bytes sent, then nothing; 0: never */
    uint64_t reset_after;  /* bytes sent and received, then RST; 0: never */
    uint64_t breaks_after; /* bytes sent, then a frame that ends the connection; 0: never */
    bool stops_in_content; /* the last request */
    bool says_goaway;      /* before it closes */
};

struct h2_manner h2_manner_make(const struct website *website, struct sim_chance *chance);

/* An INITIAL_WINDOW_SIZE: none, small or large. */
uint32_t h2_manner_window(struct sim_chance *chance);

#endif
