/* For whom the server is at work: the connection whose event its loop deals with, the one that it has just
 * accepted, or the one whose job a thread does. A call that fails meanwhile harms that one alone.
 *
 * The loop is told of a watch that stands before the real one (--wrap of the backends' tables), so that the
 * beginning and the end of each callback are known. Timers, deferred tasks and streams that go on with what
 * they could not finish in a turn are for nobody who is known. */
#include "network.h"

#include "loop/backend.h"

static struct serving served;

void serving_start(void)
{
    served = (struct serving){0};
}

struct serving serving_enter(struct serving whom)
{
    struct serving before = served;
    served = whom;
    return before;
}

struct serving serving_now(void)
{
    return served;
}

const struct sim_socket *serving_client(const struct serving *whom)
{
    if (whom->end == NULL)
        return NULL;
    return &CONTAINER_OF((struct server_end *)whom->end, struct connection_pair, server)->client;
}

struct serving serving_of(int fd)
{
    /* What was closed in this turn may have events left. */
    struct open_file *file = descriptor_find(fd);
    if (file == NULL || file->class != &socket_class)
        return (struct serving){0};
    return (struct serving){.is_known = true, .end = CONTAINER_OF(file, struct server_end, file)};
}

/* ---- the loop's callbacks ---- */

static struct watch *dealt_with;

static void serving_on_ready(struct watch *watch, unsigned events)
{
    struct watch *actual = dealt_with;
    (void)watch;
    struct serving before = serving_enter(serving_of(actual->fd));
    actual->events->on_ready(actual, events);
    serving_enter(before);
}

static struct watch *stand_before(struct watch *watch)
{
    static const struct watch_events events = {.on_ready = serving_on_ready, .name = "the simulator"};
    static struct watch before = {.events = &events, .fd = -1};
    dealt_with = watch;
    return watch ? &before : NULL;
}

/* Their other functions are the real ones'. */
#define BACKENDS(X) X(backend_epoll) X(backend_epoll_lt) X(backend_poll) X(backend_select)

#define X(name)                                                                                    \
    extern const struct backend __real_##name;                                                     \
    extern struct backend __wrap_##name;                                                           \
    struct backend __wrap_##name;                                                                  \
    static struct watch *ready_of_##name(struct backend_state *state, int i, unsigned *ret_events) \
    {                                                                                              \
        return stand_before(__real_##name.ready(state, i, ret_events));                            \
    }                                                                                              \
    __attribute__((constructor)) static void prepare_##name(void)                                  \
    {                                                                                              \
        __wrap_##name = __real_##name;                                                             \
        __wrap_##name.ready = ready_of_##name;                                                     \
    }
BACKENDS(X)
#undef X
