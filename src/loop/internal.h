/* The loop's insides, shared by the files of this folder only. */
#ifndef LOOP_INTERNAL_H
#define LOOP_INTERNAL_H

#include "loop/backend.h"
#include "loop/loop.h"
#include "loop/wheel.h"

struct offload;

/* Bytes given to the kernel by one system call. More is not better: 100 KiB in one send(2) or sendfile(2)
 * costs a third more CPU time than in two (32 against 22 us, medians of interleaved rounds over loopback), as
 * the peer begins to take the first part while the second is copied, and the pages that it frees are still
 * warm. */
#define LOOP_CALL_BYTES_MAX ((size_t)64 << 10)

struct loop {
    const struct backend *backend;
    struct backend_state *backend_state;
    struct loop_options options;
    uint64_t turn_began_ns;
    uint64_t checked_ns; /* when the last callback ended: see loop_check_stall */
    int64_t wall_seconds;
    bool stopping;
    struct list tasks;       /* struct task, to run at the end of this turn */
    struct list again;       /* struct stream, to go on with in the next turn */
    struct list closed;      /* struct stream, whose owners are told at the end of this turn */
    struct offload *offload; /* NULL before the first job */
    struct wheel wheel;
    char read_buffer[LOOP_READ_BYTES];
    char copy_buffer[LOOP_CALL_BYTES_MAX]; /* a part of a file that is copied */
};

/* loop.c: a callback of `watch`, or other work where that is NULL, just ended: reports it if it took too
 * long.
 */
void loop_check_stall(struct loop *loop, const struct watch *watch);

/* stream.c: goes on with the streams that had more to read or to send than their share of the last turn. */
void streams_go_on(struct loop *loop);

/* stream.c: tells the owners of closed streams. */
void streams_tell_closed(struct loop *loop);

/* offload.c: takes no more jobs, waits for those under way and waiting, calls their `done`. NULL is ignored.
 */
void offload_end(struct offload *offload);

/* offload.c: the same, and frees. NULL is ignored. */
void offload_destroy(struct offload *offload);

#endif
