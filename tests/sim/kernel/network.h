/* A TCP connection in the simulated network: two channels of bytes, one each way, and what stands at their
 * ends. */
#ifndef TESTS_SIM_KERNEL_NETWORK_H
#define TESTS_SIM_KERNEL_NETWORK_H

#include "internal.h"

#include <sys/uio.h>

#define FLIGHTS_MAX 32

enum flight_kind { FLIGHT_DATA, FLIGHT_FIN, FLIGHT_RESET };

/* A segment under way. */
struct flight {
    enum flight_kind kind;
    uint64_t end; /* position behind its last byte */
    uint64_t at_us;
};

/* Bytes from a sender to a receiver. Positions count from the connection's beginning:
 *
 *   taken <= arrived <= sent <= written      acked <= arrived
 *
 * `bytes` is a ring that holds what lies between taken and written. */
struct channel {
    struct connection_pair *pair;
    char *bytes;
    size_t capacity;
    uint64_t taken;       /* by the receiver's program */
    uint64_t arrived;     /* in the receiver's kernel */
    uint64_t sent;        /* on the wire */
    uint64_t written;     /* by the sender's program */
    uint64_t acked;       /* known by the sender to have arrived */
    uint64_t window_edge; /* the receiver is known to have room up to here */
    size_t send_max;      /* written - acked */
    size_t receive_max;   /* arrived - taken */
    bool is_open;         /* the handshake is done: bytes may leave */
    bool is_cut;          /* nothing leaves any more: an RST was sent or has come */
    bool fin_written;
    bool fin_sent;
    bool fin_arrived;
    bool reset_arrived;
    struct flight flights[FLIGHTS_MAX];
    unsigned flight_first;
    unsigned flight_count;
    uint64_t last_arrival_us;
    uint64_t sent_us; /* when bytes last left */
    struct sim_event arrival;
    struct sim_event ack;
};

struct sim_socket {
    const struct sim_socket_events *events;
    void *context;
    uint32_t address;
    uint16_t port; /* its own */
    bool is_connected;
    bool is_refused;
    bool is_finished;
    bool is_closed;
    bool wants_to_write;
};

/* What the server's descriptor leads to. */
struct server_end {
    struct open_file file;
    struct list queued; /* in the listener's queue */
    int error;          /* pending, told by the next call */
    bool is_connecting; /* by connect(2) */
    bool is_known;      /* it is queued, or was; or the server opens it */
    bool is_accepted;
    bool is_closed;
    bool is_dead;     /* by RST, from either side */
    bool is_shut;     /* shutdown(SHUT_WR) */
    bool resets;      /* SO_LINGER with a time of 0: close(2) sends RST */
    bool lacks_space; /* the sender asked for room in vain: it is told when there is */
    uint64_t handed;  /* bytes that the server gave to send */
    bool is_turned_away;
    bool has_left;    /* the client's RST came; then, as they were when it did: */
    bool is_obscured; /* something else was to be read before it, or a FIN */
    uint64_t left_at_call;
    uint64_t left_in_turn;
    uint64_t left_after_faults; /* of poll(2) */
    uint64_t accepted_after_faults;
};

enum network_temper { SEGMENTS_LARGE, SEGMENTS_USUAL, SEGMENTS_SMALL, SEGMENTS_MIXED, SEGMENTS_COUNT };

struct connection_pair {
    struct list link; /* in the network's list of all */
    unsigned number;
    uint16_t port;    /* of who listens */
    bool is_outgoing; /* the server opened it: `client` is the end of somebody who listens */
    struct sim_chance chance;
    enum network_temper temper;
    uint64_t latency_us;
    uint64_t jitter_us;
    uint64_t lost_one_in; /* segments, that come late therefore; 0: none */
    bool drops_on_reset;  /* what the client has not taken is lost with an RST */
    unsigned attempts;    /* at the handshake */
    uint64_t moved_us;    /* when the server's end was last active */
    uint64_t arrived_us;  /* when bytes last came up */
    uint64_t ended_us;    /* when the server's end said FIN or closed; UINT64_MAX: not yet */
    struct sim_event handshake;
    struct sim_socket client;
    struct server_end server;
    struct channel up;   /* from the client to the server */
    struct channel down; /* from the server to the client */
};

