/* The io_uring backend: operations are submitted in one queue, their completions arrive in another, and
 * one system call per turn submits and waits.
 *
 * Streams submit operations and get their completions (stream_uring.c). All other watches are one-shot
 * polls, submitted again with the next wait, which makes them level-triggered.
 *
 * If there are more completions than fit into the queue, the kernel keeps them and delivers them in order.
 * If it has no memory for that, it reports EBADR, and the worker ends, because the lost completions are
 * unknown.
 *
 * An operation's user_data identifies the receiver: the stream's address, or the number of a poll; the low
 * bits tell which of the two, and which operation. A poll's watch may be gone when its completion arrives,
 * so polls have entries of their own, which are reused only after that. Streams live until all their
 * completions have arrived.
 *
 * A poll for POLLPRI alone (WATCH_CHANGES) is woken only by wake-ups that name no events: the files of
 * /proc do that, sockets with urgent data do not.
 *
 * Listeners are polled, too, and call accept(2) themselves. A multishot accept costs a connection with a
 * single request three per cent more CPU time (medians 24.4 and 23.2 us of 28 interleaved rounds): it
 * saves no system call, since the peer's address then needs one. It would also take clients from the queue
 * before vif asks for them; if the worker dies, they are lost to its successor.
 *
 * Needs Linux 6.1: with IORING_SETUP_DEFER_TASKRUN the kernel does its part of the work when vif waits,
 * not in between; that kernel has everything else used here. */
#include "loop/uring.h"

#include "sys/clock.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#define SUBMISSIONS 512
#define COMPLETIONS 8192

/* The most completions delivered per turn. */
#define TOLD_MAX 256

/* Each attempt is a system call that needs memory in the kernel. */
#define SUBMIT_ATTEMPTS_MAX 10000

/* How often deadlines are checked while there are any. */
#define DEADLINE_CHECK_MS 1000

/* The low bits of user_data. */
enum {
    TO_NOBODY,
    TO_STREAM_RECEIVE,
    TO_STREAM_WRITABLE,
    TO_STREAM_SEND,
    TO_STREAM_HANG_UP,
    TO_POLL,
    TO_MASK = 7
};
static_assert(_Alignof(struct stream) > TO_MASK, "a stream's address leaves these bits free");

struct poll_entry {
    struct watch *watch; /* NULL: stopped, or the entry is free */
    short events;        /* POLLIN, POLLOUT or POLLPRI */
    bool is_submitted;
};

struct backend_state {
    struct io_uring ring;
    struct uring_buffers buffers;
    struct poll_entry *polls;
    uint32_t poll_count;
    bool has_told_polls;                /* some must be submitted again */
    struct uring_completion completion; /* the one being delivered */
    unsigned seen;                      /* see uring_next_send */
    struct map held;
    struct staged_sends staged_sends;
};

/* ---- the queues ---- */

/* A submission takes all entries, and reports their errors as completions. Only a kernel that lacks memory
 * for a moment leaves some, and is asked again. */
static void uring_submit(struct backend_state *state)
{
    for (unsigned i = 0; i < SUBMIT_ATTEMPTS_MAX && io_uring_sq_ready(&state->ring) > 0; i++)
        io_uring_submit(&state->ring);
    assert(io_uring_sq_ready(&state->ring) == 0);
    uring_send_finish(state);
}

struct io_uring_sqe *uring_entry(struct backend_state *state)
{
    struct io_uring_sqe *entry = io_uring_get_sqe(&state->ring);
    if (entry == NULL) {
        uring_submit(state);
        entry = io_uring_get_sqe(&state->ring);
    }
    entry->user_data = TO_NOBODY;
    return entry;
}

