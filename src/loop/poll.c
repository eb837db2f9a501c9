/* poll(2): no state in the kernel. Every wait passes the whole array, and both the kernel and vif scan all
 * of it: a turn costs time in proportion to the open connections, which is fine up to some hundreds. Its
 * advantages: it exists everywhere, and changing the wanted events is a memory write.
 *
 * `fds` and `watches` are parallel arrays without gaps: when an entry is removed, the last one takes its
 * place. */
#include "loop/internal.h"

#include "sys/process.h"

#include <errno.h>
#include <stdlib.h>

#define CAPACITY_FIRST 64

/* How long to wait if the kernel lacks memory for its copy of the array. */
#define PAUSE_MS 10

struct backend_state {
    struct pollfd *fds;
    struct watch **watches;
    uint32_t count;
    uint32_t capacity;
    uint32_t next; /* where poll_ready continues */
};

static int poll_open(struct backend_state **ret_state)
{
    *ret_state = calloc(1, sizeof(**ret_state));
    return *ret_state ? 0 : -ENOMEM;
}

static void poll_close(struct backend_state *state)
{
    free(state->fds);
    free(state->watches);
    free(state);
}

static bool poll_grow(struct backend_state *state)
{
    uint32_t capacity = state->capacity ? state->capacity * 2 : CAPACITY_FIRST;
    struct pollfd *fds = realloc(state->fds, capacity * sizeof(*fds));
    if (fds)
        state->fds = fds;
    struct watch **watches = realloc(state->watches, capacity * sizeof(struct watch *));
    if (watches)
        state->watches = watches;
    if (fds == NULL || watches == NULL)
        return false;
    state->capacity = capacity;
    return true;
}

static int poll_start(struct backend_state *state, struct watch *watch, enum watch_mode mode)
{
    short events = mode == WATCH_LEVEL_WRITABLE ? POLLOUT : mode == WATCH_CHANGES ? POLLPRI : POLLIN;
    if (state->count == state->capacity && !poll_grow(state))
        return -ENOMEM;
    watch->slot = state->count++;
    state->fds[watch->slot] = (struct pollfd){.fd = watch->fd, .events = events};
    state->watches[watch->slot] = watch;
    return 0;
}

/* Errors and hang-ups are always reported, even to a stream that waits for nothing. */
static void poll_want(struct backend_state *state, struct watch *watch, unsigned events)
{
    struct pollfd *entry = &state->fds[watch->slot];
    entry->events = (short)((events & WATCH_READABLE ? POLLIN : 0) | (events & WATCH_WRITABLE ? POLLOUT : 0));
}

/* If the moved entry had not been visited in this turn, it may be skipped; it is reported in the next
 * turn. */
static void poll_stop(struct backend_state *state, struct watch *watch)
{
    if (watch->slot >= state->count || state->watches[watch->slot] != watch)
        return;
    uint32_t last = --state->count;
    state->fds[watch->slot] = state->fds[last];
    state->watches[watch->slot] = state->watches[last];
    state->watches[watch->slot]->slot = watch->slot;
}

static int poll_wait(struct backend_state *state, int timeout_ms)
{
    state->next = 0;
    int count = sys_poll(state->fds, state->count, timeout_ms);
    if (count != -ENOMEM)
        return count;
    /* The lack of memory is temporary and no reason to end; a wait without descriptors needs no memory. */
    count = sys_poll(NULL, 0, MIN(timeout_ms, PAUSE_MS));
    return count == -ENOMEM ? 0 : count;
}

static struct watch *poll_ready(struct backend_state *state, int i, unsigned *ret_events)
{
    (void)i;
    while (state->next < state->count && state->fds[state->next].revents == 0)
        state->next++;
    if (state->next >= state->count)
        return NULL;
    short events = state->fds[state->next].revents;
    *ret_events = (events & POLLIN ? WATCH_READABLE : 0u) | (events & POLLOUT ? WATCH_WRITABLE : 0u) |
                  (events & POLLHUP ? WATCH_ENDED : 0u) |
                  (events & (POLLERR | POLLHUP | POLLNVAL) ? WATCH_FAILED : 0u) |
                  (events & POLLPRI ? WATCH_PRIORITY : 0u);
    return state->watches[state->next++];
}

const struct backend backend_poll = {
    .name = "poll",
    .streams = &stream_verbs_ready,
    .open = poll_open,
    .close = poll_close,
    .start = poll_start,
    .want = poll_want,
    .stop = poll_stop,
    .forget = poll_stop,
    .wait = poll_wait,
    .ready = poll_ready,
};
