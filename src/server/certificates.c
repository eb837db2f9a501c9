/* Contexts by plan (server/tls_plan.h), names by listener, and a job that goes round between loop and pool.
 *
 * What a file is like is a digest of its status, without its bytes: whoever puts a new certificate there
 * changes at least its time. Tools write the certificate and the key one after the other, and some write in
 * place: so a change must look the same twice, SETTLE_MS apart, before it is read. */
#include "server/certificates.h"

#include "base/error.h"
#include "base/hash.h"
#include "front/tls_transport.h"
#include "loop/offload.h"
#include "loop/wheel.h"
#include "server/tls_plan.h"
#include "sys/clock.h"
#include "sys/file.h"

#include <errno.h>
#include <stdlib.h>

#define LOOK_MS   400
#define SETTLE_MS 100

#define NS_PER_SECOND   1000000000
#define SECONDS_PER_DAY 86400

/* A context in use, and what was seen of its files. */
struct kept_context {
    const struct planned_context *planned;
    struct tls_context *context;
    uint64_t taken; /* the digest of what was read last, with success or without */
    uint64_t seen;  /* of what was seen last, if it is another */
    /* Of a look, until it is back on the loop: */
    int renewed_error; /* 0: there is nothing to tell, or `renewed` */
    struct tls_context *renewed;
    struct tls_report *report; /* NULL: nothing was read */
};

struct certificates {
    struct settings *settings;
    struct loop *loop;
    struct log *log;
    bool is_speaker;
    bool is_looking;    /* the job is under way */
    bool is_settling;   /* something has changed that is to be read if it stays so */
    bool is_left_alone; /* destroyed while the job was under way */
    int64_t warned;     /* of what ends soon, last: seconds since 1970 */
    struct job job;
    struct timer timer;
    struct tls_plan plan;
    struct kept_context *contexts; /* as many as the plan has */
    struct tls_names *names;       /* of each listener */
    struct tls_listener *listeners;
};

static int64_t now_seconds(void)
{
    return sys_realtime_ns() / NS_PER_SECOND;
}

/* ---- files ---- */

static uint64_t add_file(uint64_t digest, const char *path)
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
    uint64_t digest = add_file(add_file(0, settings->client_ca), settings->client_crl);
    for (size_t i = 0; i < settings->pair_count; i++) {
        const struct tls_pair_files *files = &settings->pairs[i];
        digest = add_file(add_file(add_file(digest, files->certificate), files->key), files->ocsp);
    }
    return digest;
}

/* ---- what is said ---- */

static void log_findings(const struct certificates *certificates, const struct tls_report *report,
                         bool is_renewal)
{
    for (size_t i = 0; i < report->count; i++) {
        const struct tls_finding *finding = &report->findings[i];
        bool is_grave =
            finding->level == TLS_LEVEL_ERROR || (is_renewal && finding->level == TLS_LEVEL_DOUBT);
        if (is_grave)
            log_error(certificates->log, "%s", finding->text);
        else
            log_warning(certificates->log, "%s", finding->text);
    }
}

static void tell_renewed(const struct certificates *certificates, const struct kept_context *kept)
{
    char date[TLS_DATE_BYTES];
    tls_date_format(kept->context->expires, date);
    if (certificates->is_speaker)
        log_info(certificates->log, "%s changed and was taken up; it is good until %s",
                 kept->planned->pairs[0].certificate, date);
}

static void tell_refused(const struct certificates *certificates, const struct kept_context *kept)
{
    if (certificates->is_speaker)
        log_error(certificates->log, "%s changed and was not taken up: the one before stays in use%s%s",
                  kept->planned->pairs[0].certificate, kept->renewed_error == -ENOMEM ? ": " : "",
                  kept->renewed_error == -ENOMEM ? "out of memory" : "");
}

/* ---- looking, on the pool ---- */

static void renew(struct kept_context *kept)
{
    kept->report = calloc(1, sizeof(*kept->report));
    kept->renewed_error = kept->report ? tls_context_renew(&kept->planned->settings, kept->context,
                                                           now_seconds(), kept->report, &kept->renewed)
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
    kept->taken = digest;
    renew(kept);
    return false;
}

