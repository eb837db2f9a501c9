/* Server names by listener for a set of contexts, and a job that alternates between loop and pool to keep the
 * set up to date. It runs when a file has changed; every LOOK_MS while a file cannot be watched. Most tools
 * write certificate and key one after the other: SETTLE_MS allows time for that. */
#include "server/certificates.h"

#include "base/error.h"
#include "front/tls_transport.h"
#include "loop/offload.h"
#include "loop/wheel.h"
#include "server/context_set.h"
#include "server/file_alarm.h"
#include "sys/clock.h"
#include "tls/remotes.h"

#include <errno.h>
#include <stdlib.h>

#define LOOK_MS   400
#define SETTLE_MS 100

/* How often to look at files that are watched, for changes that cause no event, such as a mount; and for
 * certificates that are about to expire. */
#define WATCHED_MS 60000

#define NS_PER_SECOND   1000000000
#define SECONDS_PER_DAY 86400

/* What connections of a listener need. It is freed when the listener is gone and its last connection, too. */
struct secure_listener {
    struct tls_listener listener;
    struct tls_names names;
    unsigned connections;
    struct secure_listener *next; /* in the list of those without a listener */
};

struct certificates {
    struct certificates_options options;
    struct context_set *set; /* NULL: no listener uses TLS */
    struct context_set
        *looked_at; /* by the job; NULL: none is under way. Another than `set`: to be destroyed */
    struct file_alarm alarm;
    bool is_looking;    /* the job is under way */
    bool is_watched;    /* changes of the files of `looked_at` will raise the alarm */
    bool has_changed;   /* the alarm was raised since the job began */
    bool is_settling;   /* something has changed that is to be read if it stays so */
    bool is_left_alone; /* destroyed while the job was under way */
    int64_t warned;     /* of what ends soon, last: seconds since 1970 */
    struct job job;
    struct timer timer;
    struct secure_listener *secure[LISTENERS_MAX]; /* by number; NULL: it does not use TLS */
    struct secure_listener *retired;               /* of listeners that are gone, with connections */
    struct tls_remotes remotes;                    /* of the set's routes */
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
    if (!certificates->options.is_speaker)
        return;
    if (kept->planned->settings.pair_count == 0) {
        log_info(certificates->options.log, "%s changed and was taken up", kept_context_file(kept));
        return;
    }
    tls_date_format(kept->context->expires, date);
    log_info(certificates->options.log, "%s changed and was taken up; it is good until %s",
             kept_context_file(kept), date);
}

static void certificates_tell_refused(const struct certificates *certificates,
                                      const struct kept_context *kept)
{
    if (certificates->options.is_speaker)
        log_error(certificates->options.log,
                  "%s changed and was not taken up: the one before stays in use%s%s", kept_context_file(kept),
                  kept->error == -ENOMEM ? ": " : "", kept->error == -ENOMEM ? "out of memory" : "");
}

/* ---- looking, on the pool ---- */

static void certificates_work(struct job *job)
{
    struct certificates *certificates = CONTAINER_OF(job, struct certificates, job);
    certificates->is_watched = context_set_watch(certificates->looked_at, &certificates->alarm);
    certificates->is_settling = context_set_look(certificates->looked_at);
}

/* ---- taking up, on the loop ---- */

static void replace_context(struct certificates *certificates, struct kept_context *kept)
{
    struct tls_context *former = kept_context_replace(kept);
    for (size_t i = 0; i < LISTENERS_MAX; i++) {
        if (certificates->secure[i])
            tls_names_replace(&certificates->secure[i]->names, former, kept->context);
    }
    for (struct secure_listener *retired = certificates->retired; retired; retired = retired->next)
        tls_names_replace(&retired->names, former, kept->context);
    struct tls_remote *remote = tls_remotes_find(&certificates->remotes, kept->planned->identity);
    if (kept->planned->route && remote)
        tls_remote_set_context(remote, kept->context);
    assert(former != NULL && former != kept->context);
    tls_context_unref(former);
    tell_renewed(certificates, kept);
}

/* Whether it took effect. */
static bool take_up(struct certificates *certificates, struct kept_context *kept)
{
    bool is_renewed = kept->renewed != NULL;
    if (!kept_context_was_read(kept))
        return false;
    if (certificates->options.is_speaker)
        certificates_log(certificates->options.log, kept->report, true);
    if (is_renewed)
        replace_context(certificates, kept);
    else
        certificates_tell_refused(certificates, kept);
    kept_context_forget(kept);
    return is_renewed;
}

