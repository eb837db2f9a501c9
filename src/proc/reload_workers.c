/* Which workers are asked to take a generation, now or again later, and which are waited for. */
#include "proc/reload_internal.h"

#include "sys/process.h"

#include <signal.h>

/* Whether a worker is about to end: it needs no new settings. */
static bool has_to_go(const struct reload *reload, size_t number)
{
    const struct child *child = &reload->options.supervisor->children[number];
    return child->is_retired || child->is_outgoing || reload->options.slots[number].is_leaving;
}

bool reload_can_ask(const struct reload *reload, size_t number)
{
    return supervisor_is_able(reload->options.supervisor, number) && links_has(&reload->links, number) &&
           !has_to_go(reload, number);
}

int reload_ask(struct reload *reload, size_t number, const struct master_generation *generation)
{
    struct link *link = &reload->links.list[number];
    struct channel_change change = {.generation = generation->number, .room = generation->room};
    int error = reload->options.equip
                    ? reload->options.equip(reload->options.context, number, link->taken, &change)
                    : 0;
    if (error == 0)
        error = links_ask(&reload->links, number, &change, generation->memory_fd);
    return error;
}

/* A worker has taken a generation after the master had given it up, and the former one is the first, which
 * cannot be sent: another worker, which begins with that one, takes its place. */
static void replace_worker(const struct reload *reload, size_t number)
{
    sys_kill(reload->options.supervisor->children[number].pid, SIGTERM);
}

static void bring_up_to_date(struct reload *reload, size_t number, uint64_t now_ms)
{
    struct link *link = &reload->links.list[number];
    if (link->taken == reload->current.number || link->asked != 0 || now_ms < link->retry_ms ||
        !reload_can_ask(reload, number))
        return;
    link->retry_ms = now_ms + LINK_RETRY_MS;
    if (reload->current.room < 0)
        replace_worker(reload, number);
    else if (reload_ask(reload, number, &reload->current) == 0)
        link->retry_ms = 0;
}

void reload_ask_all(struct reload *reload, uint64_t now_ms)
{
    for (size_t i = 0; i < reload->links.count; i++)
        bring_up_to_date(reload, i, now_ms);
}

bool reload_awaits(const struct reload *reload, size_t number)
{
    const struct link *link = &reload->links.list[number];
    return reload_can_ask(reload, number) && link->taken != reload->current.number && !link->has_refused;
}

bool reload_describe_worker(const struct reload *reload, size_t number, struct buffer *text)
{
    const struct child *child = &reload->options.supervisor->children[number];
    const struct link *link = &reload->links.list[number];
    bool is_behind = child->is_ready && link->taken != reload->current.number && !has_to_go(reload, number);
    if (is_behind && link->has_refused)
        buffer_printf(text, "worker process %d keeps the former settings and is asked again: %s\n",
                      (int)child->pid, link->why);
    else if (is_behind)
        buffer_printf(text, "worker process %d %s: it takes the new settings when it goes on\n",
                      (int)child->pid, child->is_stopped ? "is stopped" : "has not answered");
    return is_behind && link->has_refused;
}

uint64_t reload_next_retry(const struct reload *reload)
{
    uint64_t next_ms = UINT64_MAX;
    for (size_t i = 0; i < reload->links.count; i++) {
        const struct link *link = &reload->links.list[i];
        if (link->taken != reload->current.number && link->asked == 0 && reload_can_ask(reload, i))
            next_ms = MIN(next_ms, link->retry_ms);
    }
    return next_ms;
}

uint64_t reload_used_rooms(const struct reload *reload)
{
    uint64_t rooms = links_rooms(&reload->links);
    for (size_t i = 0; i < reload->links.count; i++) {
        if (reload->options.supervisor->children[i].pid > 0)
            rooms |= reload->options.slots[i].rooms;
    }
    return rooms;
}
