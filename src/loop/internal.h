/* The loop's insides, shared by the files of this folder only. */
#ifndef LOOP_INTERNAL_H
#define LOOP_INTERNAL_H

#include "loop/backend.h"
#include "loop/loop.h"
#include "loop/stall.h"
#include "loop/stream.h"
#include "loop/wheel.h"

struct offload;

/* Bytes that one system call copies into a socket. More is not better: 100 KiB in one send(2) cost a third
 * more CPU time than in two (32 against 22 us, medians of interleaved rounds over loopback), as the peer
 * begins to take the first part while the second is copied, and the pages that it frees are still warm. */
#define LOOP_CALL_BYTES_MAX ((size_t)64 << 10)

struct loop {
    const struct backend *backend;
    struct backend_state *backend_state;
    struct loop_options options;
    uint64_t turn_began_ns;
    uint64_t checked_ns;     /* when the last callback ended: see loop_check_stall */
    uint64_t slice_began_ns; /* what loop_has_time counts from */
    struct stall_meter stall_meter;
    int64_t wall_seconds;
    unsigned wall_nanoseconds; /* of that second */
    uint64_t turn;             /* how many there were */
    bool stopping;
    bool may_sendfile;  /* see loop_create */
    struct list tasks;  /* struct task, to run at the end of this turn */
    struct list again;  /* struct stream, to go on with in the next turn */
    struct list due;    /* the same, in this turn, or in a later one where it has no time for them */
    struct list closed; /* struct stream, whose owners are told at the end of this turn */
    unsigned closing;   /* streams that are closed, but not gone yet */
    const struct stream *forgetful; /* it had no memory for the rest of a send, so long; NULL: none */
    size_t forgotten_bytes;
    const char *complaint;   /* why the backend is not the one that was wanted; NULL: it is */
    struct offload *offload; /* NULL before the first job */
    struct wheel wheel;
    char read_buffer[LOOP_READ_BYTES];
    char copy_buffer[LOOP_CALL_BYTES_MAX]; /* a part of a file that is copied */
};

/* loop.c: a callback of `watch`, or other work where that is NULL, just ended: reports it if it took too
 * long.
 */
void loop_check_stall(struct loop *loop, const struct watch *watch);

enum sending_off {
    SENDING_OFF_DONE,  /* for the owner the bytes are sent; should they fail to be, the stream is broken */
    SENDING_OFF_NOT,   /* it is to be sent as usual */
    SENDING_OFF_AFTER, /* the last one is still on its way: the verbs see to it that this one follows it */
};

/* How streams read, wait until they may write, and close. Everything else about them is stream.c's. */
struct stream_verbs {
    struct watch_events watch_events; /* of the stream's own watch */
    /* Begins to read; see stream_start. */
    int (*start)(struct stream *stream);
    /* Reading has stopped, if it had not before. NULL where there is nothing to be done. */
    void (*pause)(struct stream *stream);
    /* Goes on reading, but not inside this call. */
    void (*resume)(struct stream *stream);
    /* Reads in the turn after stream_go_on_later, if there is anything. */
    void (*read_on)(struct stream *stream);
    /* Calls stream_is_writable when the socket takes more. Returns 0 or -errno. */
    int (*wait_writable)(struct stream *stream);
    /* Takes the whole of a small send upon itself, where it can: see enum sending_off. NULL: it never can. */
    enum sending_off (*send_off)(struct stream *stream, const struct segment *segments, size_t count);
    /* Bytes that send_off took and that may still be ours. NULL: none ever are. */
    size_t (*unsent)(const struct stream *stream);
    /* Sends FIN behind all that was sent. */
    void (*shutdown)(struct stream *stream);
    /* Ends the waiting and closes the socket. Calls stream_is_gone, in this call or later, when nobody but
     * the owner knows of the stream any more. */
    void (*close)(struct stream *stream);
};

extern const struct stream_verbs stream_verbs_ready;
extern const struct stream_verbs stream_verbs_uring;

/* loop.c: what was put off is done, so that descriptors that were closed are free. */
void loop_flush(struct loop *loop);

/* stream.c, for the verbs: goes on with the pending send. */
void stream_send_on(struct stream *stream);

/* stream.c, for the verbs: the socket takes more of the pending send. Where the turn has no time left, it
 * waits in line with those that go on: many sockets may become writable in one turn. */
void stream_is_writable(struct stream *stream);

/* stream.c: the stream is broken; tells the owner, unless he closed it. */
void stream_fail(struct stream *stream, int error);

/* stream.c: goes on with the stream in the next turn. */
void stream_go_on_later(struct stream *stream);

/* stream.c: the owner of a closed stream is told at the end of this turn. */
void stream_is_gone(struct stream *stream);

/* stream.c: see watch_events. */
size_t stream_describe(const struct watch *watch, char *out, size_t size);

/* stream.c: goes on with the streams that had more to read or to send than their share of an earlier turn; at
 * least with one, and with the others while there is time. */
void streams_go_on(struct loop *loop);

/* stream.c: tells the owners of closed streams. */
void streams_tell_closed(struct loop *loop);

/* offload.c: takes no more jobs, waits for those under way and waiting, calls their `done`, frees. NULL is
 * ignored. */
void offload_destroy(struct offload *offload);

#endif
