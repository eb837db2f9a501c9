/* A client: what admission, time-outs, shedding and draining know of whoever is connected, whatever protocol
 * it speaks. A connection of that protocol begins with one.
 *
 * Its states, what each waits for, for how long (front/timeouts.c), and what happens when that is over:
 *
 *   HANDSHAKE  the rest of the handshake of TLS     handshake_ms       closes silently
 *   IDLE    the first byte of a request             idle_ms            closes silently
 *   HEAD    the rest of a head                      head_ms            408
 *   BODY    the rest of a request's content         body_ms and rate   408
 *   HANDLE  a job off the loop, more of a source,   for ever           -
 *           or credit of a sink
 *   SEND    the peer to take what it is sent        write_ms and rate  closes
 *   LINGER  the peer's FIN, after it has our last   linger_ms, after   closes
 *           byte                                    those of SEND
 *   CLOSED  the end of the turn
 *
 * It may wait for several things at once: content of a request while the response before it is sent. The
 * state is then the one whose time counts: SEND before BODY before HANDLE.
 *
 * Progress is counted in bytes that the client has taken, which its protocol knows: `bytes_left` are those
 * that were given to be sent and that it does not have yet, wherever on the way they are. */
#ifndef FRONT_CLIENT_H
#define FRONT_CLIENT_H

#include "log/access_log.h"
#include "loop/wheel.h"
#include "serve/peer.h"

struct buffer;
struct front_client;
struct front;

enum client_state {
    CLIENT_HANDSHAKE,
    CLIENT_IDLE,
    CLIENT_HEAD,
    CLIENT_BODY,
    CLIENT_HANDLE,
    CLIENT_SEND,
    CLIENT_LINGER,
    CLIENT_CLOSED,
};

/* What a protocol does with its clients. */
struct front_client_ops {
    /* Closes at once, whatever is under way; `why` stands in the log of what is. Nothing on a closed one. */
    void (*abort)(struct front_client *client, enum outcome why);
    /* The time of HEAD or BODY is up: answers the request that is being read with 408, and closes behind it.
     */
    void (*refuse_late)(struct front_client *client);
    /* Ends an idle client with what its protocol has for a farewell, and lingers. */
    void (*shut_down)(struct front_client *client);
    /* The front is draining: an idle client is given a moment to send the request that may be on its way, a
     * busy one is told that it is the last. */
    void (*drain)(struct front_client *client);
    /* `owner` is one of the exchanges that it has. */
    bool (*owns)(const struct front_client *client, const void *owner);
    /* A request is being answered. */
    bool (*is_busy)(const struct front_client *client);
    uint64_t (*bytes_left)(const struct front_client *client);
    /* Milliseconds since bytes last left for it; 0 where nobody can say. */
    uint64_t (*send_idle_ms)(const struct front_client *client);
    /* All of it in one line of words, for the log. */
    void (*print)(const struct front_client *client, struct buffer *out);
    /* For tests, between two callbacks: what is wrong with it; NULL: nothing. */
    const char *(*validate)(const struct front_client *client);
};

/* All clients of one protocol at one front. */
struct front_client_kind {
    struct front *front;
    const struct front_client_ops *ops;
};

struct front_client {
    const struct front_client_kind *kind;
    struct list link;   /* in the front's list of those in this state */
    struct timer timer; /* armed at or before `deadline_ms`: moving the deadline back costs nothing */
    uint64_t deadline_ms;
    uint64_t window_began_ms; /* when the state was entered, or when its progress began to be measured anew */
    uint64_t window_bytes;  /* since then: of BODY, received; else on their way to the peer, see timeouts.c */
    uint32_t moved_ms;      /* of BODY: when the last bytes came, modulo 2^32: see still_ms */
    uint8_t state;          /* enum client_state */
    bool request_began : 1; /* since the state was entered: the state's time begins anew */
    bool has_asked : 1;     /* a request has come */
    bool is_counted : 1;    /* among those of its address */
    struct peer peer;
};

/* HANDSHAKE or IDLE, and in the front's count of open ones. */
void front_client_init(struct front_client *client, const struct front_client_kind *kind,
                       const struct peer *peer, bool is_counted, enum client_state state);

/* The one place where a client that goes on changes its state: lists, counters, timers. Each list is in the
 * order in which its members came to be there with their latest requests, or last got on. */
void front_client_set_state(struct front_client *client, enum client_state state);

/* It is CLOSED: in no list, nothing will be called. */
void front_client_close(struct front_client *client);

/* A request has come. */
static inline void front_client_note_request(struct front_client *client)
{
    client->request_began = client->has_asked = true;
}

/* Bytes of content have come. */
static inline void front_client_note_content(struct front_client *client, size_t length)
{
    if (client->state == CLIENT_BODY)
        client->window_bytes += length;
}

/* Bytes were given to be sent, while others are on their way. */
static inline void front_client_note_given(struct front_client *client, uint64_t length)
{
    if (client->state == CLIENT_SEND)
        client->window_bytes += length;
}

const char *front_client_state_name(enum client_state state);

#endif
