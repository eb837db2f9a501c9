/* A stream: a connected socket with completion semantics.
 *
 * The owner starts reading or sends segments, and is called back when that is done. Received bytes are
 * borrowed: they lie in the loop's buffer and are invalid once on_read returns. What cannot be sent at
 * once is remembered (the segments, not their bytes) and continues when the socket is writable.
 *
 * Life: stream_init → stream_start → on_read*, on_end? → stream_close → on_closed; only then may the
 * memory be freed. */
#ifndef LOOP_STREAM_H
#define LOOP_STREAM_H

#include "loop/loop.h"
#include "loop/watch.h"

#include <sys/types.h>

struct stream;

/* A part of the data to send: memory, or a range of a file. */
struct segment {
    const char *data; /* NULL: a file range */
    size_t length;
    off_t offset;   /* for a file range */
    int fd;         /* for a file range; stays the sender's */
    bool is_copied; /* for a file range: read and sent instead of shared with the page cache by sendfile(2),
                       so that no write to the file can reach bytes already in the socket */
};

static inline struct segment segment_memory(struct slice bytes)
{
    return (struct segment){.data = bytes.data, .length = bytes.length, .fd = -1};
}

static inline struct segment segment_file(int fd, off_t offset, size_t length)
{
    return (struct segment){.length = length, .offset = offset, .fd = fd};
}

/* Removes the first `sent` bytes of the segments from index `next` on; returns the index of the first
 * segment that is not completely sent. */
size_t segments_advance(struct segment *segments, size_t next, size_t sent);

/* Copies the non-empty segments and returns their number. */
size_t segments_copy_filled(struct segment *to, const struct segment *from, size_t count);

/* Callbacks of the owner. Every member must be set. */
struct stream_events {
    /* Bytes arrived; they are valid until this returns. Never empty. */
    void (*on_read)(struct stream *stream, struct slice bytes);
    /* A part of a file range is about to be sent, perhaps long after stream_send; if the range is copied,
     * the part has just been read. Return false to break the stream with ERROR_CHANGED: this way a file
     * that changes meanwhile is never sent half old, half new. */
    bool (*may_send_file)(struct stream *stream, const struct segment *segment);
    /* The peer will send no more (FIN). Sending may continue. */
    void (*on_end)(struct stream *stream);
    /* The kernel has taken all segments of the pending send; their memory may be reused. Also called after
     * stream_send_later. */
    void (*on_sent)(struct stream *stream);
    /* The stream is broken: -errno, or ERROR_CHANGED if a file range ended early or may_send_file returned
     * false. Close it.
     *
     * A reset by the peer is reported even while reading is paused, so that work for a client that left
     * can stop. Only select(2) cannot detect it behind unread bytes or a FIN: see stream_peer_has_left. */
    void (*on_error)(struct stream *stream, int error);
    /* Called after stream_close, at the end of the turn: the stream's memory may be freed. */
    void (*on_closed)(struct stream *stream);
    /* Writes what the stream is doing, in a few words, for a stall report; returns the length, at most
     * `size`. Called right after a callback of this stream. */
    size_t (*describe)(const struct stream *stream, char *out, size_t size);
};

enum stream_flag {
    STREAM_REGISTERED = 1, /* the backend watches the socket */
    STREAM_READING = 2,    /* the owner wants bytes */
    STREAM_READABLE = 4,   /* the socket may hold unread bytes */
    STREAM_PEER_ENDED = 8, /* the kernel reported the FIN; reading continues to the end */
    STREAM_END_TOLD = 16,  /* on_end has been called */
    STREAM_CLOSED = 32,    /* stream_close was called */
    STREAM_WRITABLE = 64,  /* sending was paused by the per-turn budget, not by EAGAIN */
    STREAM_HUNG_UP = 128,  /* the kernel reported that the connection is over in both directions */
};

struct sending;

struct stream {
    struct watch watch;
    uint8_t flags;      /* enum stream_flag */
    uint16_t in_flight; /* operations submitted to the kernel (io_uring only, see loop/uring.h) */
    int16_t error;      /* why a send failed: -errno or ERROR_CHANGED; 0: none failed */
    uint16_t read_max;  /* see stream_limit_reads */
    struct loop *loop;
    const struct stream_events *events;
    struct sending *sending; /* the unsent rest of a pending or failed send; NULL: none */
    struct list again;       /* link in one of the loop's lists: streams to continue, or closed ones */
};

