/* Three rotations per lifetime of a ticket: with the keys that are kept, each ticket can be decrypted until
 * it expires, and a stolen key decrypts only the tickets issued in a third of that time. */
#include "proc/ticket_keeper.h"

#include "base/error.h"
#include "base/hash.h"
#include "sys/file.h"
#include "sys/process.h"
#include "tls/tickets.h"

#include <errno.h>

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
    bool is_read = tls_ticket_keys_read_file(keeper->keys, keeper->settings->tickets.keys.data, &report);
    for (size_t i = 0; i < report.count; i++) {
        if (report.findings[i].level == TLS_LEVEL_ERROR)
            log_error(keeper->log, "ticket keys: %s", report.findings[i].text);
        else
            log_warning(keeper->log, "ticket keys: %s", report.findings[i].text);
    }
    return is_read;
}

static void take_changed_file(struct ticket_keeper *keeper)
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
    tls_ticket_keys_rotate(keeper->keys);
    keeper->next_ms = now_ms + keeper->settings->tickets.lifetime_ms / CHANGES_IN_LIFETIME;
}

/* ---- life ---- */

int ticket_keeper_begin(struct ticket_keeper *keeper, const struct settings *settings, struct log *log,
                        uint64_t now_ms)
{
    *keeper = (struct ticket_keeper){.settings = settings, .log = log};
    if (!needs_keys(settings))
        return 0;
    keeper->keys = sys_shared_memory(sizeof(*keeper->keys));
    if (keeper->keys == NULL)
        return -ENOMEM;
    if (has_file(keeper))
        return ticket_keeper_read_file(keeper) ? 0 : ERROR_REFUSED;
    ticket_keeper_change(keeper, now_ms);
    return 0;
}

void ticket_keeper_look(struct ticket_keeper *keeper, uint64_t now_ms)
{
    if (keeper->keys == NULL)
        return;
    if (has_file(keeper))
        take_changed_file(keeper);
    else if (now_ms >= keeper->next_ms)
        ticket_keeper_change(keeper, now_ms);
}

void ticket_keeper_end(struct ticket_keeper *keeper)
{
    sys_shared_memory_free(keeper->keys, sizeof(*keeper->keys));
    keeper->keys = NULL;
}
