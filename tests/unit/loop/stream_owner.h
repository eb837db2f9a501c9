/* A stream with an owner that writes down what it is told, and the other end of its socket. */
#ifndef TESTS_UNIT_LOOP_STREAM_OWNER_H
#define TESTS_UNIT_LOOP_STREAM_OWNER_H

#include "chosen_backend.h"

#include "base/error.h"
#include "loop/loop.h"
#include "loop/stream.h"
#include "loop/wheel.h"
#include "sys/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* A callback that has not come by then will not come. */
#define OWNER_PATIENCE_MS 20000

enum owner_event {
    OWNER_READ = 1,
    OWNER_END = 2,
    OWNER_SENT = 4,
    OWNER_ERROR = 8,
    OWNER_CLOSED = 16,
    OWNER_NEVER = 0,
};

struct owner {
    struct stream stream;
    struct loop *loop;
    struct timer patience;
    struct task turn;
    int peer; /* the other end: blocking */
    unsigned reads, ends, sents, errors, closeds;
    int error;
    size_t received;
    bool pattern_broken; /* a byte that did not follow owner_pattern */
    bool gave_up;
    unsigned stop_on;  /* enum owner_event: stops the loop */
    unsigned close_on; /* closes the stream */
    unsigned pause_on;
    size_t stop_at; /* stops the loop when so many bytes are here */
    bool refuse_files;
    bool started;
};

static inline char owner_pattern(size_t position)
{
    return (char)(position * 2654435761u >> 13);
}

static inline void owner_fill(char *out, size_t from, size_t length)
{
    for (size_t i = 0; i < length; i++)
        out[i] = owner_pattern(from + i);
}

static inline void owner_after(struct owner *owner, enum owner_event event)
{
    if (owner->pause_on & event)
        stream_read_pause(&owner->stream);
    if (owner->close_on & event)
        stream_close(&owner->stream);
    if (owner->stop_on & event || (owner->stop_at && owner->received >= owner->stop_at))
        loop_stop(owner->loop);
}

static inline void owner_on_read(struct stream *stream, struct slice bytes)
{
    struct owner *owner = CONTAINER_OF(stream, struct owner, stream);
    assert_true(bytes.length > 0 && bytes.length <= LOOP_READ_BYTES);
    assert_int_equal(owner->ends + owner->errors + owner->closeds, 0);
    for (size_t i = 0; i < bytes.length; i++)
        owner->pattern_broken |= bytes.data[i] != owner_pattern(owner->received + i);
    owner->received += bytes.length;
    owner->reads++;
    owner_after(owner, OWNER_READ);
}

static inline bool owner_may_send_file(struct stream *stream, const struct segment *segment)
{
    struct owner *owner = CONTAINER_OF(stream, struct owner, stream);
    assert_null(segment->data);
    return !owner->refuse_files;
}

static inline void owner_on_end(struct stream *stream)
{
    struct owner *owner = CONTAINER_OF(stream, struct owner, stream);
    assert_int_equal(owner->ends + owner->errors + owner->closeds, 0);
    owner->ends++;
    owner_after(owner, OWNER_END);
}

static inline void owner_on_sent(struct stream *stream)
{
    struct owner *owner = CONTAINER_OF(stream, struct owner, stream);
    assert_int_equal(owner->errors + owner->closeds, 0);
    assert_false(stream_is_sending(stream));
    owner->sents++;
    owner_after(owner, OWNER_SENT);
}

static inline void owner_on_error(struct stream *stream, int error)
{
    struct owner *owner = CONTAINER_OF(stream, struct owner, stream);
    assert_int_equal(owner->errors + owner->closeds, 0);
    assert_true(error < 0);
    owner->error = error;
    owner->errors++;
    stream_close(stream); /* as the contract wants it */
    owner_after(owner, OWNER_ERROR);
}

static inline void owner_on_closed(struct stream *stream)
{
    struct owner *owner = CONTAINER_OF(stream, struct owner, stream);
    assert_int_equal(owner->closeds, 0);
    owner->closeds++;
    memset(stream, 0xee, sizeof(*stream)); /* nobody may look at it any more */
    if (owner->stop_on & OWNER_CLOSED)
        loop_stop(owner->loop);
}

static inline size_t owner_describe(const struct stream *stream, char *out, size_t size)
{
    (void)stream, (void)out, (void)size;
    return 0;
}

