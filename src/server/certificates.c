/* Server names by listener for a set of contexts, and a job that alternates between loop and pool to keep the
 * set up to date. Most tools write certificate and key one after the other: SETTLE_MS allows time for
 * that. */
#include "server/certificates.h"

#include "base/error.h"
#include "front/tls_transport.h"
#include "loop/offload.h"
#include "loop/wheel.h"
#include "server/context_set.h"
#include "sys/clock.h"

#include <errno.h>
#include <stdlib.h>

#define LOOK_MS   400
#define SETTLE_MS 100

#define NS_PER_SECOND   1000000000
#define SECONDS_PER_DAY 86400

struct certificates {
    struct certificates_options options;
    struct context_set *set;
    struct context_set
        *looked_at; /* by the job; NULL: none is under way. Another than `set`: to be destroyed */
    size_t listener_count;
    bool is_looking;    /* the job is under way */
    bool is_settling;   /* something has changed that is to be read if it stays so */
    bool is_left_alone; /* destroyed while the job was under way */
    int64_t warned;     /* of what ends soon, last: seconds since 1970 */
    struct job job;
    struct timer timer;
    struct tls_names *names; /* of each listener */
    struct tls_listener *listeners;
};

static int64_t certificates_now_seconds(void)
{
    return sys_realtime_ns() / NS_PER_SECOND;
}

/* ---- what is said ---- */

void certificates_log(struct log *log, const struct tls_report *report, bool is_renewal)
{
    for (size_t i = 0; report && i < report->count; i++) {
        const struct tls_finding *finding = &report->findings[i];
        bool is_grave =
            finding->level == TLS_LEVEL_ERROR || (is_renewal && finding->level == TLS_LEVEL_DOUBT);
        if (is_grave)
            log_error(log, "%s", finding->text);
        else
            log_warning(log, "%s", finding->text);
    }
}

static void tell_renewed(const struct certificates *certificates, const struct kept_context *kept)
{
    char date[TLS_DATE_BYTES];
    tls_date_format(kept->context->expires, date);
    if (certificates->options.is_speaker)
        log_info(certificates->options.log, "%s changed and was taken up; it is good until %s",
                 kept->planned->pairs[0].certificate, date);
}

static void certificates_tell_refused(const struct certificates *certificates,
                                      const struct kept_context *kept)
{
    if (certificates->options.is_speaker)
        log_error(certificates->options.log,
                  "%s changed and was not taken up: the one before stays in use%s%s",
                  kept->planned->pairs[0].certificate, kept->error == -ENOMEM ? ": " : "",
                  kept->error == -ENOMEM ? "out of memory" : "");
}

/* ---- looking, on the pool ---- */

static void certificates_work(struct job *job)
{
    struct certificates *certificates = CONTAINER_OF(job, struct certificates, job);
    certificates->is_settling = context_set_look(certificates->looked_at);
}

/* ---- taking up, on the loop ---- */

static void replace_context(struct certificates *certificates, struct kept_context *kept)
{
    struct tls_context *former = kept_context_replace(kept);
    for (size_t i = 0; i < certificates->listener_count; i++)
        tls_names_replace(&certificates->names[i], former, kept->context);
    tls_context_unref(former);
    tell_renewed(certificates, kept);
    if (certificates->options.on_renewed)
        certificates->options.on_renewed(certificates->options.context);
}

static void take_up(struct certificates *certificates, struct kept_context *kept)
{
    if (!kept_context_was_read(kept))
        return;
    if (certificates->options.is_speaker)
        certificates_log(certificates->options.log, kept->report, true);
    if (kept->renewed)
        replace_context(certificates, kept);
    else
        certificates_tell_refused(certificates, kept);
    kept_context_forget(kept);
}

static void certificates_free(struct certificates *certificates);

/* Warns once a day of certificates that are about to expire. Findings of the start were logged then. */
static void warn_of_ends(struct certificates *certificates)
{
    int64_t now = certificates_now_seconds();
    if (now - certificates->warned < SECONDS_PER_DAY || !certificates->options.is_speaker)
        return;
    certificates->warned = now;
    for (size_t i = 0; i < certificates->set->plan.context_count; i++) {
        const struct kept_context *kept = &certificates->set->contexts[i];
        char date[TLS_DATE_BYTES];
        tls_date_format(kept->context->expires, date);
        if (kept->context->expires - now < TLS_EXPIRY_WARNING_DAYS * SECONDS_PER_DAY)
            log_warning(certificates->options.log, "%s: ends on %s", kept->planned->pairs[0].certificate,
                        date);
    }
}

static void look_later(struct certificates *certificates)
{
    wheel_arm(loop_wheel(certificates->options.loop), &certificates->timer,
              certificates->is_settling ? SETTLE_MS : LOOK_MS);
}

static void on_looked(struct job *job)
{
    struct certificates *certificates = CONTAINER_OF(job, struct certificates, job);
    certificates->is_looking = false;
    if (certificates->is_left_alone) {
        certificates_free(certificates);
        return;
    }
    if (certificates->looked_at == certificates->set) {
        for (size_t i = 0; i < certificates->set->plan.context_count; i++)
            take_up(certificates, &certificates->set->contexts[i]);
    } else {
        context_set_destroy(certificates->looked_at);
    }
    certificates->looked_at = NULL;
    warn_of_ends(certificates);
    look_later(certificates);
}

static void on_time(struct timer *timer)
{
    struct certificates *certificates = CONTAINER_OF(timer, struct certificates, timer);
    certificates->looked_at = certificates->set;
    certificates->is_looking = offload_submit(certificates->options.loop, &certificates->job) == 0;
    if (certificates->is_looking)
        return;
    certificates->looked_at = NULL;
    look_later(certificates);
}