static void take_up_all(struct certificates *certificates)
{
    assert(certificates->set != NULL);
    bool is_renewed = false;
    for (size_t i = 0; i < certificates->set->plan.context_count; i++)
        is_renewed |= take_up(certificates, &certificates->set->contexts[i]);
    if (is_renewed && certificates->options.on_renewed)
        certificates->options.on_renewed(certificates->options.context);
}

static void certificates_free(struct certificates *certificates);

/* Warns once a day of certificates that are about to expire. Findings of the start were logged then. */
static void warn_of_ends(struct certificates *certificates)
{
    int64_t now = certificates_now_seconds();
    if (now - certificates->warned < SECONDS_PER_DAY || !certificates->options.is_speaker)
        return;
    certificates->warned = now;
    for (size_t i = 0; certificates->set && i < certificates->set->plan.context_count; i++) {
        const struct kept_context *kept = &certificates->set->contexts[i];
        char date[TLS_DATE_BYTES];
        if (kept->context->expires - now >= TLS_EXPIRY_WARNING_DAYS * SECONDS_PER_DAY)
            continue;
        tls_date_format(kept->context->expires, date);
        log_warning(certificates->options.log, "%s: ends on %s", kept_context_file(kept), date);
    }
}

bool certificates_next(const struct certificates *certificates, size_t number,
                       struct certificate_in_use *ret_used)
{
    if (certificates == NULL || certificates->set == NULL || number >= certificates->set->plan.context_count)
        return false;
    const struct kept_context *kept = &certificates->set->contexts[number];
    bool is_shown = kept->context && kept->planned->settings.pair_count > 0;
    *ret_used = (struct certificate_in_use){0};
    if (is_shown)
        *ret_used = (struct certificate_in_use){kept_context_file(kept), kept->context->expires};
    return true;
}

static void look_in(struct certificates *certificates, uint64_t ms)
{
    wheel_arm(loop_wheel(certificates->options.loop), &certificates->timer, ms);
}

static void look_later(struct certificates *certificates)
{
    bool is_soon = certificates->is_settling || certificates->has_changed;
    if (certificates->set)
        look_in(certificates, is_soon ? SETTLE_MS : certificates->is_watched ? WATCHED_MS : LOOK_MS);
    else
        timer_disarm(&certificates->timer);
}

static void certificates_on_alarm(struct file_alarm *alarm)
{
    struct certificates *certificates = CONTAINER_OF(alarm, struct certificates, alarm);
    bool is_expected = certificates->has_changed || certificates->is_looking;
    certificates->has_changed = true;
    if (!is_expected)
        look_later(certificates);
}

static void on_looked(struct job *job)
{
    struct certificates *certificates = CONTAINER_OF(job, struct certificates, job);
    assert(certificates->is_looking);
    certificates->is_looking = false;
    if (certificates->is_left_alone) {
        certificates_free(certificates);
        return;
    }
    if (certificates->looked_at == certificates->set) {
        take_up_all(certificates);
    } else {
        context_set_destroy(certificates->looked_at);
        certificates->is_watched = false;
    }
    certificates->looked_at = NULL;
    warn_of_ends(certificates);
    look_later(certificates);
}

