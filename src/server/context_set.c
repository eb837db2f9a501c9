/* Contexts by plan (server/tls_plan.h).
 *
 * What a file is like is a digest of its status, without its bytes: whoever puts a new certificate there
 * changes at least its time. Tools write the certificate and the key one after the other, and some write in
 * place: so a change must look the same twice before it is read. */
#include "server/context_set.h"

#include "base/error.h"
#include "base/hash.h"
#include "server/file_alarm.h"
#include "sys/clock.h"
#include "sys/private_file.h"
#include "tls/client_context.h"

#include <errno.h>
#include <stdlib.h>

#define NS_PER_SECOND 1000000000

static int64_t context_set_now_seconds(void)
{
    return sys_realtime_ns() / NS_PER_SECOND;
}

/* ---- files ---- */

/* `path` may be NULL. */
static bool context_set_add_file(void *context, const char *path)
{
    uint64_t *digest = context;
    struct file_status status = {0};
    struct hash_key key = {*digest, path != NULL};
    int error = path ? sys_private_file_status(path, &status) : 0;
    uint64_t parts[] = {
        status.device,   status.inode, status.size, (uint64_t)status.modified_ns, (uint64_t)status.changed_ns,
        (uint64_t)error,
    };
    *digest = hash_bytes(&key, slice_make((const char *)parts, sizeof(parts)));
    return true;
}

/* Those of the system, where a connection to other servers trusts them. */
static const char *system_roots_of(const struct tls_settings *settings)
{
    bool trusts_system = settings->is_client && !settings->accepts_any && settings->server_ca == NULL;
    return trusts_system ? tls_system_roots() : NULL;
}

/* Calls `each` for each file of a context until it returns false; returns whether it never did. */
static bool for_each_file(const struct planned_context *planned,
                          bool (*each)(void *context, const char *path), void *context)
{
    const struct tls_settings *settings = &planned->settings;
    bool continues = each(context, settings->client_ca) && each(context, settings->client_crl) &&
                     each(context, settings->server_ca) && each(context, system_roots_of(settings));
    for (size_t i = 0; i < settings->pair_count && continues; i++) {
        const struct tls_pair_files *files = &settings->pairs[i];
        continues =
            each(context, files->certificate) && each(context, files->key) && each(context, files->ocsp);
    }
    return continues;
}

static uint64_t look_at_files(const struct planned_context *planned)
{
    uint64_t digest = 0;
    (void)for_each_file(planned, context_set_add_file, &digest);
    return digest;
}

static bool context_set_watch_file(void *alarm, const char *path)
{
    return path == NULL || file_alarm_add(alarm, path);
}

bool context_set_watch(const struct context_set *set, const struct file_alarm *alarm)
{
    bool is_watched = true;
    for (size_t i = 0; i < set->plan.context_count && is_watched; i++)
        is_watched = for_each_file(&set->plan.contexts[i], context_set_watch_file, (void *)alarm);
    return is_watched;
}

/* ---- reading ---- */

static int context_set_load_one(struct kept_context *kept)
{
    kept->taken = kept->seen = look_at_files(kept->planned);
    kept->report = calloc(1, sizeof(*kept->report));
    if (kept->report == NULL)
        return -ENOMEM;
    return tls_context_create(&kept->planned->settings, context_set_now_seconds(), kept->report,
                              &kept->context);
}

/* Continues after a bad one, so that all faults are reported at once. */
int context_set_load(struct context_set *set)
{
    int first_error = 0;
    for (size_t i = 0; set && i < set->plan.context_count; i++) {
        set->contexts[i].error = context_set_load_one(&set->contexts[i]);
        first_error = first_error ? first_error : set->contexts[i].error;
    }
    return first_error;
}

static void context_set_renew(struct kept_context *kept, uint64_t digest)
{
    kept->taken = kept->seen = digest;
    kept->report = calloc(1, sizeof(*kept->report));
    kept->error = kept->report ? tls_context_renew(&kept->planned->settings, kept->context,
                                                   context_set_now_seconds(), kept->report, &kept->renewed)
                               : -ENOMEM;
}

