/* Contexts by plan (server/tls_plan.h).
 *
 * What a file is like is a digest of its status, without its bytes: whoever puts a new certificate there
 * changes at least its time. Tools write the certificate and the key one after the other, and some write in
 * place: so a change must look the same twice before it is read. */
#include "server/context_set.h"

#include "base/error.h"
#include "base/hash.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "tls/context.h"

#include <errno.h>
#include <stdlib.h>

#define NS_PER_SECOND 1000000000

static int64_t context_set_now_seconds(void)
{
    return sys_realtime_ns() / NS_PER_SECOND;
}

/* ---- files ---- */

static uint64_t context_set_add_file(uint64_t digest, const char *path)
{
    struct file_status status = {0};
    struct hash_key key = {digest, path != NULL};
    int error = path ? sys_path_status(path, &status) : 0;
    uint64_t parts[] = {
        status.device,   status.inode, status.size, (uint64_t)status.modified_ns, (uint64_t)status.changed_ns,
        (uint64_t)error,
    };
    return hash_bytes(&key, slice_make((const char *)parts, sizeof(parts)));
}

static uint64_t look_at_files(const struct planned_context *planned)
{
    const struct tls_settings *settings = &planned->settings;
    uint64_t digest =
        context_set_add_file(context_set_add_file(0, settings->client_ca), settings->client_crl);
    for (size_t i = 0; i < settings->pair_count; i++) {
        const struct tls_pair_files *files = &settings->pairs[i];
        digest = context_set_add_file(
            context_set_add_file(context_set_add_file(digest, files->certificate), files->key), files->ocsp);
    }
    return digest;
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
    bool is_settled = digest == kept->seen;
    kept->seen = digest;
    if (digest == kept->taken || !is_settled)
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

static bool any_is_secure(const struct settings *settings)
{
    bool is_secure = false;
    for (size_t i = 0; i < settings->listener_count; i++)
        is_secure |= settings->listeners[i].https.is_on;
    return is_secure;
}

static int plan(struct context_set *set, const struct tls_ticket_keys *ticket_keys)
{
    int error = tls_plan_make(&set->plan, set->settings, ticket_keys);
    if (error < 0)
        return error;
    set->contexts = calloc(set->plan.context_count + 1, sizeof(*set->contexts));
    if (set->contexts == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < set->plan.context_count; i++)
        set->contexts[i].planned = &set->plan.contexts[i];
    return 0;
}

int context_set_create(struct settings *settings, const struct tls_ticket_keys *ticket_keys,
                       struct context_set **ret_set)
{
    *ret_set = NULL;
    if (!any_is_secure(settings))
        return 0;
    struct context_set *set = calloc(1, sizeof(*set));
    if (set == NULL)
        return -ENOMEM;
    set->settings = settings_ref(settings);
    int error = plan(set, ticket_keys);
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
