/* What origin.c and origin_answer.c share. */
#ifndef SIM_PROXIED_ORIGIN_PARTS_H
#define SIM_PROXIED_ORIGIN_PARTS_H

#include "origin.h"

#include "base/buffer.h"

struct origin {
    struct sim_listener listener;
    unsigned number;
    struct sim_chance chance;
    uint64_t wrong_one_in;   /* answers are wrong; 0: none is */
    uint64_t refuses_one_in; /* connections; 0: none */
    uint64_t ignores_one_in;
    struct list connections;
};

enum origin_state {
    ORIGIN_HEAD, /* between two requests, or in a head */
    ORIGIN_CONTENT,
    ORIGIN_CHUNK_SIZE,
    ORIGIN_CHUNK_END,
    ORIGIN_LAST_LINE,
    ORIGIN_WHOLE,
    ORIGIN_ANSWERS,
};

/* What follows the last byte of an answer. */
enum origin_end { ORIGIN_KEEPS, ORIGIN_SAYS_FIN, ORIGIN_SAYS_RST, ORIGIN_HANGS };

struct origin_connection {
    struct list link;
    struct origin *origin;
    struct sim_socket *socket;
    struct sim_chance chance;
    enum origin_state state;
    struct attempt *attempt; /* NULL: between two requests */
    struct attempt *last;    /* then: the one before */
    struct buffer in;
    uint64_t content_at; /* of the request, so far */
    uint64_t left;       /* of its content, or its chunk */
    bool is_deaf;        /* takes no more */
    bool is_closed;
    struct buffer out; /* the answer, as far as the network has not taken it */
    enum origin_end end;
    size_t piece_max; /* that is sent at once */
    uint64_t pause_us_max;
    bool has_answered; /* `out` is filled */
    struct sim_event go;
    struct sim_event idle;
};

void origin_take(struct origin_connection *connection);
void origin_close(struct origin_connection *connection, bool with_reset);
void origin_begin_idle(struct origin_connection *connection);
void origin_check_busy(const struct origin *origin);

/* ---- origin_answer.c ---- */

/* The head of a request is there. */
void origin_choose_script(struct origin_connection *connection);

/* All of it is there. */
void origin_answer(struct origin_connection *connection);

/* The network takes more. */
void origin_go_on(struct origin_connection *connection);

#endif