/* ---- life ---- */

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

static bool set_speaks_tls(const struct context_set *set, size_t listener)
{
    return listener < set->settings->listener_count && set->settings->listeners[listener].https.is_on;
}

static int fill_names(struct tls_names *names, const struct context_set *set, size_t listener)
{
    const struct tls_plan *plan = &set->plan;
    uint32_t fallback = plan->of_defaults[listener];
    int error = 0;
    tls_names_init(names);
    for (size_t i = 0; i < plan->settings->site_count && error == 0; i++) {
        uint32_t number = tls_plan_of_site(plan, i, listener);
        if (number != TLS_PLAN_NONE)
            error = add_names(names, &plan->settings->sites[i], set->contexts[number].context);
    }
    if (fallback != TLS_PLAN_NONE)
        tls_names_set_default(names, set->contexts[fallback].context);
    return error;
}

static void finish_names(struct tls_names *names, size_t count)
{
    for (size_t i = 0; names && i < count; i++)
        tls_names_finish(&names[i]);
    free(names);
}

/* Of each listener by a set; zeroed where it does not speak TLS. NULL without memory. */
static struct tls_names *make_names(const struct certificates *certificates, const struct context_set *set)
{
    struct tls_names *names = calloc(certificates->listener_count, sizeof(*names));
    int error = names ? 0 : -ENOMEM;
    for (size_t i = 0; error == 0 && i < certificates->listener_count; i++) {
        if (set_speaks_tls(set, i))
            error = fill_names(&names[i], set, i);
    }
    if (error == 0)
        return names;
    finish_names(names, certificates->listener_count);
    return NULL;
}

/* The names change places, as listeners lead to where they are. */
static void take_listener(struct certificates *certificates, const struct context_set *set, size_t number,
                          struct tls_names *names)
{
    const struct limits *limits = &set->settings->limits;
    struct tls_listener *listener = &certificates->listeners[number];
    struct tls_names former = certificates->names[number];
    certificates->names[number] = *names;
    *names = former;
    listener->names = &certificates->names[number];
    listener->limits = TLS_LIMITS_DEFAULT;
    listener->limits.hello_bytes = limits->hello_bytes;
    listener->limits.handshake_bytes = MAX(limits->handshake_bytes, limits->hello_bytes);
}

static int take_listeners(struct certificates *certificates, const struct context_set *set)
{
    struct tls_names *names = make_names(certificates, set);
    if (names == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < certificates->listener_count; i++) {
        if (set_speaks_tls(set, i))
            take_listener(certificates, set, i, &names[i]);
    }
    finish_names(names, certificates->listener_count);
    return 0;
}

static int certificates_allocate(struct certificates *certificates)
{
    certificates->names = calloc(certificates->listener_count, sizeof(*certificates->names));
    certificates->listeners = calloc(certificates->listener_count, sizeof(*certificates->listeners));
    return certificates->names && certificates->listeners ? 0 : -ENOMEM;
}

static void certificates_free(struct certificates *certificates)
{
    finish_names(certificates->names, certificates->listener_count);
    free(certificates->listeners);
    if (certificates->looked_at != certificates->set)
        context_set_destroy(certificates->looked_at);
    context_set_destroy(certificates->set);
    free(certificates);
}

int certificates_create(const struct certificates_options *options, struct context_set *set,
                        struct certificates **ret_certificates)
{
    *ret_certificates = NULL;
    if (set == NULL)
        return 0;
    struct certificates *certificates = calloc(1, sizeof(*certificates));
    if (certificates == NULL) {
        context_set_destroy(set);
        return -ENOMEM;
    }
    certificates->options = *options;
    certificates->set = set;
    certificates->listener_count = set->settings->listener_count;
    certificates->warned = certificates_now_seconds();
    certificates->job = (struct job){.work = certificates_work, .done = on_looked};
    timer_init(&certificates->timer, on_time);
    int error = certificates_allocate(certificates);
    if (error == 0)
        error = take_listeners(certificates, set);
    if (error < 0) {
        certificates_free(certificates);
        return error;
    }
    look_later(certificates);
    *ret_certificates = certificates;
    return 0;
}

/* ---- other settings ---- */

int certificates_prepare(const struct certificates *certificates, struct settings *settings,
                         struct context_set **ret_set)
{
    *ret_set = NULL;
    if (certificates == NULL)
        return 0;
    return context_set_create(settings, certificates->options.ticket_keys, ret_set);
}

int certificates_take(struct certificates *certificates, struct context_set *set)
{
    if (certificates == NULL || set == NULL)
        return 0;
    int error = take_listeners(certificates, set);
    if (error < 0)
        return error;
    if (certificates->looked_at != certificates->set)
        context_set_destroy(certificates->set);
    certificates->set = set;
    for (size_t i = 0; i < set->plan.context_count; i++)
        kept_context_forget(&set->contexts[i]); /* it was told */
    return 0;
}

void certificates_tell(const struct certificates *certificates, const struct context_set *set)
{
    for (size_t i = 0; set && i < set->plan.context_count; i++) {
        const struct kept_context *kept = &set->contexts[i];
        if (kept->error != 0 || certificates->options.is_speaker)
            certificates_log(certificates->options.log, kept->report, false);
    }
}

const struct tls_listener *certificates_of(const struct certificates *certificates, size_t listener)
{
    bool is_secure = certificates && listener < certificates->listener_count &&
                     certificates->listeners[listener].names != NULL;
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
        certificates_free(certificates);
}