static uint64_t uring_address_of(const struct stream *stream, enum uring_operation operation)
{
    uintptr_t address = (uintptr_t)stream;
    switch (operation) {
    case URING_RECEIVE: return address | TO_STREAM_RECEIVE;
    case URING_WRITABLE: return address | TO_STREAM_WRITABLE;
    case URING_SEND: return address | TO_STREAM_SEND;
    case URING_HANG_UP: return address | TO_STREAM_HANG_UP;
    }
    UNREACHABLE();
}

static struct stream *uring_stream_of(uint64_t user_data)
{
    return (struct stream *)(uintptr_t)(user_data & ~(uint64_t)TO_MASK);
}

void uring_mark(struct io_uring_sqe *entry, struct stream *stream, enum uring_operation operation)
{
    entry->user_data = uring_address_of(stream, operation);
    stream->in_flight |= (uint16_t)operation;
}

static void cancel(struct backend_state *state, uint64_t user_data)
{
    struct io_uring_sqe *entry = uring_entry(state);
    io_uring_prep_cancel64(entry, user_data, 0);
    entry->user_data = TO_NOBODY;
    entry->flags |= IOSQE_CQE_SKIP_SUCCESS;
}

void uring_cancel(struct backend_state *state, struct stream *stream, enum uring_operation operation)
{
    cancel(state, uring_address_of(stream, operation));
}

/* Half of the completion queue has far more room than one submission needs. */
bool uring_has_room(const struct backend_state *state)
{
    return io_uring_cq_ready(&state->ring) < COMPLETIONS / 2 && !io_uring_cq_has_overflow(&state->ring);
}

struct io_uring_cqe *uring_next_send(struct backend_state *state, struct stream **ret_stream)
{
    unsigned end = *state->ring.cq.khead + io_uring_cq_ready(&state->ring);
    while (state->seen != end) {
        struct io_uring_cqe *completion = &state->ring.cq.cqes[state->seen++ & state->ring.cq.ring_mask];
        if ((completion->user_data & TO_MASK) != TO_STREAM_SEND)
            continue;
        *ret_stream = uring_stream_of(completion->user_data);
        return completion;
    }
    return NULL;
}

void uring_forget(struct io_uring_cqe *completion)
{
    completion->user_data = TO_NOBODY;
}

const struct uring_completion *uring_completion(const struct backend_state *state)
{
    return &state->completion;
}

struct map *uring_held(struct backend_state *state)
{
    return &state->held;
}

/* ---- buffers ---- */

struct slice uring_bytes(const struct backend_state *state)
{
    return uring_buffers_slice(&state->buffers, state->completion.result, state->completion.flags);
}

void uring_give_back(struct backend_state *state)
{
    uring_buffers_give_back(&state->buffers, state->completion.flags);
    if (state->completion.result == -ENOBUFS)
        uring_buffers_want_more(&state->buffers);
}

/* ---- staged sends ---- */

struct staged_sends *uring_staged_sends(struct backend_state *state)
{
    return &state->staged_sends;
}

static void uring_give_up(struct backend_state *state)
{
    uring_send_give_up(state, UINT64_MAX);
}

/* ---- opening and closing the ring ---- */

static void free_all(struct backend_state *state)
{
    uring_buffers_finish(&state->buffers);
    staged_sends_finish(&state->staged_sends);
    free(state->polls);
    assert(state->held.count == 0);
    map_finish(&state->held);
    free(state);
}

static void uring_close(struct backend_state *state)
{
    io_uring_submit(&state->ring);
    io_uring_queue_exit(&state->ring);
    free_all(state);
}

static int uring_open(struct backend_state **ret_state)
{
    struct backend_state *state = calloc(1, sizeof(*state));
    if (state == NULL)
        return -ENOMEM;
    map_init(&state->held);
    struct io_uring_params parameters = {
        .flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SUBMIT_ALL |
                 IORING_SETUP_CQSIZE,
        .cq_entries = COMPLETIONS,
    };
    int error = io_uring_queue_init_params(SUBMISSIONS, &state->ring, &parameters);
    if (error < 0) {
        free_all(state);
        return error;
    }
    /* Saves looking up the ring's descriptor in each call; works without it, too. */
    io_uring_register_ring_fd(&state->ring);
    error = uring_buffers_init(&state->buffers, &state->ring);
    if (error == 0)
        error = staged_sends_init(&state->staged_sends);
    if (error < 0) {
        uring_close(state);
        return error;
    }
    *ret_state = state;
    return 0;
}

