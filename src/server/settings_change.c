/* A change of settings: its roots are opened on the offload pool, then all of it takes effect at once,
 * between two callbacks of the loop.
 *
 * There is one change at a time that may still take effect, the latest. One that was given up, because a
 * later one came or because it took too long, stays until its job has come back. Each of those may be stuck
 * at a file system that does not answer, and has a thread of the pool: hence JOBS_MAX. */
#include "server/settings_change.h"

#include "base/error.h"
#include "serve/figures.h"
#include "server/certificates.h"
#include "server/context_set.h"
#include "server/server_internal.h"

#include <errno.h>
#include <stdlib.h>

/* Time limit of a change: a root that is not open by then counts as one that cannot be opened. */
#define OPENING_MS_MAX 10000

/* Most changes with running jobs, including cancelled ones. */
#define JOBS_MAX 4

struct settings_change {
    struct server *server;
    struct settings *settings;
    struct root_opening *opening;
    struct context_set *contexts; /* of its certificates; NULL: it has none, or they were taken up */
    int contexts_error;           /* once the job is back */
    bool is_made;                 /* the job is back */
    server_changed *done;         /* NULL: it was called */
    void *context;
    struct job job;
    struct timer timer;
};

/* ---- what comes of it ---- */

static void log_fault(struct log *log, const struct server_fault *fault)
{
    if (fault->error == -ENOSYS)
        log_error(log, "this kernel has no openat2(2), which keeps requests inside a folder: Linux 5.6 or "
                       "later is needed, and a sandbox around vif must allow the call");
    else if (fault->error == -ETIMEDOUT)
        log_error(log, "cannot open the folder %.*s: no answer from its file system after %d seconds",
                  SLICE_ARGS(fault->path), OPENING_MS_MAX / 1000);
    else
        log_error(log, "cannot open the folder %.*s: %s", SLICE_ARGS(fault->path), strerror(-fault->error));
}

/* Fills `faults`, where there is room for one for each item, and logs them. Returns how many there are. */
static size_t find_faults(const struct root_opening *opening, struct log *log, struct server_fault *faults)
{
    size_t count = 0;
    for (size_t i = 0; i < opening->count; i++) {
        int error = root_opening_error(opening, i);
        if (error == 0)
            continue;
        faults[count] = (struct server_fault){.path = opening->items[i].spec.path, .error = error};
        log_fault(log, &faults[count++]);
    }
    return count;
}

static void move_root(void *context, struct root *root, struct root_look *look)
{
    struct server *server = context;
    files_move_root(&server->files, root, look);
}

/* The one place where new settings take over. */
static void swap(struct server *server, struct snapshot *next, const struct listener_numbers *numbers)
{
    struct snapshot *former = server->service.snapshot;
    files_handler_take_snapshot(&server->files, former, next);
    proxy_handler_take_settings(&server->proxy, next->settings);
    server->service.snapshot = next;
    front_take_settings(&server->front, former->settings);
    front_renumber(&server->front, numbers);
    file_cache_set_limits(server->files.cache, &next->settings->limits);
    snapshot_unref(former);
}

static int take_over(struct settings_change *change)
{
    struct server *server = change->server;
    struct snapshot *next;
    int error = root_opening_join(change->opening, loop_now_ms(server->options.loop), move_root, server);
    if (error != 0)
        return error;
    error = snapshot_create(change->settings, &server->roots, &next);
    if (error != 0)
        return error;
    struct listener_numbers numbers =
        listener_numbers_between(service_settings(&server->service), change->settings);
    error = certificates_take(server->options.certificates, change->contexts, &numbers);
    if (error != 0) {
        snapshot_unref(next);
        return error;
    }
    change->contexts = NULL;
    snapshot_set_logs(next, server->service.site_logs);
    figures_name_routes(next, server->service.snapshot, server->service.counters);
    swap(server, next, &numbers);
    return 0;
}

/* The error, other than of folders, that prevents the change from taking effect. */
static int certificates_error(const struct settings_change *change)
{
    const struct server_options *options = &change->server->options;
    if (!change->is_made) {
        log_error(options->log,
                  "cannot load the certificates: no answer from their file system after %d seconds",
                  OPENING_MS_MAX / 1000);
        return -ETIMEDOUT;
    }
    certificates_tell(options->certificates, change->contexts);
    return change->contexts_error;
}

/* ---- its life ---- */

