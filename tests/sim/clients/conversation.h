/* One connection as the oracle sees it: what was asked, in order, and what came back. Told of each byte in
 * both directions, it says whether the invariants of the wire hold:
 *
 *  - each request that was completely sent gets exactly one answer, well-formed and right, or the connection
 *    ends without one, for a reason that this file knows;
 *  - answers come in the order of the requests, none comes before its request, none to nothing;
 *  - "Connection: close" is said with the last answer, and only there, and nothing comes behind it;
 *  - each wait ends within its timeout: see conversation_check_time.
 *
 * It knows no sockets: client.c drives it, and its own test drives it without a server. */
#ifndef SIM_CLIENTS_CONVERSATION_H
#define SIM_CLIENTS_CONVERSATION_H

#include "harm.h"
#include "verdict.h"

#define SCENE_CLOSED_MAX 256

/* What all conversations of a run have in common. */
struct journal;

struct scene {
    const struct website *website;
    struct journal *journal;
    uint16_t tls_port; /* 0: there is none */
    bool is_draining;
    uint64_t drained_us; /* when the server was told to drain */
    struct harms harms;
    unsigned open;                        /* connections that no client has closed yet */
    unsigned closed;                      /* connections that were */
    uint64_t closed_us[SCENE_CLOSED_MAX]; /* when, the last of them; the server may not know it yet */
    uint64_t full_us; /* when these were last as many as a limit allows: connections may be shed or refused */
};

/* A client connects; it has closed its connection. */
void scene_note_open(struct scene *scene);
void scene_note_closed(struct scene *scene);

/* There may have been so many connections when the server ended one that began and ended then, that this one
 * had to make room or was refused. */
bool scene_was_full(const struct scene *scene, uint64_t began_us, uint64_t ended_us);

/* What came may be late by that much: the network's delays, the loop's turns, waiting for a disk. */
#define SLACK_US (4 * SIM_S)

#define CONVERSATION_ASKS_MAX 40

struct conversation {
    struct scene *scene;
    unsigned number;
    struct verdict verdict;

    struct ask asks[CONVERSATION_ASKS_MAX];
    size_t ask_count;
    size_t answered; /* of these; the next answer is to asks[answered] */
    size_t sending;  /* the one that is being sent */
    size_t sent;     /* bytes of that one */

    struct buffer inbox;  /* what arrived of the answer that is being received */
    uint64_t taken_bytes; /* of all answers before what is in the inbox */
    uint64_t began_us;
    uint64_t answered_us;  /* when the last answer was whole */
    uint64_t moved_us;     /* when the last byte went either way */
    uint64_t inbox_us;     /* when the first byte in the inbox arrived */
    bool was_continued;    /* 100 came for asks[answered] */
    bool said_close;       /* the server did: nothing more may come */
    bool turned_away;      /* 503 in the place of a connection */
    bool is_finished;      /* we sent FIN */
    bool is_abandoned;     /* we sent RST, or closed with answers outstanding: nothing is owed any more */
    bool is_framed;        /* over TLS */
    bool is_shaking_hands; /* and its handshake was not complete when the connection ended */
    bool is_slow;          /* we did not take what was there for a while */
    struct harms harms;    /* what hit this connection, or anybody */
    bool has_ended;        /* FIN or RST came */
    uint64_t ended_us;     /* when the server said that; 0: not known yet */
    bool had_time;         /* the server had had everything for a while by then */
};

void conversation_begin(struct conversation *conversation, struct scene *scene, unsigned number);
void conversation_finish(struct conversation *conversation);

/* Room for the next request: make it, and it will be sent. NULL where there is none. */
struct ask *conversation_add(struct conversation *conversation);

/* What is to be sent next: the rest of the request that is being sent. Empty where there is none. */
struct slice conversation_unsent(const struct conversation *conversation);

/* The network took so many bytes of it. */
void conversation_sent(struct conversation *conversation, size_t count);

/* Requests that were begun and have no answer yet. */
size_t conversation_outstanding(const struct conversation *conversation);

void conversation_received(struct conversation *conversation, struct slice bytes);

/* The server ended the connection, by FIN or by RST. */
void conversation_ended(struct conversation *conversation, bool by_reset);

/* It has ended, and nothing was outstanding. */
bool conversation_owes_nothing(const struct conversation *conversation);

/* Some wait has lasted longer than it may. To be asked now and then. */
void conversation_check_time(struct conversation *conversation);

/* What a judge must know of an answer to the request that has arrived by now; NULL: to no request. */
struct circumstances conversation_circumstances(const struct conversation *conversation,
                                                const struct ask *ask);

/* Files may be as they were at this time, for that request. */
uint64_t conversation_files_from_us(const struct ask *ask);

/* Whether the file was written over while its content could be sent: that ends the answer, short, so that the
 * client knows. */
bool conversation_was_written_over(const struct ask *ask);

/* When the server ended the connection; now, where it may do so now. */
static inline uint64_t conversation_end_us(const struct conversation *conversation)
{
    return conversation->ended_us > 0 ? conversation->ended_us : sim_now_us();
}

/* A fault may have ended the connection. */
static inline bool conversation_has_fault(const struct conversation *conversation)
{
    return harms_ended(&conversation->harms, conversation->began_us, conversation_end_us(conversation));
}

/* A fault may have disturbed its end. */
static inline bool conversation_closes_badly(const struct conversation *conversation)
{
    return harms_since(&conversation->harms, HARM_CLOSING, conversation->began_us);
}

/* A fault may be why the answer is an error, or cut off. */
static inline bool conversation_is_hit(const struct conversation *conversation, const struct ask *ask)
{
    uint64_t since_us = ask ? conversation_files_from_us(ask) : conversation->began_us;
    return harms_hit(&conversation->harms, ask, since_us);
}

/* A fault may be why an error does not have the page that it should have. */
static inline bool conversation_page_is_hit(const struct conversation *conversation, const struct ask *ask)
{
    uint64_t since_us = ask ? conversation_files_from_us(ask) : conversation->began_us;
    return harms_hit_page(&conversation->harms, conversation->scene->website, since_us);
}

/* There was no room for a job that the answer needs, or no descriptor. */
static inline bool conversation_was_busy(const struct conversation *conversation, const struct ask *ask)
{
    uint64_t since_us = ask ? conversation_files_from_us(ask) : conversation->began_us;
    return harms_since(&conversation->harms, HARM_BUSY, since_us);
}

#endif