/* ---- polls ---- */

static void submit_poll(struct backend_state *state, uint32_t number)
{
    struct poll_entry *poll = &state->polls[number];
    struct io_uring_sqe *entry = uring_entry(state);
    io_uring_prep_poll_add(entry, poll->watch->fd, (unsigned)poll->events);
    entry->user_data = (uint64_t)number << 3 | TO_POLL;
    poll->is_submitted = true;
}

static bool is_free(const struct poll_entry *poll)
{
    return poll->watch == NULL && !poll->is_submitted;
}

/* A linear search, since there are few: listeners, signals, inotify and so on. */
static int find_free_poll(struct backend_state *state)
{
    for (uint32_t i = 0; i < state->poll_count; i++) {
        if (is_free(&state->polls[i]))
            return (int)i;
    }
    struct poll_entry *polls = realloc(state->polls, (state->poll_count + 1) * sizeof(*polls));
    if (polls == NULL)
        return -ENOMEM;
    state->polls = polls;
    polls[state->poll_count] = (struct poll_entry){0};
    return (int)state->poll_count++;
}

static int uring_start(struct backend_state *state, struct watch *watch, enum watch_mode mode)
{
    int number = find_free_poll(state);
    if (number < 0)
        return number;
    watch->slot = (uint32_t)number;
    state->polls[number].watch = watch;
    state->polls[number].events = mode == WATCH_LEVEL_WRITABLE ? POLLOUT
                                  : mode == WATCH_CHANGES      ? POLLPRI
                                                               : POLLIN;
    submit_poll(state, watch->slot);
    return 0;
}

/* Not used by streams, see stream_uring.c. If the poll is in the kernel, it is cancelled; its completion
 * leads to a new one. */
static void uring_want(struct backend_state *state, struct watch *watch, unsigned events)
{
    struct poll_entry *poll = &state->polls[watch->slot];
    short wanted = (short)((events & WATCH_READABLE ? POLLIN : 0) | (events & WATCH_WRITABLE ? POLLOUT : 0));
    if (poll->events == wanted)
        return;
    poll->events = wanted;
    if (poll->is_submitted)
        cancel(state, (uint64_t)watch->slot << 3 | TO_POLL);
}

static void uring_stop(struct backend_state *state, struct watch *watch)
{
    if (watch->slot >= state->poll_count || state->polls[watch->slot].watch != watch)
        return;
    struct poll_entry *poll = &state->polls[watch->slot];
    poll->watch = NULL;
    if (poll->is_submitted)
        cancel(state, (uint64_t)watch->slot << 3 | TO_POLL);
}

static void submit_polls_again(struct backend_state *state)
{
    for (uint32_t i = 0; i < state->poll_count; i++) {
        if (state->polls[i].watch && !state->polls[i].is_submitted)
            submit_poll(state, i);
    }
    state->has_told_polls = false;
}

static struct watch *take_poll(struct backend_state *state, uint32_t number, unsigned *ret_events)
{
    struct poll_entry *poll = &state->polls[number];
    poll->is_submitted = false;
    state->has_told_polls = true;
    int told = state->completion.result;
    if (told == -ECANCELED)
        return NULL;
    *ret_events = (told > 0 && told & POLLIN ? WATCH_READABLE : 0u) |
                  (told > 0 && told & POLLOUT ? WATCH_WRITABLE : 0u) |
                  (told > 0 && told & POLLPRI ? WATCH_PRIORITY : 0u);
    if (*ret_events == 0)
        *ret_events = WATCH_FAILED;
    return poll->watch;
}