static const struct stream_events owner_events = {
    .on_read = owner_on_read,
    .may_send_file = owner_may_send_file,
    .on_end = owner_on_end,
    .on_sent = owner_on_sent,
    .on_error = owner_on_error,
    .on_closed = owner_on_closed,
    .describe = owner_describe,
};

static inline void owner_lose_patience(struct timer *timer)
{
    struct owner *owner = CONTAINER_OF(timer, struct owner, patience);
    owner->gave_up = true;
    loop_stop(owner->loop);
}

/* Two ends of a TCP connection over the loopback interface. */
static inline void connect_tcp(int ret_fds[2])
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof(address);
    int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listening, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(listening, 1), 0);
    assert_int_equal(getsockname(listening, (struct sockaddr *)&address, &length), 0);
    ret_fds[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(ret_fds[1], (struct sockaddr *)&address, length), 0);
    struct address peer;
    do
        ret_fds[0] = sys_accept(listening, &peer);
    while (ret_fds[0] == -EAGAIN);
    assert_true(ret_fds[0] >= 0);
    close(listening);
}

static inline void connect_unix(int ret_fds[2])
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ret_fds), 0);
    assert_int_equal(fcntl(ret_fds[0], F_SETFL, O_NONBLOCK), 0);
}

/* Not started yet: what a client sends before it is accepted can be written to `peer` first. */
static inline void owner_init(struct owner *owner, struct loop *loop, void (*connect_ends)(int ret_fds[2]))
{
    int fds[2];
    connect_ends(fds);
    *owner = (struct owner){.loop = loop, .peer = fds[1]};
    timer_init(&owner->patience, owner_lose_patience);
    stream_init(&owner->stream, loop, fds[0], &owner_events);
}

static inline void owner_start(struct owner *owner)
{
    assert_int_equal(stream_start(&owner->stream), 0);
    owner->started = true;
}

static inline void owner_write(struct owner *owner, size_t from, size_t length)
{
    char *bytes = malloc(length);
    owner_fill(bytes, from, length);
    for (size_t written = 0; written < length;) {
        ssize_t count = write(owner->peer, bytes + written, length - written);
        assert_true(count > 0);
        written += (size_t)count;
    }
    free(bytes);
}

/* Turns until `event`; OWNER_NEVER: for a moment, in which nothing may stop the loop. */
static inline void owner_run(struct owner *owner, enum owner_event event)
{
    if (event == OWNER_CLOSED && owner->closeds > 0)
        return;
    owner->stop_on = event;
    wheel_arm(loop_wheel(owner->loop), &owner->patience, event == OWNER_NEVER ? 30 : OWNER_PATIENCE_MS);
    assert_int_equal(loop_run(owner->loop), 0);
    timer_disarm(&owner->patience);
    assert_int_equal(owner->gave_up, event == OWNER_NEVER && owner->stop_at == 0);
    owner->gave_up = false;
}

/* Turns until `total` bytes were read. */
static inline void owner_run_to(struct owner *owner, size_t total)
{
    owner->stop_at = total;
    if (owner->received < total)
        owner_run(owner, OWNER_NEVER + OWNER_ERROR);
    owner->stop_at = 0;
    assert_int_equal(owner->received, total);
    assert_false(owner->pattern_broken);
}

/* Closes both ends, if they are open, and waits for on_closed. */
static inline void owner_finish(struct owner *owner)
{
    if (owner->closeds == 0) {
        stream_close(&owner->stream);
        stream_close(&owner->stream); /* changes nothing */
        owner_run(owner, OWNER_CLOSED);
    }
    assert_int_equal(owner->closeds, 1);
    if (owner->peer >= 0)
        close(owner->peer);
}

static inline void owner_end_turn(struct task *task)
{
    loop_stop(CONTAINER_OF(task, struct owner, turn)->loop);
}

/* One turn, without waiting: afterwards the peer has what was sent, whatever the backend. */
static inline void owner_turn(struct owner *owner)
{
    task_init(&owner->turn, owner_end_turn);
    task_defer(owner->loop, &owner->turn);
    assert_int_equal(loop_run(owner->loop), 0);
}

static inline struct loop *make_loop(void)
{
    struct loop *loop = NULL;
    sys_ignore_broken_pipes();
    assert_int_equal(loop_create(&(struct loop_options){.backend = chosen_backend()}, &loop), 0);
    return loop;
}

#endif
