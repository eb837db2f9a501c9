/* Uses a signal and two words of shared memory: an idle worker wakes up once per HEARTBEAT_INTERVAL_MS, and
 * requests have no overhead. */
#include "proc/heartbeat.h"

#include "sys/process.h"

/* A worker that got no CPU time for one interval is not considered hanging yet. */
#define MISSES_MAX 2

static void note_missed_beat(const struct supervisor *supervisor, struct child *child)
{
    child->missed++;
    if (child->missed != MISSES_MAX)
        return;
    child->is_hanging = true;
    log_error(supervisor->options.log,
              "worker process %d hangs: its loop has not gone on for %d s or more. Its connections wait; "
              "\"kill -KILL %d\" ends them and it is replaced",
              (int)child->pid, (MISSES_MAX - 1) * HEARTBEAT_INTERVAL_MS / 1000, (int)child->pid);
}

static void note_answered_beat(const struct supervisor *supervisor, struct child *child)
{
    if (child->is_hanging)
        log_warning(supervisor->options.log, "worker process %d goes on", (int)child->pid);
    child->missed = 0;
    child->is_hanging = false;
}

static void heartbeat_look_at(struct heartbeat *heartbeat, size_t number)
{
    struct child *child = &heartbeat->supervisor->children[number];
    struct slot *slot = &heartbeat->slots[number];
    if (!child->is_ready || child->is_stopped)
        return;
    if (slot->answered != slot->asked)
        note_missed_beat(heartbeat->supervisor, child);
    else
        note_answered_beat(heartbeat->supervisor, child);
    if (child->missed == 0) {
        slot->asked++;
        sys_kill(child->pid, SLOT_SIGNAL);
    }
}

void heartbeat_look(struct heartbeat *heartbeat, uint64_t now_ms)
{
    if (now_ms < heartbeat->next_ms)
        return;
    heartbeat->next_ms = now_ms + HEARTBEAT_INTERVAL_MS;
    for (size_t i = 0; i < heartbeat->supervisor->options.count; i++)
        heartbeat_look_at(heartbeat, i);
}

int heartbeat_wait_ms(const struct heartbeat *heartbeat, uint64_t now_ms)
{
    return now_ms < heartbeat->next_ms ? (int)(heartbeat->next_ms - now_ms) : 0;
}