static void work(struct job *job)
{
    struct certificates *certificates = CONTAINER_OF(job, struct certificates, job);
    certificates->is_settling = false;
    for (size_t i = 0; i < certificates->plan.context_count; i++)
        certificates->is_settling |= look(&certificates->contexts[i]);
}

/* ---- taking up, on the loop ---- */

static void replace_context(struct certificates *certificates, struct kept_context *kept)
{
    struct tls_context *old = kept->context;
    kept->context = kept->renewed;
    kept->renewed = NULL;
    for (size_t i = 0; i < certificates->settings->listener_count; i++)
        tls_names_replace(&certificates->names[i], old, kept->context);
    tls_context_unref(old);
}

static void take_up(struct certificates *certificates, struct kept_context *kept)
{
    if (kept->report == NULL && kept->renewed_error == 0)
        return;
    if (kept->report && certificates->is_speaker)
        log_findings(certificates, kept->report, true);
    if (kept->renewed) {
        replace_context(certificates, kept);
        tell_renewed(certificates, kept);
    } else {
        tell_refused(certificates, kept);
    }
    free(kept->report);
    kept->report = NULL;
    kept->renewed_error = 0;
}

static void destroy(struct certificates *certificates);

/* Once a day, of certificates that nobody renews. What was found at the start was said then. */
static void warn_of_ends(struct certificates *certificates)
{
    int64_t now = now_seconds();
    if (now - certificates->warned < SECONDS_PER_DAY || !certificates->is_speaker)
        return;
    certificates->warned = now;
    for (size_t i = 0; i < certificates->plan.context_count; i++) {
        const struct kept_context *kept = &certificates->contexts[i];
        char date[TLS_DATE_BYTES];
        tls_date_format(kept->context->expires, date);
        if (kept->context->expires - now < TLS_EXPIRY_WARNING_DAYS * SECONDS_PER_DAY)
            log_warning(certificates->log, "%s: ends on %s", kept->planned->pairs[0].certificate, date);
    }
}

static void look_later(struct certificates *certificates)
{
    wheel_arm(loop_wheel(certificates->loop), &certificates->timer,
              certificates->is_settling ? SETTLE_MS : LOOK_MS);
}

static void on_looked(struct job *job)
{
    struct certificates *certificates = CONTAINER_OF(job, struct certificates, job);
    certificates->is_looking = false;
    if (certificates->is_left_alone) {
        destroy(certificates);
        return;
    }
    for (size_t i = 0; i < certificates->plan.context_count; i++)
        take_up(certificates, &certificates->contexts[i]);
    warn_of_ends(certificates);
    look_later(certificates);
}

static void on_time(struct timer *timer)
{
    struct certificates *certificates = CONTAINER_OF(timer, struct certificates, timer);
    certificates->is_looking = offload_submit(certificates->loop, &certificates->job) == 0;
    if (!certificates->is_looking)
        look_later(certificates);
}

/* ---- life ---- */

static int load(struct certificates *certificates, struct kept_context *kept)
{
    struct tls_report *report = calloc(1, sizeof(*report));
    if (report == NULL)
        return -ENOMEM;
    kept->taken = kept->seen = look_at_files(kept->planned);
    int error = tls_context_create(&kept->planned->settings, now_seconds(), report, &kept->context);
    if (error || certificates->is_speaker) /* others may have read what was there before */
        log_findings(certificates, report, false);
    free(report);
    return error;
}

/* Goes on behind a bad one, so that all faults are told at once. */
static int load_all(struct certificates *certificates)
{
    int first_error = 0;
    for (size_t i = 0; i < certificates->plan.context_count; i++) {
        struct kept_context *kept = &certificates->contexts[i];
        kept->planned = &certificates->plan.contexts[i];
        int error = load(certificates, kept);
        first_error = first_error ? first_error : error;
    }
    return first_error;
}

/* The address of a listener is no name that a client sends; it gets the default. */
static int add_names(struct tls_names *names, const struct site *site, struct tls_context *context)
{
    for (size_t i = 0; i < site->host_count; i++) {
        int error = tls_names_add(names, site->hosts[i], context);
        if (error < 0 && error != -EINVAL)
            return error;
    }
    return 0;
}