/* ---- a turn ---- */

/* EAGAIN and EBUSY: the kernel lacks memory for a moment. */
static bool is_passing(int error)
{
    return error == -ETIME || error == -EINTR || error == -EAGAIN || error == -EBUSY;
}

/* Submits what must be in the kernel before a wait; returns how long the wait may take at most. */
static int before_wait(struct backend_state *state, int timeout_ms)
{
    if (state->has_told_polls)
        submit_polls_again(state);
    uring_buffers_offer(&state->buffers);
    if (LIKELY(!staged_sends_have_deadline(&state->staged_sends)))
        return timeout_ms;
    uring_send_give_up(state, sys_monotonic_ms());
    return MIN(timeout_ms, DEADLINE_CHECK_MS);
}

static int uring_fd(const struct backend_state *state)
{
    return state->ring.ring_fd;
}

static int uring_prepare(struct backend_state *state, int timeout_ms)
{
    timeout_ms = before_wait(state, timeout_ms);
    uring_submit(state);
    return timeout_ms;
}

static int uring_wait(struct backend_state *state, int timeout_ms)
{
    timeout_ms = before_wait(state, timeout_ms);
    int result;
    if (timeout_ms == 0) {
        result = io_uring_submit_and_get_events(&state->ring);
    } else {
        struct __kernel_timespec timeout = {
            .tv_sec = timeout_ms / 1000,
            .tv_nsec = timeout_ms % 1000 * 1000000L,
        };
        struct io_uring_cqe *first;
        result = io_uring_submit_and_wait_timeout(&state->ring, &first, 1, &timeout, NULL);
    }
    if (result < 0 && !is_passing(result))
        return result;
    uring_submit(state);
    return (int)MIN(state->seen - *state->ring.cq.khead, (unsigned)TOLD_MAX);
}

static void uring_flush(struct backend_state *state)
{
    uring_submit(state);
}

static struct watch *take_stream(struct stream *stream, const struct uring_completion *completion,
                                 enum uring_operation operation, unsigned *ret_events)
{
    if (!(completion->flags & IORING_CQE_F_MORE))
        stream->in_flight &= (uint16_t) ~(operation | (operation == URING_RECEIVE ? URING_CANCELLING : 0));
    *ret_events = operation;
    return &stream->watch;
}

static struct watch *uring_ready(struct backend_state *state, int i, unsigned *ret_events)
{
    (void)i;
    struct io_uring_cqe *entry;
    int error = io_uring_peek_cqe(&state->ring, &entry);
    assert(error == 0);
    uint64_t user_data = entry->user_data;
    state->completion = (struct uring_completion){.result = entry->res, .flags = entry->flags};
    io_uring_cqe_seen(&state->ring, entry);
    struct stream *stream = uring_stream_of(user_data);
    switch (user_data & TO_MASK) {
    case TO_POLL: return take_poll(state, (uint32_t)(user_data >> 3), ret_events);
    case TO_STREAM_RECEIVE: return take_stream(stream, &state->completion, URING_RECEIVE, ret_events);
    case TO_STREAM_WRITABLE: return take_stream(stream, &state->completion, URING_WRITABLE, ret_events);
    case TO_STREAM_SEND: return take_stream(stream, &state->completion, URING_SEND, ret_events);
    case TO_STREAM_HANG_UP: return take_stream(stream, &state->completion, URING_HANG_UP, ret_events);
    default: return NULL;
    }
}

const struct backend backend_io_uring = {
    .name = "io_uring",
    .streams = &stream_verbs_uring,
    .open = uring_open,
    .close = uring_close,
    .start = uring_start,
    .want = uring_want,
    .stop = uring_stop,
    .forget = uring_stop,
    .flush = uring_flush,
    .give_up = uring_give_up,
    .fd = uring_fd,
    .prepare = uring_prepare,
    .wait = uring_wait,
    .ready = uring_ready,
};