static void on_time(struct timer *timer)
{
    struct certificates *certificates = CONTAINER_OF(timer, struct certificates, timer);
    assert(!certificates->is_looking && certificates->set != NULL);
    certificates->looked_at = certificates->set;
    certificates->has_changed = false;
    certificates->is_looking = offload_submit(certificates->options.loop, &certificates->job) == 0;
    if (certificates->is_looking)
        return;
    certificates->looked_at = NULL;
    look_in(certificates, LOOK_MS);
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
    assert(listener < LISTENERS_MAX);
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

/* ---- listeners ---- */

/* What is to take effect for the listeners of a set: everything that may fail comes first. */
struct secure_change {
    struct secure_listener *secure[LISTENERS_MAX]; /* those that stay, and new ones */
    struct tls_names names[LISTENERS_MAX];
    bool is_new[LISTENERS_MAX];
};

static struct secure_listener *secure_listener_create(void)
{
    struct secure_listener *secure = calloc(1, sizeof(*secure));
    if (secure == NULL)
        return NULL;
    tls_names_init(&secure->names);
    secure->listener.names = &secure->names;
    secure->listener.connections = &secure->connections;
    return secure;
}

static void secure_listener_destroy(struct secure_listener *secure)
{
    tls_names_finish(&secure->names);
    free(secure);
}

static void secure_change_destroy(struct secure_change *change)
{
    for (size_t i = 0; i < LISTENERS_MAX; i++) {
        tls_names_finish(&change->names[i]);
        if (change->is_new[i])
            secure_listener_destroy(change->secure[i]);
    }
    free(change);
}

/* Of a listener that stays; NULL if it is new, or did not use TLS. */
static struct secure_listener *find_former(const struct certificates *certificates,
                                           const struct listener_numbers *numbers, size_t number)
{
    for (size_t i = 0; i < LISTENERS_MAX; i++) {
        if (certificates->secure[i] && numbers->now[i] == number)
            return certificates->secure[i];
    }
    return NULL;
}

static int secure_change_add(struct secure_change *change, const struct certificates *certificates,
                             const struct listener_numbers *numbers, const struct context_set *set,
                             size_t number)
{
    assert(number < LISTENERS_MAX && change->secure[number] == NULL);
    struct secure_listener *former = find_former(certificates, numbers, number);
    change->secure[number] = former ? former : secure_listener_create();
    change->is_new[number] = former == NULL && change->secure[number] != NULL;
    return change->secure[number] ? fill_names(&change->names[number], set, number) : -ENOMEM;
}

static struct secure_change *secure_change_create(const struct certificates *certificates,
                                                  const struct listener_numbers *numbers,
                                                  const struct context_set *set)
{
    struct secure_change *change = calloc(1, sizeof(*change));
    int error = change ? 0 : -ENOMEM;
    for (size_t i = 0; error == 0 && set && i < set->settings->listener_count; i++) {
        if (set_speaks_tls(set, i))
            error = secure_change_add(change, certificates, numbers, set, i);
    }
    if (error == 0)
        return change;
    if (change)
        secure_change_destroy(change);
    return NULL;
}

/* Connections that began at a listener which is gone may still have their handshake before them. */
static void retire_listeners(struct certificates *certificates, const struct secure_change *change)
{
    for (size_t i = 0; i < LISTENERS_MAX; i++) {
        struct secure_listener *secure = certificates->secure[i];
        bool stays = false;
        for (size_t j = 0; secure && j < LISTENERS_MAX; j++)
            stays |= change->secure[j] == secure;
        if (secure == NULL || stays)
            continue;
        secure->next = certificates->retired;
        certificates->retired = secure;
    }
}

static void free_retired(struct certificates *certificates, bool all)
{
    struct secure_listener **link = &certificates->retired;
    while (*link) {
        struct secure_listener *secure = *link;
        if (!all && secure->connections > 0) {
            link = &secure->next;
            continue;
        }
        *link = secure->next;
        secure_listener_destroy(secure);
    }
}

static void take_listener(struct secure_listener *secure, const struct limits *limits,
                          struct tls_names *names)
{
    struct tls_names former = secure->names;
    secure->names = *names;
    *names = former;
    secure->listener.limits = TLS_LIMITS_DEFAULT;
    secure->listener.limits.hello_bytes = limits->hello_bytes;
    secure->listener.limits.handshake_bytes = MAX(limits->handshake_bytes, limits->hello_bytes);
}

static int take_listeners(struct certificates *certificates, const struct context_set *set,
                          const struct listener_numbers *numbers)
{
    struct secure_change *change = secure_change_create(certificates, numbers, set);
    if (change == NULL)
        return -ENOMEM;
    free_retired(certificates, false); /* not those of this change: their sockets are still listened on */
    retire_listeners(certificates, change);
    for (size_t i = 0; i < LISTENERS_MAX; i++) {
        certificates->secure[i] = change->secure[i];
        change->is_new[i] = false;
        if (change->secure[i])
            take_listener(change->secure[i], &set->settings->limits, &change->names[i]);
    }
    secure_change_destroy(change);
    return 0;
}

/* Routes whose TLS settings were there before keep their remote, and so their connections. `set` may be NULL.
 * Returns false, with nothing changed, if out of memory. */
static bool make_remotes(const struct certificates *certificates, const struct context_set *set,
                         struct tls_remotes *ret_remotes)
{
    size_t count = set ? set->plan.context_count : 0;
    *ret_remotes = (struct tls_remotes){0};
    if (!tls_remotes_reserve(ret_remotes, count))
        return false;
    for (size_t i = 0; i < count; i++) {
        const struct kept_context *kept = &set->contexts[i];
        if (kept->planned->route == NULL)
            continue;
        struct tls_remote *former = tls_remotes_find(&certificates->remotes, kept->planned->identity);
        struct tls_remote *remote =
            former ? tls_remote_ref(former) : tls_remote_create(kept->planned->identity, kept->context);
        if (remote == NULL) {
            tls_remotes_finish(ret_remotes);
            return false;
        }
        ret_remotes->list[ret_remotes->count++] = remote;
    }
    return true;
}

static void use_remotes(struct certificates *certificates, const struct context_set *set,
                        const struct tls_remotes *remotes)
{
    tls_remotes_finish(&certificates->remotes);
    certificates->remotes = *remotes;
    for (size_t i = 0; set && i < set->plan.context_count; i++) {
        const struct kept_context *kept = &set->contexts[i];
        if (kept->planned->route)
            tls_remote_set_context(tls_remotes_find(remotes, kept->planned->identity), kept->context);
    }
}

/* All that a set changes at once. Returns 0, or -ENOMEM with nothing changed. */
static int take_set(struct certificates *certificates, const struct context_set *set,
                    const struct listener_numbers *numbers)
{
    struct tls_remotes remotes;
    if (!make_remotes(certificates, set, &remotes))
        return -ENOMEM;
    int error = take_listeners(certificates, set, numbers);
    if (error == 0)
        use_remotes(certificates, set, &remotes);
    else
        tls_remotes_finish(&remotes);
    return error;
}

const struct tls_remotes *certificates_remotes(const struct certificates *certificates)
{
    return certificates ? &certificates->remotes : NULL;
}

static void certificates_free(struct certificates *certificates)
{
    tls_remotes_finish(&certificates->remotes);
    for (size_t i = 0; i < LISTENERS_MAX; i++) {
        if (certificates->secure[i])
            secure_listener_destroy(certificates->secure[i]);
    }
    free_retired(certificates, true);
    if (certificates->looked_at != certificates->set)
        context_set_destroy(certificates->looked_at);
    context_set_destroy(certificates->set);
    file_alarm_finish(&certificates->alarm);
    free(certificates);
}

int certificates_create(const struct certificates_options *options, struct context_set *set,
                        struct certificates **ret_certificates)
{
    assert(options->loop != NULL && options->log != NULL);
    *ret_certificates = NULL;
    struct certificates *certificates = calloc(1, sizeof(*certificates));
    if (certificates == NULL) {
        context_set_destroy(set);
        return -ENOMEM;
    }
    certificates->options = *options;
    file_alarm_begin(&certificates->alarm, options->loop, certificates_on_alarm);
    certificates->set = set;
    certificates->warned = certificates_now_seconds();
    certificates->job = (struct job){.work = certificates_work, .done = on_looked};
    timer_init(&certificates->timer, on_time);
    struct listener_numbers none = {0}; /* there were no listeners before */
    int error = take_set(certificates, set, &none);
    if (error < 0) {
        file_alarm_stop(&certificates->alarm);
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
    return context_set_create(settings, certificates->options.tickets, ret_set);
}

int certificates_take(struct certificates *certificates, struct context_set *set,
                      const struct listener_numbers *numbers)
{
    if (certificates == NULL)
        return 0;
    int error = take_set(certificates, set, numbers);
    if (error < 0)
        return error;
    if (certificates->looked_at == NULL || certificates->looked_at != certificates->set)
        context_set_destroy(certificates->set);
    certificates->set = set;
    for (size_t i = 0; set && i < set->plan.context_count; i++)
        kept_context_forget(&set->contexts[i]); /* it was told */
    if (certificates->is_looking)
        return 0;
    certificates->is_watched = false;
    look_later(certificates);
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
    const struct secure_listener *secure =
        certificates && listener < LISTENERS_MAX ? certificates->secure[listener] : NULL;
    return secure ? &secure->listener : NULL;
}

void certificates_destroy(struct certificates *certificates)
{
    if (certificates == NULL)
        return;
    timer_disarm(&certificates->timer);
    file_alarm_stop(&certificates->alarm);
    if (certificates->is_looking)
        certificates->is_left_alone = true;
    else
        certificates_free(certificates);
}
