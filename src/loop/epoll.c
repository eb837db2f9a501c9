/* epoll, as two backends with one difference.
 *
 * `epoll` is edge-triggered for streams: one registration, changed once, when a send has to wait.
 * `epoll-lt` is level-triggered: it reports every ready descriptor in every turn, and so needs a system
 * call whenever a stream waits for something else. Watches other than streams are level-triggered in both. */
#include "loop/internal.h"

#include "sys/event.h"
#include "sys/socket.h"

#include <errno.h>
#include <stdlib.h>

/* Events fetched per wait: enough to spread its cost, few enough not to delay timers. */
#define EVENTS_MAX 256

#define EDGE_EVENTS (EPOLLIN | EPOLLRDHUP | EPOLLET)

struct backend_state {
    int fd;
    int count;
    struct epoll_event events[EVENTS_MAX];
};

static int epoll_open(struct backend_state **ret_state)
{
    struct backend_state *state = calloc(1, sizeof(*state));
    if (state == NULL)
        return -ENOMEM;
    state->fd = sys_epoll_create();
    if (state->fd < 0) {
        int error = state->fd;
        free(state);
        return error;
    }
    *ret_state = state;
    return 0;
}

static void epoll_close(struct backend_state *state)
{
    sys_close(state->fd);
    free(state);
}

static int epoll_fd(const struct backend_state *state)
{
    return state->fd;
}

static uint32_t level_events(enum watch_mode mode)
{
    return mode == WATCH_LEVEL_WRITABLE ? EPOLLOUT : mode == WATCH_CHANGES ? EPOLLPRI : EPOLLIN;
}

static int edge_start(struct backend_state *state, struct watch *watch, enum watch_mode mode)
{
    watch->slot = false;
    uint32_t events = mode == WATCH_STREAM ? EDGE_EVENTS : level_events(mode);
    return sys_epoll_add(state->fd, watch->fd, events, watch);
}

/* `slot` is true once EPOLLOUT is registered: from the first time that a send has to wait. If it were
 * registered earlier, each new connection would cause a useless event, because its send buffer is empty. */
static void edge_want(struct backend_state *state, struct watch *watch, unsigned events)
{
    if (LIKELY(!(events & WATCH_WRITABLE)) || watch->slot)
        return;
    watch->slot = true;
    int error = sys_epoll_change(state->fd, watch->fd, EDGE_EVENTS | EPOLLOUT, watch);
    assert(error == 0); /* cannot fail: it needs no memory, and the descriptor is registered */
}

static int level_start(struct backend_state *state, struct watch *watch, enum watch_mode mode)
{
    watch->slot = WATCH_READABLE;
    return sys_epoll_add(state->fd, watch->fd, level_events(mode), watch);
}

/* `slot` holds the events wanted last. Errors and hang-ups are always reported; for a stream that waits
 * for nothing, EPOLLET makes that once instead of in every turn. */
static void level_want(struct backend_state *state, struct watch *watch, unsigned events)
{
    if (watch->slot == events)
        return;
    watch->slot = events;
    uint32_t mask = (events & WATCH_READABLE ? EPOLLIN : 0u) | (events & WATCH_WRITABLE ? EPOLLOUT : 0u);
    int error = sys_epoll_change(state->fd, watch->fd, mask ? mask : EPOLLET, watch);
    assert(error == 0); /* cannot fail: it needs no memory, and the descriptor is registered */
}

static void epoll_stop(struct backend_state *state, struct watch *watch)
{
    sys_epoll_remove(state->fd, watch->fd);
    for (int i = 0; i < state->count; i++) {
        if (state->events[i].data.ptr == watch)
            state->events[i].data.ptr = NULL;
    }
}

static int epoll_wait_ready(struct backend_state *state, int timeout_ms)
{
    int count = sys_epoll_wait(state->fd, state->events, EVENTS_MAX, timeout_ms);
    state->count = count < 0 ? 0 : count;
    return count;
}

static struct watch *epoll_ready(struct backend_state *state, int i, unsigned *ret_events)
{
    uint32_t events = state->events[i].events;
    struct watch *watch = state->events[i].data.ptr;
    *ret_events = WATCH_READABLE;
    if (LIKELY(events == EPOLLIN))
        return watch;
    *ret_events = (events & EPOLLIN ? WATCH_READABLE : 0u) | (events & EPOLLOUT ? WATCH_WRITABLE : 0u) |
                  (events & (EPOLLRDHUP | EPOLLHUP) ? WATCH_ENDED : 0u) |
                  (events & (EPOLLERR | EPOLLHUP) ? WATCH_FAILED : 0u) |
                  (events & EPOLLPRI ? WATCH_PRIORITY : 0u);
    return watch;
}

const struct backend backend_epoll = {
    .name = "epoll",
    .streams = &stream_verbs_ready,
    .is_ordered = true,
    .open = epoll_open,
    .close = epoll_close,
    .start = edge_start,
    .want = edge_want,
    .stop = epoll_stop,
    .fd = epoll_fd,
    .wait = epoll_wait_ready,
    .ready = epoll_ready,
};

const struct backend backend_epoll_lt = {
    .name = "epoll-lt",
    .streams = &stream_verbs_ready,
    .open = epoll_open,
    .close = epoll_close,
    .start = level_start,
    .want = level_want,
    .stop = epoll_stop,
    .fd = epoll_fd,
    .wait = epoll_wait_ready,
    .ready = epoll_ready,
};