/* The most bytes that one system call copies into a socket: 45 full packets over Ethernet (an MTU of 1,500,
 * and timestamps). The kernel handles them as one of at most 64 KiB, and so does the loopback device, whose
 * packets have 65,483. 64 KiB would make a large packet and a small one, and the small one costs nearly as
 * much: docs/architecture.md has figures. Output that is gathered for one send should not be longer. */
#define STREAM_CALL_BYTES_MAX ((size_t)45 * 1448)

/* The most segments that one stream_send accepts. */
#define STREAM_SEGMENTS_MAX 64

enum send_result {
    SEND_DONE,    /* the kernel has every byte; the segments' memory may be reused */
    SEND_PENDING, /* on_sent or on_error will be called; memory and files must stay valid until then or until
                     stream_close */
    SEND_FAILED,  /* broken, see stream_error: close it; on_error is not called */
};

/* Takes over `fd`, a connected non-blocking stream socket; stream_close closes it. */
void stream_init(struct stream *stream, struct loop *loop, int fd, const struct stream_events *events);

/* Begins to read. Tries at once, because a client that just connected has usually sent its request
 * already; waits for readiness only if there is nothing. May call back before it returns. Returns 0, or
 * -errno if the backend cannot wait for the socket: close the stream then, unless a callback already did. */
int stream_start(struct stream *stream) MUST_CHECK;

/* Limits the size of each read to `bytes_max` from now on; 0: the size of the loop's buffer. For an owner
 * that may have to keep bytes it cannot use yet: the rest stays in the kernel, which slows the peer down.
 * No effect with io_uring, where the kernel reads by itself. */
static inline void stream_limit_reads(struct stream *stream, uint16_t bytes_max)
{
    stream->read_max = bytes_max;
}

/* Stops on_read and on_end until stream_read_resume: the kernel's buffer fills up and the peer must wait.
 * A reset is still reported by on_error. */
void stream_read_pause(struct stream *stream);

/* Resumes reading, but does not read inside this call. */
void stream_read_resume(struct stream *stream);

/* Sends the segments in order, with as few system calls as possible; empty ones are allowed. No other send
 * may be pending. The array `segments` is only read during the call. At most 1 MiB is sent per turn, even
 * if the peer could receive more: SEND_PENDING does not mean that the socket is full. */
enum send_result stream_send(struct stream *stream, const struct segment *segments,
                             size_t segment_count) MUST_CHECK;

/* Calls on_sent in the next turn although no send is pending: for an owner that has more to send, but has
 * sent its share of this turn. */
void stream_send_later(struct stream *stream);

static inline bool stream_is_sending(const struct stream *stream)
{
    return stream->sending != NULL;
}

/* Sends FIN after everything sent so far. No send may be pending. */
void stream_shutdown(struct stream *stream);

/* Whether the connection is over in both directions, as after a reset, so that nobody receives what is
 * sent now. A system call. A peer that closed only its sending side may still wait for a response and has
 * not left. */
bool stream_peer_has_left(const struct stream *stream);

/* The error of the last failed send: -errno, or ERROR_CHANGED; 0 if none failed. */
static inline int stream_error(const struct stream *stream)
{
    return stream->error;
}

/* Bytes passed to stream_send that the kernel may not have taken yet; after a failed send, those that it
 * never took. */
size_t stream_unsent(const struct stream *stream);

/* Breaks a pending or failed send off: the rest is not sent, and its memory may be reused. The send has
 * failed with `error`, unless it had failed before; on_error is not called. */
void stream_break_send(struct stream *stream, int error);

/* After a failed send: forgets it and its bytes. Nothing more can be sent, but what the peer sent before can
 * be read; an error that is reported now is one of reading. */
void stream_drop_send(struct stream *stream);

/* Bytes sent but not yet acknowledged by the peer; 0 if unknown. */
size_t stream_unacknowledged(const struct stream *stream);

/* Makes stream_close send RST, even if everything was read, so that the peer cannot mistake the end of the
 * connection for the end of the data. */
void stream_reset_on_close(struct stream *stream);

/* Milliseconds since the socket last sent data to the peer. While bytes are pending, the peer has had no
 * room for more since then. 0 if unknown. */
uint64_t stream_send_idle_ms(const struct stream *stream);

/* Closes the socket and drops a pending send; on_closed follows at the end of this turn. If the socket
 * holds unread bytes, the kernel sends RST: linger first if the peer must receive the last response.
 * Calling it again has no effect. */
void stream_close(struct stream *stream);

#endif
