/* The channel between the master and a worker: messages of one size, those to the worker also with
 * descriptors. The master asks for one change at a time; the worker answers each, when it is in force or
 * cannot be. Neither side ever waits for the other. */
#ifndef PROC_CHANNEL_H
#define PROC_CHANNEL_H

#include "serve/offences.h"
#include "settings/settings.h"
#include "sys/message.h"
#include "sys/socket.h"

enum channel_kind {
    CHANNEL_SOCKETS,  /* to the worker: sockets of a listener that belong to the next change */
    CHANNEL_CHANGE,   /* to the worker: take this generation; with the descriptor of its memory */
    CHANNEL_VERDICT,  /* from the worker: the answer to a change */
    CHANNEL_LOOK,     /* from the worker: look at its slot */
    CHANNEL_OFFENCES, /* from the worker: for the shield */
};

#define CHANNEL_TEXT_MAX 400

/* Sockets of one listener, for workers `first` and following; as many as there are descriptors. */
struct channel_sockets {
    unsigned listener; /* its number in the settings of the next change */
    unsigned first;
    struct address bound;
};

struct channel_change {
    unsigned generation;
    int room;
    unsigned worker_count; /* of slots and sockets */
};

struct channel_verdict {
    unsigned generation;
    int error; /* 0: the generation is in force */
    unsigned duration_ms;
    char text[CHANNEL_TEXT_MAX]; /* why not, for people */
};

struct channel_offences {
    unsigned count;
    struct offence list[OFFENCES_MAX];
};

struct channel_message {
    enum channel_kind kind;
    union {
        struct channel_sockets sockets;
        struct channel_change change;
        struct channel_verdict verdict;
        struct channel_offences offences;
    };
};

/* To the worker, by the socket of the master; `fds` stay the caller's. Returns 0 or -errno; -EAGAIN: the
 * worker does not read. */
int channel_send(int fd, const struct channel_message *message, const int *fds, size_t fd_count) MUST_CHECK;

/* To the master, by the pipe of the worker. Returns 0 or -errno; -EAGAIN: the master has enough to read. */
int channel_answer(int fd, const struct channel_message *message) MUST_CHECK;

/* The master receives an answer. Returns 0; -EAGAIN: there is none; ERROR_CLOSED: the worker is gone; or
 * -EPROTO: it is not what a worker sends. */
int channel_hear(int fd, struct channel_message *ret_message) MUST_CHECK;

/* What a worker has received; the caller owns the descriptors. */
struct channel_received {
    struct channel_message message;
    int fds[SYS_MESSAGE_FDS_MAX];
    size_t fd_count;
};

/* The worker receives the next message. Returns 0; -EAGAIN: there is none; ERROR_CLOSED: the master is gone;
 * or another error, after which the channel is of no use. */
int channel_receive(int fd, struct channel_received *ret_received) MUST_CHECK;

/* Closes the descriptors of a message. */
void channel_drop(struct channel_received *received);

#endif
