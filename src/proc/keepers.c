/* A slot keeps its keeper as long as possible, as each change moves listening sockets. */
#include "proc/keepers.h"

#include "sys/process.h"

void keepers_init(struct slot *slots, size_t count)
{
    for (size_t i = 0; i < count; i++)
        slots[i].keeper = (unsigned)i;
}

static bool accepts(const struct slot *slots, const struct supervisor *supervisor, size_t number)
{
    return supervisor_is_able(supervisor, number) && !slots[number].is_leaving;
}

/* The next worker that is able to accept; the worker itself if there is none. */
static size_t choose_other(const struct slot *slots, const struct supervisor *supervisor, size_t number)
{
    size_t count = supervisor->options.count;
    for (size_t i = 1; i < count; i++) {
        size_t other = (number + i) % count;
        if (accepts(slots, supervisor, other))
            return other;
    }
    return number;
}

static size_t choose(const struct slot *slots, const struct supervisor *supervisor, size_t number,
                     size_t keeper)
{
    if (accepts(slots, supervisor, number))
        return number;
    if (keeper != number && accepts(slots, supervisor, keeper))
        return keeper;
    /* A replacement that was just started will accept in a few milliseconds. */
    return supervisor_is_starting(supervisor, number) ? number : choose_other(slots, supervisor, number);
}

static void keepers_tell(const struct supervisor *supervisor, size_t number)
{
    pid_t pid = supervisor->children[number].pid;
    if (pid > 0)
        sys_kill(pid, SLOT_SIGNAL);
}

static void keepers_change(struct slot *slots, const struct supervisor *supervisor, size_t number,
                           size_t before, size_t keeper)
{
    slots[number].keeper = (unsigned)keeper;
    keepers_tell(supervisor, before);
    keepers_tell(supervisor, keeper);
    if (keeper != number && !supervisor->children[number].is_retired)
        log_warning(supervisor->options.log,
                    "worker process %d accepts new connections in place of one that cannot",
                    (int)supervisor->children[keeper].pid);
}

/* Workers can write to the slots: what a broken one may have written there is no index yet. */
static size_t keeper_of(const struct slot *slots, const struct supervisor *supervisor, size_t number)
{
    size_t keeper = slots[number].keeper;
    return keeper < supervisor->options.count ? keeper : number;
}

void keepers_update(struct slot *slots, const struct supervisor *supervisor)
{
    for (size_t i = 0; i < supervisor->options.count; i++) {
        size_t before = keeper_of(slots, supervisor, i);
        size_t keeper = choose(slots, supervisor, i, before);
        if (keeper != before)
            keepers_change(slots, supervisor, i, before, keeper);
    }
}