static int fill_names(struct certificates *certificates, size_t listener)
{
    const struct tls_plan *plan = &certificates->plan;
    struct tls_names *names = &certificates->names[listener];
    uint32_t fallback = plan->of_defaults[listener];
    int error = 0;
    for (size_t i = 0; i < plan->settings->site_count && error == 0; i++) {
        uint32_t number = tls_plan_of_site(plan, i, listener);
        if (number != TLS_PLAN_NONE)
            error = add_names(names, &plan->settings->sites[i], certificates->contexts[number].context);
    }
    if (fallback != TLS_PLAN_NONE)
        tls_names_set_default(names, certificates->contexts[fallback].context);
    return error;
}

static int fill_listeners(struct certificates *certificates)
{
    const struct limits *limits = &certificates->settings->limits;
    int error = 0;
    for (size_t i = 0; i < certificates->settings->listener_count && error == 0; i++) {
        certificates->listeners[i] = (struct tls_listener){
            .names = &certificates->names[i],
            .limits = TLS_LIMITS_DEFAULT,
        };
        certificates->listeners[i].limits.hello_bytes = limits->hello_bytes;
        certificates->listeners[i].limits.handshake_bytes = MAX(limits->handshake_bytes, limits->hello_bytes);
        error = fill_names(certificates, i);
    }
    return error;
}

static int allocate(struct certificates *certificates)
{
    size_t listeners = certificates->settings->listener_count;
    certificates->contexts = calloc(certificates->plan.context_count + 1, sizeof(*certificates->contexts));
    certificates->names = calloc(listeners + 1, sizeof(*certificates->names));
    certificates->listeners = calloc(listeners + 1, sizeof(*certificates->listeners));
    if (certificates->contexts == NULL || certificates->names == NULL || certificates->listeners == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < listeners; i++)
        tls_names_init(&certificates->names[i]);
    return 0;
}

static void destroy(struct certificates *certificates)
{
    for (size_t i = 0; certificates->contexts && i < certificates->plan.context_count; i++) {
        tls_context_unref(certificates->contexts[i].context);
        tls_context_unref(certificates->contexts[i].renewed);
        free(certificates->contexts[i].report);
    }
    for (size_t i = 0; certificates->names && i < certificates->settings->listener_count; i++)
        tls_names_finish(&certificates->names[i]);
    free(certificates->contexts);
    free(certificates->names);
    free(certificates->listeners);
    tls_plan_finish(&certificates->plan);
    settings_unref(certificates->settings);
    free(certificates);
}

static bool any_is_secure(const struct settings *settings)
{
    bool is_secure = false;
    for (size_t i = 0; i < settings->listener_count; i++)
        is_secure |= settings->listeners[i].https.is_on;
    return is_secure;
}

int certificates_create(const struct certificates_options *options, struct certificates **ret_certificates)
{
    *ret_certificates = NULL;
    if (!any_is_secure(options->settings))
        return 0;
    struct certificates *certificates = calloc(1, sizeof(*certificates));
    if (certificates == NULL)
        return -ENOMEM;
    certificates->settings = settings_ref(options->settings);
    certificates->loop = options->loop;
    certificates->log = options->log;
    certificates->is_speaker = options->is_speaker;
    certificates->warned = now_seconds();
    certificates->job = (struct job){.work = work, .done = on_looked};
    timer_init(&certificates->timer, on_time);
    int error = tls_plan_make(&certificates->plan, options->settings, options->ticket_keys);
    if (error == 0)
        error = allocate(certificates);
    if (error == 0)
        error = load_all(certificates);
    if (error == 0)
        error = fill_listeners(certificates);
    if (error < 0) {
        destroy(certificates);
        return error;
    }
    look_later(certificates);
    *ret_certificates = certificates;
    return 0;
}

const struct tls_listener *certificates_of(const struct certificates *certificates, size_t listener)
{
    bool is_secure = certificates && listener < certificates->settings->listener_count &&
                     certificates->settings->listeners[listener].https.is_on;
    return is_secure ? &certificates->listeners[listener] : NULL;
}

void certificates_destroy(struct certificates *certificates)
{
    if (certificates == NULL)
        return;
    timer_disarm(&certificates->timer);
    if (certificates->is_looking)
        certificates->is_left_alone = true;
    else
        destroy(certificates);
}
