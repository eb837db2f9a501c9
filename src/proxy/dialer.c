/* Two attempts at most are under way. Read dialer_on_unconnected first. */
#include "proxy/dialer.h"

#include "proxy/upstream.h"

#include <errno.h>
#include <stdlib.h>

struct dialer_attempt {
    struct connector connector;
    struct dialer *dialer;
    unsigned address;  /* index */
    uint64_t began_ms; /* at this address */
};

struct dialer {
    struct upstream *upstream;
    const struct dialer_events *events;
    void *owner;
    struct dialer_attempt attempts[2];
    struct task gone;
    uint32_t connect_ms; /* for each address */
    unsigned first;      /* the address that was tried first */
    unsigned tries;      /* addresses that were tried */
    bool has_hurried;
};

/* ---- attempts ---- */

/* Returns the descriptor, -EINPROGRESS, or the last error, which is `error` if there is no further address.
 */
static int dialer_try_next(struct dialer_attempt *attempt, int error)
{
    struct dialer *dialer = attempt->dialer;
    struct upstream *upstream = dialer->upstream;
    while (dialer->tries < upstream->address_count) {
        attempt->address = (dialer->first + dialer->tries++) % upstream->address_count;
        attempt->began_ms = loop_now_ms(upstream->all->loop);
        error =
            connector_start(&attempt->connector, &upstream->addresses[attempt->address], dialer->connect_ms);
        if (error >= 0 || error == -EINPROGRESS)
            break;
    }
    return error;
}

static struct dialer_attempt *dialer_other(const struct dialer_attempt *attempt)
{
    struct dialer *dialer = attempt->dialer;
    return attempt == &dialer->attempts[0] ? &dialer->attempts[1] : &dialer->attempts[0];
}

static void dialer_win(struct dialer_attempt *attempt, int fd)
{
    struct dialer *dialer = attempt->dialer;
    dialer->upstream->address_first = attempt->address;
    /* Which ends the other attempt: dialer_end. */
    dialer->events->on_connected(dialer->owner, fd, attempt->began_ms);
}

static struct dialer_attempt *dialer_attempt_of(struct connector *connector)
{
    return CONTAINER_OF(connector, struct dialer_attempt, connector);
}

static void dialer_on_connected(struct connector *connector, int fd)
{
    dialer_win(dialer_attempt_of(connector), fd);
}

static void dialer_on_unconnected(struct connector *connector, int error)
{
    struct dialer_attempt *attempt = dialer_attempt_of(connector);
    int fd = dialer_try_next(attempt, error);
    if (fd >= 0)
        dialer_win(attempt, fd);
    else if (fd != -EINPROGRESS && !dialer_other(attempt)->connector.is_connecting)
        attempt->dialer->events->on_failed(attempt->dialer->owner, fd);
}

static const struct connector_events dialer_connector_events = {
    .on_connected = dialer_on_connected,
    .on_failed = dialer_on_unconnected,
};

/* ---- the owner's side ---- */

static void dialer_on_gone(struct task *task)
{
    free(CONTAINER_OF(task, struct dialer, gone));
}

struct dialer *dialer_create(struct upstream *upstream, const struct dialer_events *events, void *owner)
{
    struct dialer *dialer = malloc(sizeof(*dialer));
    if (dialer == NULL)
        return NULL;
    *dialer = (struct dialer){.upstream = upstream, .events = events, .owner = owner};
    for (size_t i = 0; i < ARRAY_LENGTH(dialer->attempts); i++) {
        dialer->attempts[i].dialer = dialer;
        connector_init(&dialer->attempts[i].connector, upstream->all->loop, &dialer_connector_events);
    }
    task_init(&dialer->gone, dialer_on_gone);
    return dialer;
}

int dialer_start(struct dialer *dialer, uint32_t connect_ms)
{
    dialer->connect_ms = connect_ms;
    dialer->first = dialer->upstream->address_first;
    int fd = dialer_try_next(&dialer->attempts[0], -EHOSTUNREACH);
    if (fd >= 0)
        dialer->upstream->address_first = dialer->attempts[0].address;
    return fd;
}

bool dialer_may_hurry(const struct dialer *dialer)
{
    return !dialer->has_hurried && dialer->tries < dialer->upstream->address_count;
}

void dialer_hurry(struct dialer *dialer)
{
    if (!dialer_may_hurry(dialer))
        return;
    dialer->has_hurried = true;
    int fd = dialer_try_next(&dialer->attempts[1], -EHOSTUNREACH);
    if (fd >= 0)
        dialer_win(&dialer->attempts[1], fd);
}

void dialer_end(struct dialer *dialer)
{
    if (dialer == NULL)
        return;
    for (size_t i = 0; i < ARRAY_LENGTH(dialer->attempts); i++)
        connector_cancel(&dialer->attempts[i].connector);
    task_defer(dialer->upstream->all->loop, &dialer->gone);
}
