/* select(2): bit sets of descriptors, copied to the kernel and back in each turn, and scanned by both
 * sides from 0 to the highest descriptor. It cannot watch descriptors from FD_SETSIZE (1024) on: that is
 * refused, and whoever accepts connections asks loop_accepts_fd first. */
#include "loop/internal.h"

#include "sys/event.h"
#include "sys/process.h"

#include <errno.h>
#include <stdlib.h>

/* How long to wait if the kernel lacks memory for its copy of the sets. */
#define PAUSE_MS 10

struct backend_state {
    fd_set reading; /* what is waited for */
    fd_set writing;
    fd_set changing; /* WATCH_CHANGES */
    fd_set readable; /* results of the last wait */
    fd_set writable;
    fd_set changed;
    int fd_end; /* one above the highest watched descriptor */
    int next;   /* where select_ready continues */
    struct watch *watches[FD_SETSIZE];
};

static int select_open(struct backend_state **ret_state)
{
    *ret_state = calloc(1, sizeof(**ret_state));
    return *ret_state ? 0 : -ENOMEM;
}

static void select_close(struct backend_state *state)
{
    free(state);
}

static int select_start(struct backend_state *state, struct watch *watch, enum watch_mode mode)
{
    if (watch->fd >= FD_SETSIZE)
        return -ERANGE;
    assert(state->watches[watch->fd] == NULL);
    state->watches[watch->fd] = watch;
    FD_SET(watch->fd, mode == WATCH_LEVEL_WRITABLE ? &state->writing
                      : mode == WATCH_CHANGES      ? &state->changing
                                                   : &state->reading);
    state->fd_end = MAX(state->fd_end, watch->fd + 1);
    return 0;
}

static void want_bit(fd_set *set, int fd, bool wanted)
{
    if (wanted)
        FD_SET(fd, set);
    else
        FD_CLR(fd, set);
}

static void select_want(struct backend_state *state, struct watch *watch, unsigned events)
{
    want_bit(&state->reading, watch->fd, events & WATCH_READABLE);
    want_bit(&state->writing, watch->fd, events & WATCH_WRITABLE);
}

/* Also clears the results of the last wait: the descriptor number may be reused in the same turn. */
static void select_stop(struct backend_state *state, struct watch *watch)
{
    if (watch->fd >= FD_SETSIZE || state->watches[watch->fd] != watch)
        return;
    select_want(state, watch, 0);
    FD_CLR(watch->fd, &state->changing);
    FD_CLR(watch->fd, &state->readable);
    FD_CLR(watch->fd, &state->writable);
    FD_CLR(watch->fd, &state->changed);
    state->watches[watch->fd] = NULL;
    while (state->fd_end > 0 && state->watches[state->fd_end - 1] == NULL)
        state->fd_end--;
}

static int select_wait(struct backend_state *state, int timeout_ms)
{
    state->readable = state->reading;
    state->writable = state->writing;
    state->changed = state->changing;
    state->next = 0;
    int count = sys_select(state->fd_end, &state->readable, &state->writable, &state->changed, timeout_ms);
    /* The lack of memory is temporary and no reason to end; a wait without descriptors needs no memory. */
    if (count == -ENOMEM)
        count = sys_poll(NULL, 0, MIN(timeout_ms, PAUSE_MS));
    if (count == -ENOMEM)
        count = 0;
    if (count <= 0)
        state->next = state->fd_end;
    return count;
}

/* select(2) counts bits, which may be more than the ready descriptors: then the last calls find nothing. */
static struct watch *select_ready(struct backend_state *state, int i, unsigned *ret_events)
{
    (void)i;
    for (; state->next < state->fd_end; state->next++) {
        int fd = state->next;
        unsigned events = (FD_ISSET(fd, &state->readable) ? WATCH_READABLE : 0u) |
                          (FD_ISSET(fd, &state->writable) ? WATCH_WRITABLE : 0u) |
                          (FD_ISSET(fd, &state->changed) ? WATCH_PRIORITY : 0u);
        if (events == 0)
            continue;
        state->next++;
        *ret_events = events;
        return state->watches[fd];
    }
    return NULL;
}

const struct backend backend_select = {
    .name = "select",
    .streams = &stream_verbs_ready,
    .fd_end = FD_SETSIZE,
    .lacks_failed = true,
    .open = select_open,
    .close = select_close,
    .start = select_start,
    .want = select_want,
    .stop = select_stop,
    .forget = select_stop,
    .wait = select_wait,
    .ready = select_ready,
};