/* Its caller may begin another change from here. */
static void conclude(struct settings_change *change, const struct server_verdict *verdict)
{
    server_changed *done = change->done;
    change->done = NULL;
    if (change->server->change == change)
        change->server->change = NULL;
    timer_disarm(&change->timer);
    done(change->context, verdict);
}

static void decide(struct settings_change *change)
{
    struct root_opening *opening = change->opening;
    struct server_verdict verdict = {0};
    struct server_fault *faults = calloc(opening->count + 1, sizeof(*faults));
    if (faults == NULL) {
        verdict.error = -ENOMEM;
    } else {
        verdict.fault_count = find_faults(opening, change->server->options.log, faults);
        verdict.faults = faults;
        verdict.error = verdict.fault_count > 0 ? faults[0].error : certificates_error(change);
        if (verdict.error == 0)
            verdict.error = take_over(change);
    }
    conclude(change, &verdict);
    free(faults);
}

static void settings_change_destroy(struct settings_change *change)
{
    root_opening_destroy(change->opening);
    context_set_destroy(change->contexts);
    settings_unref(change->settings);
    free(change);
}

static void settings_change_work(struct job *job)
{
    struct settings_change *change = CONTAINER_OF(job, struct settings_change, job);
    root_opening_make(change->opening);
    change->contexts_error = context_set_load(change->contexts);
}

static void on_made(struct job *job)
{
    struct settings_change *change = CONTAINER_OF(job, struct settings_change, job);
    change->server->change_jobs--;
    change->is_made = true;
    if (change->done)
        decide(change);
    settings_change_destroy(change);
}

static void settings_change_on_late(struct timer *timer)
{
    decide(CONTAINER_OF(timer, struct settings_change, timer));
}

static struct settings_change *settings_change_create(struct server *server, struct settings *settings)
{
    struct settings_change *change = calloc(1, sizeof(*change));
    if (change == NULL)
        return NULL;
    change->server = server;
    change->settings = settings_ref(settings);
    change->job = (struct job){.work = settings_change_work, .done = on_made};
    timer_init(&change->timer, settings_change_on_late);
    change->opening = root_opening_create(&server->roots, settings);
    if (change->opening)
        return change;
    settings_change_destroy(change);
    return NULL;
}

static void settings_change_cancel(struct settings_change *change)
{
    if (change)
        conclude(change, &(struct server_verdict){.error = -ECANCELED});
}

void settings_change_give_up(struct server *server)
{
    settings_change_cancel(server->change);
}

static int settings_change_submit(struct server *server, struct settings *settings, server_changed *done,
                                  void *context)
{
    struct loop *loop = server->options.loop;
    if (server->change_jobs >= JOBS_MAX)
        return -EBUSY;
    struct settings_change *change = settings_change_create(server, settings);
    if (change == NULL)
        return -ENOMEM;
    int error = certificates_prepare(server->options.certificates, settings, &change->contexts);
    if (error == 0)
        error = offload_submit(loop, &change->job);
    if (error < 0) {
        settings_change_destroy(change);
        return error;
    }
    struct settings_change *former = server->change;
    server->change = change;
    server->change_jobs++;
    change->done = done;
    change->context = context;
    wheel_arm(loop_wheel(loop), &change->timer, OPENING_MS_MAX);
    settings_change_cancel(former);
    return 0;
}

void server_change(struct server *server, struct settings *settings, server_changed *done, void *context)
{
    int error = settings_change_submit(server, settings, done, context);
    if (error < 0)
        done(context, &(struct server_verdict){.error = error});
}

static int first_snapshot(struct server *server, struct settings_change *change)
{
    struct server_fault *faults = calloc(change->opening->count + 1, sizeof(*faults));
    if (faults == NULL)
        return -ENOMEM;
    root_opening_make(change->opening);
    size_t count = find_faults(change->opening, server->options.log, faults);
    int error =
        count > 0 ? faults[0].error
                  : root_opening_join(change->opening, loop_now_ms(server->options.loop), move_root, server);
    free(faults);
    if (error < 0)
        return error;
    error = snapshot_create(change->settings, &server->roots, &server->service.snapshot);
    if (error < 0)
        return error;
    snapshot_set_logs(server->service.snapshot, server->service.site_logs);
    figures_name_routes(server->service.snapshot, NULL, server->service.counters);
    return 0;
}

int settings_change_begin(struct server *server)
{
    struct settings_change *change = settings_change_create(server, server->options.settings);
    if (change == NULL)
        return -ENOMEM;
    int error = first_snapshot(server, change);
    settings_change_destroy(change);
    return error;
}
