/* Internals of the loop, shared only by the files of this folder. */
#ifndef LOOP_INTERNAL_H
#define LOOP_INTERNAL_H

#include "loop/backend.h"
#include "loop/loop.h"
#include "loop/stall.h"
#include "loop/stream.h"
#include "loop/wheel.h"

struct offload;

struct loop {
    const struct backend *backend;
    struct backend_state *backend_state;
    struct loop_options options;
    uint64_t turn_began_ns;
    uint64_t turn_began_ms;
    uint64_t checked_ns;     /* when the last callback ended, see loop_check_stall */
    uint64_t slice_began_ns; /* start of the time measured by loop_has_time */
    struct stall_meter stall_meter;
    int64_t wall_seconds;
    unsigned wall_nanoseconds; /* within that second */
    uint64_t turn;             /* number of this turn */
    uint64_t read_count;       /* see loop_read_count */
    bool stopping;
    bool may_sendfile;  /* see loop_create */
    struct list tasks;  /* struct task, to run at the end of this turn */
    struct list again;  /* struct stream, to continue in the next turn */
    struct list due;    /* struct stream, to continue in this turn, or in a later one if time runs out */
    struct list closed; /* struct stream, to call on_closed for at the end of this turn */
    unsigned closing;   /* streams that were closed, but whose stream_is_gone is still to come */
    const struct stream *lost_stream; /* it had no memory for the rest of a send; NULL: none */
    size_t lost_bytes;
    const char *fallback_reason; /* why the backend is not the requested one; NULL: it is */
    struct offload *offload;     /* NULL before the first job */
    struct wheel wheel;
    char read_buffer[LOOP_READ_BYTES];
    char copy_buffer[STREAM_CALL_BYTES_MAX]; /* for copying a part of a file */
};

/* loop.c: called after a callback of `watch` (or after other work, if NULL): reports it if it took longer
 * than LOOP_STALL_US. */
void loop_check_stall(struct loop *loop, const struct watch *watch);

enum stage_result {
    STAGE_DONE, /* staged: the owner treats it as sent; if it fails later, the stream fails */
    STAGE_NOT,  /* not staged: send it as usual */
    STAGE_BUSY, /* a staged send is in flight: queue this one behind it */
};

/* The backend-specific part of streams: reading, waiting until writable, and closing. The rest is in
 * stream.c. */
struct stream_verbs {
    struct watch_events watch_events; /* of the stream's watch */
    /* Begins to read; see stream_start. */
    int (*start)(struct stream *stream);
    /* Called when reading is paused. NULL if there is nothing to do. */
    void (*pause)(struct stream *stream);
    /* Resumes reading, but does not read inside this call. */
    void (*resume)(struct stream *stream);
    /* Continues reading in the turn after stream_go_on_later, if there are bytes. */
    void (*read_on)(struct stream *stream);
    /* Waits until the socket is writable, then calls stream_is_writable. Returns 0 or -errno. */
    int (*wait_writable)(struct stream *stream);
    /* Tries to stage a small send as a whole: see enum stage_result. NULL: the backend never stages. */
    enum stage_result (*try_stage)(struct stream *stream, const struct segment *segments, size_t count);
    /* The number of staged bytes that the kernel may not have taken yet. NULL: never any. */
    size_t (*unsent)(const struct stream *stream);
    /* Sends FIN after everything sent so far. */
    void (*shutdown)(struct stream *stream);
    /* Stops waiting and closes the socket. Calls stream_is_gone, in this call or later, as soon as only
     * the owner still refers to the stream. */
    void (*close)(struct stream *stream);
};

extern const struct stream_verbs stream_verbs_ready;
extern const struct stream_verbs stream_verbs_uring;

/* loop.c: submits deferred operations, so that descriptors of closed streams are free. */
void loop_flush(struct loop *loop);

/* For the backends: bytes were received. */
static inline void stream_tell_read(struct stream *stream, struct slice bytes)
{
    stream->loop->read_count++;
    stream->events->on_read(stream, bytes);
}

/* stream.c, for the backends: continues the pending send. */
void stream_send_on(struct stream *stream);

/* stream.c, for the backends: the socket is writable again, the pending send continues. If the turn has no
 * time left, the stream is queued with those to continue later: many sockets may become writable in one
 * turn. */
void stream_is_writable(struct stream *stream);

/* stream.c: marks the stream as broken and calls on_error, unless the owner has closed it. */
void stream_fail(struct stream *stream, int error);

/* stream.c: continues the stream in the next turn. */
void stream_go_on_later(struct stream *stream);

/* stream.c: schedules on_closed of a closed stream for the end of this turn. */
void stream_is_gone(struct stream *stream);

/* stream.c: see watch_events. */
size_t stream_describe(const struct watch *watch, char *out, size_t size);

/* stream.c: continues the streams that used up their share of an earlier turn: at least one of them, and
 * more while there is time. */
void streams_go_on(struct loop *loop);

/* stream.c: calls on_closed of the streams that are gone. */
void streams_tell_closed(struct loop *loop);

/* offload.c: stops accepting jobs, waits for running and queued ones, calls their `done`, frees the pool.
 * NULL is ignored. */
void offload_destroy(struct offload *offload);

#endif
