/* Three rotations per lifetime of a ticket: with the keys that are kept, each ticket can be decrypted until
 * it expires, and a stolen key decrypts only the tickets issued in a third of that time. */
#include "proc/ticket_keeper.h"

#include "base/error.h"
#include "base/hash.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/memory.h"
#include "sys/output.h"
#include "sys/process.h"
#include "sys/socket.h"
#include "tls/tickets.h"

#include <errno.h>

#define NS_PER_SECOND       1000000000
#define CHANGES_IN_LIFETIME (TLS_TICKET_KEYS_MAX - 1)

static bool needs_keys(const struct settings *settings)
{
    bool is_secure = false;
    for (size_t i = 0; i < settings->listener_count; i++)
        is_secure |= settings->listeners[i].https.is_on;
    return is_secure && settings->tickets.lifetime_ms > 0;
}

static bool has_file(const struct ticket_keeper *keeper)
{
    return keeper->settings->tickets.keys.length > 0;
}

/* ---- of a file ---- */

static uint64_t look_at_file(const struct ticket_keeper *keeper)
{
    struct file_status status = {0};
    struct hash_key key = {0};
    int error = sys_path_status(keeper->settings->tickets.keys.data, &status);
    uint64_t parts[] = {
        status.device,   status.inode, status.size, (uint64_t)status.modified_ns, (uint64_t)status.changed_ns,
        (uint64_t)error,
    };
    return hash_bytes(&key, slice_make((const char *)parts, sizeof(parts)));
}

static bool ticket_keeper_read_file(struct ticket_keeper *keeper)
{
    struct tls_report report = {0};
    keeper->seen = look_at_file(keeper);
    bool is_read =
        tls_ticket_keys_read_file(&keeper->tickets->keys, keeper->settings->tickets.keys.data, &report);
    for (size_t i = 0; i < report.count; i++) {
        if (report.findings[i].level == TLS_LEVEL_ERROR)
            log_error(keeper->log, "ticket keys: %s", report.findings[i].text);
        else
            log_warning(keeper->log, "ticket keys: %s", report.findings[i].text);
    }
    return is_read;
}

static void use_changed_file(struct ticket_keeper *keeper)
{
    if (look_at_file(keeper) == keeper->seen)
        return;
    if (ticket_keeper_read_file(keeper))
        log_info(keeper->log, "the ticket keys of %s were read again", keeper->settings->tickets.keys.data);
    else
        log_error(keeper->log, "the ticket keys that were read before stay in use");
}

/* ---- made here ---- */

static void ticket_keeper_change(struct ticket_keeper *keeper, uint64_t now_ms)
{
    tls_ticket_keys_rotate(&keeper->tickets->keys);
    keeper->next_ms = now_ms + keeper->settings->tickets.lifetime_ms / CHANGES_IN_LIFETIME;
}

/* ---- life ---- */

static int make_keys(struct ticket_keeper *keeper, uint64_t now_ms)
{
    if (has_file(keeper))
        return ticket_keeper_read_file(keeper) ? 0 : ERROR_REFUSED;
    ticket_keeper_change(keeper, now_ms);
    return 0;
}

int ticket_keeper_begin(struct ticket_keeper *keeper, const struct settings *settings, struct log *log,
                        uint64_t now_ms)
{
    *keeper = (struct ticket_keeper){.settings = settings, .log = log};
    keeper->memory_fd = sys_memory_create(sizeof(*keeper->tickets));
    if (keeper->memory_fd < 0)
        return keeper->memory_fd;
    sys_memory_fix(keeper->memory_fd);
    keeper->tickets = sys_memory_share(keeper->memory_fd, sizeof(*keeper->tickets));
    if (keeper->tickets == NULL)
        return -ENOMEM;
    tls_replay_guard_begin(&keeper->tickets->guard, sys_realtime_ns() / NS_PER_SECOND);
    return needs_keys(settings) ? make_keys(keeper, now_ms) : 0;
}

int ticket_keeper_continue(struct ticket_keeper *keeper, const struct settings *settings, struct log *log,
                           uint64_t now_ms, int fd, size_t bytes)
{
    int copy = fd >= 0 && bytes == sizeof(*keeper->tickets) ? sys_duplicate(fd) : -1;
    struct tls_tickets *tickets = copy >= 0 ? sys_memory_share(copy, bytes) : NULL;
    if (copy >= 0 && tickets == NULL)
        sys_close(copy);
    if (tickets == NULL)
        return ticket_keeper_begin(keeper, settings, log, now_ms);
    sys_memory_fix(copy);
    *keeper = (struct ticket_keeper){
        .settings = settings,
        .log = log,
        .tickets = tickets,
        .memory_fd = copy,
        .next_ms = now_ms + settings->tickets.lifetime_ms / CHANGES_IN_LIFETIME,
    };
    bool has_keys = tickets->keys.count > 0 && !has_file(keeper);
    return needs_keys(settings) && !has_keys ? make_keys(keeper, now_ms) : 0;
}

size_t ticket_keeper_bytes(const struct ticket_keeper *keeper)
{
    return keeper->tickets ? sizeof(*keeper->tickets) : 0;
}

void ticket_keeper_take(struct ticket_keeper *keeper, const struct settings *settings, uint64_t now_ms)
{
    const struct settings *former = keeper->settings;
    bool is_same = needs_keys(former) && slice_equal(former->tickets.keys, settings->tickets.keys) &&
                   former->tickets.lifetime_ms == settings->tickets.lifetime_ms;
    keeper->settings = settings;
    if (needs_keys(settings) && !is_same && make_keys(keeper, now_ms) < 0)
        log_error(keeper->log, "the ticket keys that were used before stay in use");
}

void ticket_keeper_look(struct ticket_keeper *keeper, uint64_t now_ms)
{
    if (!needs_keys(keeper->settings))
        return;
    if (has_file(keeper))
        use_changed_file(keeper);
    else if (now_ms >= keeper->next_ms)
        ticket_keeper_change(keeper, now_ms);
}

void ticket_keeper_end(struct ticket_keeper *keeper)
{
    if (keeper->tickets == NULL)
        return;
    sys_shared_memory_free(keeper->tickets, sizeof(*keeper->tickets));
    ticket_keeper_leave(keeper);
    keeper->tickets = NULL;
}

void ticket_keeper_leave(struct ticket_keeper *keeper)
{
    if (keeper->tickets && keeper->memory_fd >= 0)
        sys_close(keeper->memory_fd);
    keeper->memory_fd = -1;
}