struct connection_pair *network_new_pair(void);

static inline struct connection_pair *pair_of(const struct sim_socket *socket)
{
    return CONTAINER_OF(socket, struct connection_pair, client);
}

/* ---- network.c: channels ---- */

void channel_init(struct channel *channel, struct connection_pair *pair, size_t send_max, size_t receive_max);
void channel_finish(struct channel *channel);

/* Room for further bytes of the sender. */
size_t channel_room(const struct channel *channel);

/* Takes at most channel_room bytes; returns how many. */
size_t channel_write(struct channel *channel, const char *bytes, size_t length);

/* Bytes for the receiver. */
size_t channel_available(const struct channel *channel);
size_t channel_take(struct channel *channel, char *out, size_t size);

/* The sender says FIN behind what it wrote. */
void channel_end(struct channel *channel);

/* The sender says RST behind what has left; what has not left is lost. */
void channel_reset(struct channel *channel);

/* What is written and may leave, leaves. */
void channel_go_on(struct channel *channel);

/* The network forgets about the channel: nothing leaves and nothing that is under way arrives. */
void channel_cut(struct channel *channel);

/* ---- sockets.c: the server's end ---- */

/* The server's end of the connection that `fd` is. */
const struct server_end *server_end_of(int fd);

extern const struct file_class socket_class;
extern const struct file_class listener_class;

/* Something came up; the channel's state says what. */
void server_has_arrival(struct connection_pair *pair, enum flight_kind kind);
/* There may be more room in the channel down. */
void server_has_room(struct connection_pair *pair);
/* Puts it into the queue of whoever listens. */
void server_queue(struct connection_pair *pair);
/* The connection breaks, with `error` for the server and an RST for the client. */
void server_break(struct connection_pair *pair, int error);
/* The server's program has no more to say. */
void server_ended(struct connection_pair *pair);
/* Bytes were moved, or a FIN. */
void server_moved(struct connection_pair *pair);

/* The server's descriptor of a socket that does nothing yet becomes that of the connection. */
void server_begin_connecting(struct connection_pair *pair, int fd);
/* It is connected, or not (errno). */
void server_end_connecting(struct connection_pair *pair, int error);

/* A SYN arrives. */
enum syn_answer { SYN_REFUSED, SYN_IGNORED, SYN_ACCEPTED };
enum syn_answer server_syn(const struct connection_pair *pair, bool *ret_defers);

void listeners_start(void);

/* ---- peers.c: the client's end ---- */

/* A connection to that port, on a way of its own, with buffers of so many bytes (0: the seed says). */
struct connection_pair *peers_new_pair(uint16_t port, size_t send_bytes, size_t receive_bytes);

/* The handshake ends here: nothing is under way any more. */
void peers_give_up(struct connection_pair *pair);

void client_has_arrival(struct connection_pair *pair, enum flight_kind kind);
void client_has_room(struct connection_pair *pair);

/* ---- outgoing.c ---- */

void outgoing_start(void);

/* ---- for file_calls.c ---- */

/* What send(2) would do with these bytes: how many it took, or -errno. */
ssize_t socket_send(int fd, const struct iovec *pieces, size_t count, const char *call);
/* The most that it would take now; 0 or more, or -errno. */
ssize_t socket_may_send(int fd, const char *call);
/* recv(2) and send(2), whichever function of the C library makes the call. */
ssize_t socket_call_recv(int fd, void *buffer, size_t size, int flags);
ssize_t socket_call_send(int fd, const void *bytes, size_t length, int flags);
struct sim_socket *socket_client(int fd);
/* The connection was reset. */
void socket_break(int fd);

#endif