/* Returns whether it is to be looked at again soon. */
static bool look(struct kept_context *kept)
{
    uint64_t digest = look_at_files(kept->planned);
    bool is_stable = digest == kept->seen;
    kept->seen = digest;
    if (digest == kept->taken || !is_stable)
        return digest != kept->taken;
    context_set_renew(kept, digest);
    return false;
}

bool context_set_look(struct context_set *set)
{
    bool is_settling = false;
    for (size_t i = 0; i < set->plan.context_count; i++)
        is_settling |= look(&set->contexts[i]);
    return is_settling;
}

static void refresh(struct kept_context *kept)
{
    uint64_t digest = look_at_files(kept->planned);
    if (digest == kept->taken)
        return;
    context_set_renew(kept, digest);
    if (kept->renewed)
        tls_context_unref(kept_context_replace(kept));
    kept_context_forget(kept);
}

void context_set_refresh(struct context_set *set)
{
    for (size_t i = 0; set && i < set->plan.context_count; i++)
        refresh(&set->contexts[i]);
}

struct tls_context *kept_context_replace(struct kept_context *kept)
{
    struct tls_context *former = kept->context;
    kept->context = kept->renewed;
    kept->renewed = NULL;
    return former;
}

void kept_context_forget(struct kept_context *kept)
{
    tls_context_unref(kept->renewed);
    kept->renewed = NULL;
    free(kept->report);
    kept->report = NULL;
    kept->error = 0;
}

/* ---- life ---- */

static bool any_route_is_secure(const struct site *site)
{
    bool is_secure = false;
    for (size_t i = 0; i < site->route_count; i++)
        is_secure |= site->routes[i].kind == ROUTE_PROXY && proxy_speaks_tls(&site->routes[i].proxy);
    return is_secure;
}

static bool any_is_secure(const struct settings *settings)
{
    bool is_secure = false;
    for (size_t i = 0; i < settings->listener_count; i++)
        is_secure |= settings->listeners[i].https.is_on;
    for (size_t i = 0; i < settings->site_count; i++)
        is_secure |= any_route_is_secure(&settings->sites[i]);
    return is_secure;
}

const char *kept_context_file(const struct kept_context *kept)
{
    const struct tls_settings *settings = &kept->planned->settings;
    if (settings->pair_count > 0)
        return settings->pairs[0].certificate;
    const char *roots = settings->server_ca ? settings->server_ca : system_roots_of(settings);
    return roots ? roots : "no file";
}

static int plan(struct context_set *set, struct tls_tickets *tickets)
{
    int error = tls_plan_make(&set->plan, set->settings, tickets);
    if (error < 0)
        return error;
    set->contexts = calloc(set->plan.context_count + 1, sizeof(*set->contexts));
    if (set->contexts == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < set->plan.context_count; i++)
        set->contexts[i].planned = &set->plan.contexts[i];
    return 0;
}

int context_set_create(struct settings *settings, struct tls_tickets *tickets, struct context_set **ret_set)
{
    *ret_set = NULL;
    if (!any_is_secure(settings))
        return 0;
    struct context_set *set = calloc(1, sizeof(*set));
    if (set == NULL)
        return -ENOMEM;
    set->settings = settings_ref(settings);
    int error = plan(set, tickets);
    if (error < 0)
        context_set_destroy(set);
    else
        *ret_set = set;
    return error;
}

void context_set_destroy(struct context_set *set)
{
    if (set == NULL)
        return;
    for (size_t i = 0; set->contexts && i < set->plan.context_count; i++) {
        kept_context_forget(&set->contexts[i]);
        tls_context_unref(set->contexts[i].context);
    }
    free(set->contexts);
    tls_plan_finish(&set->plan);
    settings_unref(set->settings);
    free(set);
}
