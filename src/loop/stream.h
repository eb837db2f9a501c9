/* A stream: a connected socket with completion semantics.
 *
 * The owner says "read into my callback" and "send these segments", and is told when it is done. Received
 * bytes are lent: they stand in the loop's own buffer and are gone when on_read returns. What cannot be sent
 * at once is remembered (the segments, not their bytes) and goes on when the socket takes more.
 *
 * Life: stream_init → stream_start → on_read*, on_end? → stream_close → on_closed; only then is the memory
 * free. */
#ifndef LOOP_STREAM_H
#define LOOP_STREAM_H

#include "loop/loop.h"
#include "loop/watch.h"

#include <sys/types.h>

struct stream;

/* A piece of what is to be sent: memory, or a range of a file. */
struct segment {
    const char *data; /* NULL: a file range */
    size_t length;
    off_t offset;   /* of a file range */
    int fd;         /* of a file range; stays the sender's */
    bool is_copied; /* a file range: read and sent rather than shared with the page cache by sendfile(2), so
                     * that no write to the file can reach bytes that are on their way */
};

static inline struct segment segment_memory(struct slice bytes)
{
    return (struct segment){.data = bytes.data, .length = bytes.length, .fd = -1};
}

static inline struct segment segment_file(int fd, off_t offset, size_t length)
{
    return (struct segment){.length = length, .offset = offset, .fd = fd};
}

/* `sent` bytes of the segments from `next` on are out: takes them off, and returns the first of which some
 * are left. */
size_t segments_advance(struct segment *segments, size_t next, size_t sent);

/* Copies the segments that are not empty, and returns how many these are. */
size_t segments_copy_filled(struct segment *to, const struct segment *from, size_t count);

/* What the owner is told. Every member must be set. */
struct stream_events {
    /* Bytes arrived; they are gone when this returns. Never empty. */
    void (*on_read)(struct stream *stream, struct slice bytes);
    /* A part of a file range is about to be sent, perhaps long after stream_send; where the range is copied
     * the part was read just now. False breaks the stream with ERROR_CHANGED, which is how a file that
     * changed meanwhile is never sent half old, half new. */
    bool (*may_send_file)(struct stream *stream, const struct segment *segment);
    /* The peer will send no more (FIN). Sending may go on. */
    void (*on_end)(struct stream *stream);
    /* All segments of the send that was pending are in the kernel's hands; their memory is the sender's
     * again. Or stream_send_later asked for it. */
    void (*on_sent)(struct stream *stream);
    /* The stream is broken: -errno, or ERROR_CHANGED when a file range ended before its length. Close it.
     * A peer that resets the connection is told of while reading is paused, too: nobody is there to be
     * answered. Only select(2) cannot say it behind bytes that came in the pause, or a FIN: see
     * stream_peer_has_left. */
    void (*on_error)(struct stream *stream, int error);
    /* After stream_close, at the end of the turn: the stream's memory is the owner's again. */
    void (*on_closed)(struct stream *stream);
    /* What the stream is doing, for a stall report, in a few words; returns the length, at most `size`.
     * Called right after a callback of this stream. */
    size_t (*describe)(const struct stream *stream, char *out, size_t size);
};

enum stream_flag {
    STREAM_REGISTERED = 1, /* the backend watches the socket */
    STREAM_READING = 2,    /* the owner wants bytes */
    STREAM_READABLE = 4,   /* the socket may hold bytes that nobody has asked for yet */
    STREAM_PEER_ENDED = 8, /* the kernel says that the FIN is in; reads go on to the end */
    STREAM_END_TOLD = 16,  /* on_end was called */
    STREAM_CLOSED = 32,    /* stream_close was called */
    STREAM_WRITABLE = 64,  /* sending was paused by the budget of the turn, not by EAGAIN */
    STREAM_HUNG_UP = 128,  /* the kernel says that the connection is over, in both directions */
};

struct sending;

