/* A client: the part of a connection that admission, timeouts, shedding and draining use, independent of the
 * protocol. The struct of every connection begins with one.
 *
 * The states: what each waits for, its timeout (front/timeouts.c), and what happens when the timeout expires:
 *
 *   HANDSHAKE  the rest of the TLS handshake             handshake_ms         closes silently
 *   IDLE       the first byte of a request               idle_ms              closes silently
 *   HEAD       the rest of a request head                head_ms              408
 *   BODY       the rest of a request body                body_ms and rate     408
 *   HANDLE     a job off the loop, more of a source,     no limit             -
 *              or credit of a sink
 *   SEND       the peer to receive what we send          write_ms and rate    closes
 *   LINGER     the peer's FIN, after it has received     linger_ms, after     closes
 *              our last byte                             those of SEND
 *   CLOSED     the end of the turn
 *
 * A client may wait for several things at once, such as a request body while the previous response is being
 * sent. The state is then the one whose timeout applies: SEND before BODY before HANDLE.
 *
 * Progress of a response is counted in bytes that the client has received. The protocol reports it as
 * `bytes_left`: bytes that were handed over for sending and that the client does not have yet, wherever they
 * are buffered. */
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

/* Operations that each protocol implements. */
struct front_client_ops {
    /* Closes at once, whatever is under way. Unfinished exchanges are logged with `why`. Does nothing on a
     * closed client. */
    void (*abort)(struct front_client *client, enum outcome why);
    /* The timeout of HEAD or BODY expired: answers the request that is being read with 408 and closes after
     * that. */
    void (*refuse_late)(struct front_client *client);
    /* Ends an idle client with the protocol's closing message, if it has one, and lingers. */
    void (*shut_down)(struct front_client *client);
    /* The front is draining: an idle client gets a short time to send a request that may be on its way; a
     * busy client is told that its current request is the last. */
    void (*drain)(struct front_client *client);
    /* Whether `owner` is the owner of one of its exchanges. */
    bool (*owns)(const struct front_client *client, const void *owner);
    /* Whether a request is being answered. */
    bool (*is_busy)(const struct front_client *client);
    uint64_t (*bytes_left)(const struct front_client *client);
    /* Milliseconds since bytes were last sent to it; 0 if unknown. */
    uint64_t (*send_idle_ms)(const struct front_client *client);
    /* Prints the whole state in one line, for the log. */
    void (*print)(const struct front_client *client, struct buffer *out);
    /* For tests, between two callbacks: returns a description of the first inconsistency, or NULL. */
    const char *(*validate)(const struct front_client *client);
};

/* Shared by all clients of one protocol in one front. */
struct front_client_kind {
    struct front *front;
    const struct front_client_ops *ops;
};

struct front_client {
    const struct front_client_kind *kind;
    struct list link;   /* in front.by_state[state] */
    struct timer timer; /* armed at or before `deadline_ms`: a later deadline does not touch it */
    uint64_t deadline_ms;
    uint64_t window_began_ms; /* when the state was entered, or its measurement of progress restarted */
    uint64_t window_bytes; /* since then: in BODY, received; else on their way to the peer, see timeouts.c */
    uint32_t moved_ms; /* in BODY: when the last bytes arrived, modulo 2^32; see still_ms. Before the first
                        * request: when the connection was accepted */
    uint8_t state;     /* enum client_state */
    bool request_began : 1; /* since the state was entered: restarts the state's timeout */
    bool has_asked : 1;     /* at least one request has arrived */
    bool is_counted : 1;    /* counted by admission_of */
    struct peer peer;
};

/* `state` is HANDSHAKE or IDLE. Counts the client as an open one of the front. */
void front_client_init(struct front_client *client, const struct front_client_kind *kind,
                       const struct peer *peer, bool is_counted, enum client_state state);

/* Changes the state of an open client, with its list, counters and timer; nothing else does. Each list is
 * ordered by the time at which its members entered the state with their latest request, or last made
 * progress. */
void front_client_set_state(struct front_client *client, enum client_state state);

/* Sets the state to CLOSED: the client is in no list and no operation will be called on it. */
void front_client_close(struct front_client *client);

/* Milliseconds from the acceptance of the connection to the first byte of its first request, with what came
 * before it: the TLS handshake, a header of the PROXY protocol. Only until front_client_note_request. */
uint64_t front_client_accept_ms(const struct front_client *client);

/* A request has arrived. */
static inline void front_client_note_request(struct front_client *client)
{
    client->request_began = client->has_asked = true;
}

/* Bytes of a request body have arrived. */
static inline void front_client_note_content(struct front_client *client, size_t length)
{
    if (client->state == CLIENT_BODY)
        client->window_bytes += length;
}

/* More bytes were handed over for sending while others are still on their way. */
static inline void front_client_note_given(struct front_client *client, uint64_t length)
{
    if (client->state == CLIENT_SEND)
        client->window_bytes += length;
}

const char *front_client_state_name(enum client_state state);

#endif