struct stream {
    struct watch watch;
    uint8_t flags;      /* enum stream_flag */
    uint16_t in_flight; /* what the kernel has been given to do, where it is given such */
    int16_t error;      /* what a send failed with: -errno or ERROR_CHANGED; 0: none did */
    uint16_t read_max;  /* see stream_limit_reads */
    struct loop *loop;
    const struct stream_events *events;
    struct sending *sending; /* what a pending send still has to send, or a failed one had; NULL: nothing */
    struct list again;       /* in the loop's list of streams to go on with, or of closed ones */
};

/* Segments that one stream_send takes at most. */
#define STREAM_SEGMENTS_MAX 64

enum send_result {
    SEND_DONE,    /* the kernel has every byte; the segments' memory is free */
    SEND_PENDING, /* on_sent or on_error will be called; memory and files must stay until then or until
                     stream_close */
    SEND_FAILED,  /* broken, stream_error says why: close it; on_error is not called */
};

/* Takes over `fd`, a connected non-blocking stream socket; it is closed by stream_close. */
void stream_init(struct stream *stream, struct loop *loop, int fd, const struct stream_events *events);

/* Begins to read: tries at once, because a client that just connected has mostly sent its request, and
 * has the backend wait only if it must. May call back before it returns. Returns 0, or
 * -errno where the socket cannot be waited on: close the stream, unless a callback did. */
int stream_start(struct stream *stream) MUST_CHECK;

/* Asks for at most so many bytes at once from now on, 0: as many as the loop's buffer holds. For an owner
 * that may have to keep what it cannot use yet: the rest waits in the kernel, and holds the peer up. Where
 * the kernel reads by itself (io_uring) it has no effect. */
static inline void stream_limit_reads(struct stream *stream, uint16_t bytes_max)
{
    stream->read_max = bytes_max;
}

/* Stops on_read and on_end until stream_read_resume: the kernel's buffer fills and the peer must wait. A
 * reset still reaches on_error. */
void stream_read_pause(struct stream *stream);

/* Goes on reading, but not inside this call. */
void stream_read_resume(struct stream *stream);

/* Sends the segments in order, as few system calls as they allow; empty ones may be among them. No other send
 * may be pending. `segments` itself is read only during the call. A peer that takes faster than we send gets
 * 1 MiB a turn: SEND_PENDING does not mean that the socket is full. */
enum send_result stream_send(struct stream *stream, const struct segment *segments,
                             size_t segment_count) MUST_CHECK;

/* Calls on_sent in the next turn though no send is pending: for an owner that has more to send, and has sent
 * its share of this turn. */
void stream_send_later(struct stream *stream);

static inline bool stream_is_sending(const struct stream *stream)
{
    return stream->sending != NULL;
}

/* Sends FIN behind what was sent. No send may be pending. */
void stream_shutdown(struct stream *stream);

/* The connection is over in both directions, as after a reset: whatever is sent now, nobody receives it. A
 * system call. A peer that closed only its sending side may still be waiting for an answer, and has not left.
 */
bool stream_peer_has_left(const struct stream *stream);

/* What made the last send fail: -errno, or ERROR_CHANGED; 0 where none did. */
static inline int stream_error(const struct stream *stream)
{
    return stream->error;
}

/* Bytes that were sent, pending or not, and that the kernel may not have taken yet; of a send that failed,
 * those that it never took. */
size_t stream_unsent(const struct stream *stream);

/* Bytes sent but not yet acknowledged by the peer; 0 where the socket cannot say. */
size_t stream_unacknowledged(const struct stream *stream);

/* Lets stream_close send RST, whatever was read: the peer shall not take the end for that of what it was
 * sent.
 */
void stream_reset_on_close(struct stream *stream);

/* Milliseconds since bytes last left for the peer. While some are pending, it has had no room for more since
 * then. 0 where the socket cannot say. */
uint64_t stream_send_idle_ms(const struct stream *stream);

/* Closes the socket and forgets a pending send; on_closed follows at the end of this turn. With bytes unread
 * in the socket the kernel sends RST: linger first where the peer must see the last answer. Calling it again
 * changes nothing. */
void stream_close(struct stream *stream);

#endif
