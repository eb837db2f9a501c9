/* Lookups. The first attempt never waits: the cache, then an open that the kernel answers from its own
 * caches. The exchange goes to the offload pool if that fails, and also if a folder of the path is not
 * watched yet, or the root's path must be looked at. */
#include "files/lookup.h"

#include "base/error.h"
#include "disk/file_look.h"
#include "disk/root_path.h"
#include "disk/root_table.h"
#include "files/files.h"

#include <errno.h>

/* What a job also does about the root, before it opens the file. */
struct root_work {
    uint64_t wishes;        /* the root's when this was planned */
    bool looks;             /* looks at the root's path */
    bool is_done;           /* the job was not dropped */
    struct root_path *path; /* to be watched; NULL: that is not due */
};

/* A lookup in progress; in the exchange's arena. */
struct lookup_state {
    struct file_request request;
    struct root_look root_look;
    struct root_work root_work;
    struct watch_plan *plan; /* folders to be watched off the loop; in the arena; NULL: none */
    struct cache_ticket ticket;
    struct file *identity; /* when looking up a coding: the file to use if that fails; holds a reference */
    struct file *stale;    /* the cached file, to be compared; holds a reference */
    bool compares;         /* compare `stale` by a look before opening */
    bool is_unchanged;     /* `stale` is still up to date */
    struct file *found;
    int error;
    lookup_done *done;
    void *handler_state; /* the caller's, restored before `done` */
};

/* Passes the file to the caller; instead of a sibling that cannot be served, its identity file. */
static void lookup_finish(struct exchange *exchange, struct file *file, struct file *identity,
                          lookup_done *done)
{
    if (identity && (file == NULL || file->kind != FILE_REGULAR)) {
        file_unref(file);
        file = identity;
        identity = NULL;
    }
    file_unref(identity);
    done(exchange, file);
}

/* Errors that may be temporary give 503. */
static int status_of_error(int error)
{
    switch (error) {
    case -EMFILE:
    case -ENFILE:
    case -ENOMEM:
    case -ECONNRESET:
    case -EAGAIN:
    case ERROR_CHANGED: return 503;
    default: return 500;
    }
}

static uint64_t lookup_now_ms(const struct exchange *exchange)
{
    return loop_now_ms(exchange->service->loop);
}

/* Whether it is in memory, or not, as the current settings require; they may have changed since it was
 * opened. */
static bool has_right_form(const struct exchange *exchange, const struct file *file)
{
    bool belongs_in_memory = file->status.size <= exchange->snapshot->settings->limits.cache_file_bytes;
    return file->kind != FILE_REGULAR || file->in_memory == belongs_in_memory;
}

/* Whether a look is enough to check the file. A file that is not watched is reopened now and then anyway:
 * its siblings may have changed, and perhaps it can be watched now. */
static bool may_compare(const struct exchange *exchange, const struct file *file)
{
    return has_right_form(exchange, file) &&
           (!file->revalidate || lookup_now_ms(exchange) - file->opened_ms < FILE_TRUST_MS);
}

/* Checks the file on the loop, if that needs no waiting. */
static bool is_still_true(const struct exchange *exchange, const struct file_request *request,
                          struct file *file)
{
    if (request->is_remote || file->crosses_mount || !may_compare(exchange, file) ||
        file_look_again(request, file) != 1)
        return false;
    struct file_cache *cache = files_of(exchange)->cache;
    file_cache_note_seen(cache, file, file_cache_cover_nothing(cache, request->root),
                         lookup_now_ms(exchange));
    return true;
}

/* Whether both are the same version of the same file, with the same siblings. */
static bool is_same_file(const struct file *a, const struct file *b)
{
    return a->kind == FILE_REGULAR && b->kind == FILE_REGULAR && file_is_untouched(&a->status, &b->status) &&
           a->siblings == b->siblings && a->in_memory == b->in_memory;
}

/* Keeps the cached file if it is still up to date; otherwise what was found replaces it. The caller owns a
 * reference to the returned file. A look that crossed a mount point does not confirm the watched folders:
 * they may be hidden beneath the mount. */
static struct file *keep_or_replace(struct exchange *exchange, struct lookup_state *state)
{
    struct file_cache *cache = files_of(exchange)->cache;
    struct file *stale = state->stale;
    struct file *found = state->found;
    state->stale = NULL;
    if (stale && (state->is_unchanged || (found && is_same_file(stale, found)))) {
        if (found || !state->request.stays_on_fs)
            file_cache_confirm(cache, stale, found ? found : stale, state->ticket);
        file_unref(found);
        return stale;
    }
    if (stale)
        file_cache_drop(cache, stale);
    file_unref(stale);
    if (found)
        file_cache_insert(cache, found, state->ticket);
    return found;
}

/* Handles the result: the file was opened, or an error. */
static void take_result(struct exchange *exchange, struct lookup_state *state)
{
    if (state->stale)
        state->stale->is_revalidating = false;
    if (state->error < 0 && state->identity == NULL) {
        file_unref(state->stale);
        exchange_fail(exchange, status_of_error(state->error));
        return;
    }
    struct file *file = keep_or_replace(exchange, state);
    if (file) {
        file_cache_note_seen(files_of(exchange)->cache, file, state->ticket, lookup_now_ms(exchange));
        if (!state->is_unchanged)
            file->opened_ms = lookup_now_ms(exchange);
    }
    exchange->handler_state = state->handler_state;
    lookup_finish(exchange, file, state->identity, state->done);
}

/* What is watched is watched before it is looked at, so that no change in between is missed. */
static void look_at_root(struct lookup_state *state)
{
    if (state->root_work.path)
        root_path_walk(state->root_work.path, state->root_look.path);
    if (state->root_work.looks || state->root_work.path) {
        root_make_look(&state->root_look);
        state->root_work.is_done = true;
    }
}

/* Whether the look found that the root's path leads elsewhere now. */
static bool root_has_moved(const struct lookup_state *state)
{
    return state->root_look.fd >= 0;
}

static void open_blocking(void *context)
{
    struct exchange *exchange = context;
    struct lookup_state *state = exchange->handler_state;
    look_at_root(state);
    if (root_has_moved(state))
        return;
    if (state->plan)
        file_watch_make(state->plan, state->request.path);
    state->is_unchanged = state->compares && file_look_again(&state->request, state->stale) == 1;
    state->error = state->is_unchanged ? 0 : file_open(&state->request, &state->found);
}

static void opened_off_loop(void *context);

/* Jobs on the root's own file system use its queue. Paths that cross a mount use another one, so that a
 * mount that hangs blocks only them. If the file was found before, its device is known, and that device's
 * queue is used. */
static struct job_queue *queue_of(const struct lookup_state *state, bool goes_remote)
{
    struct root *root = state->request.root;
    bool is_known = state->stale && state->stale->crosses_mount && state->stale->status.mode != 0;
    return goes_remote && is_known ? root_jobs_on(root, state->stale->status.device)
                                   : root_jobs(root, goes_remote);
}

static int go_off_loop(struct exchange *exchange, struct lookup_state *state, bool goes_remote)
{
    struct root *root = state->request.root;
    if (goes_remote)
        state->ticket = file_cache_cover_nothing(files_of(exchange)->cache, root);
    state->request.cached_only = false;
    state->request.stays_on_fs = !goes_remote;
    state->error = -EAGAIN; /* the result if the pool has no room for the job after all */
    return exchange_offload(exchange, queue_of(state, goes_remote), open_blocking, opened_off_loop, exchange);
}

/* Returns whether the exchange was offloaded again. */
static bool lookup_continues(struct exchange *exchange, struct lookup_state *state)
{
    if (state->error != -EREMOTE)
        return false;
    int error = go_off_loop(exchange, state, true);
    if (error < 0)
        state->error = error;
    return error == 0;
}

/* Applies what was found out about the root. */
static void take_root_work(struct exchange *exchange, struct root *root, struct lookup_state *state)
{
    struct root_work *work = &state->root_work;
    files_move_root(files_of(exchange), root, &state->root_look);
    if (work->path)
        root_path_adopt(root, work->path, lookup_now_ms(exchange));
    if (work->is_done && root->wishes == work->wishes)
        root_note_look(root, lookup_now_ms(exchange));
    *work = (struct root_work){0};
}

static void take_plan(struct exchange *exchange, struct lookup_state *state)
{
    if (state->plan)
        file_cache_join(files_of(exchange)->cache, state->request.root, state->request.path, state->plan,
                        &state->ticket);
    state->plan = NULL;
}

static void lookup_begin(struct exchange *exchange, struct root *root, struct slice path,
                         struct file *identity, enum http_coding coding, lookup_done *done);

/* The root's path leads elsewhere now: the lookup begins again there. A sibling of a file from before is not
 * looked for in the new folder. */
static void look_up_again(struct exchange *exchange, struct lookup_state *state)
{
    exchange->handler_state = state->handler_state;
    if (state->identity)
        lookup_finish(exchange, NULL, state->identity, state->done);
    else
        lookup_begin(exchange, state->request.root, state->request.path, NULL, state->request.coding,
                     state->done);
}

static void release_stale(struct lookup_state *state)
{
    if (state->stale)
        state->stale->is_revalidating = false;
    file_unref(state->stale);
    state->stale = NULL;
}

static void opened_off_loop(void *context)
{
    struct exchange *exchange = context;
    struct lookup_state *state = exchange->handler_state;
    bool has_moved = root_has_moved(state);
    take_root_work(exchange, state->request.root, state);
    take_plan(exchange, state);
    /* Owners with threads of their own may release files on any thread; the close queue is for the loop's
     * thread. */
    if (state->found && state->found->is_remote && exchange->events->on_job == NULL)
        state->found->close_queue = &files_of(exchange)->close_queue;
    if (exchange->owner == NULL) {
        file_unref(state->found);
        release_stale(state);
        file_unref(state->identity);
    } else if (has_moved) {
        release_stale(state);
        look_up_again(exchange, state);
    } else if (!lookup_continues(exchange, state)) {
        take_result(exchange, state);
    }
}

/* Frees descriptors if there are too few: opening a file briefly takes two. */
static bool makes_room(const struct exchange *exchange, int error, unsigned attempts)
{
    bool is_shortage = error == -EMFILE || error == -ENFILE;
    return is_shortage && attempts < 2 && service_free_descriptors(exchange->service, exchange->owner);
}

/* Whether a job must look at the root or watch something first. */
static bool has_watch_work(const struct lookup_state *state)
{
    return state->root_work.looks || state->root_work.path || state->plan;
}

/* A file beneath a mount point is tried here again now and then: perhaps it is no longer mounted. */
static int open_now(struct exchange *exchange, struct lookup_state *state)
{
    if (state->request.is_remote || (state->compares && state->stale->crosses_mount))
        return -EREMOTE;
    if (has_watch_work(state))
        return -EAGAIN;
    int error;
    unsigned attempts = 0;
    do
        error = file_open(&state->request, &state->found);
    while (makes_room(exchange, error, attempts++));
    return error;
}

/* Prepares to watch the folders of the path, unless they are watched already or it leads elsewhere. */
static void plan_watches(struct exchange *exchange, struct lookup_state *state)
{
    struct file_cache *cache = files_of(exchange)->cache;
    struct root *root = state->request.root;
    state->ticket = file_cache_cover(cache, root, state->request.path);
    if (state->ticket.folder.folder != 0 || (state->stale && state->stale->crosses_mount))
        return;
    struct watch_plan *plan = arena_alloc(&exchange->arena, sizeof(*plan));
    if (plan && file_cache_plan(cache, root, state->request.path, plan))
        state->plan = plan;
}

/* What is watched and looked at is left to a later request. */
static void drop_watch_work(struct exchange *exchange, struct lookup_state *state)
{
    take_root_work(exchange, state->request.root, state);
    take_plan(exchange, state);
    state->request.cached_only = state->request.stays_on_fs = true;
}

/* Opens the file now or starts a job that will. Returns 1 if a job was started: from then on the state
 * belongs to the job, which may already be done. If the pool has no room, perhaps the file can be opened
 * without it after all. */
static int open_or_offload(struct exchange *exchange, struct lookup_state *state)
{
    int error = open_now(exchange, state);
    if (error != -EAGAIN && error != -EREMOTE)
        return error;
    if (state->stale)
        state->stale->is_revalidating = true;
    int offload_error = go_off_loop(exchange, state, error == -EREMOTE);
    if (offload_error == 0)
        return 1;
    bool had_watch_work = has_watch_work(state);
    drop_watch_work(exchange, state);
    return had_watch_work && offload_error != -ECONNRESET ? open_or_offload(exchange, state) : offload_error;
}

/* Opens a file that is not in the cache, or must be checked. */
static void open_file(struct exchange *exchange, struct lookup_state prepared)
{
    struct lookup_state *state = arena_alloc(&exchange->arena, sizeof(*state));
    struct slice copy = arena_copy(&exchange->arena, prepared.request.path);
    if (state == NULL || copy.data == NULL) {
        file_unref(prepared.stale);
        file_unref(prepared.identity);
        take_root_work(exchange, prepared.request.root, &prepared);
        exchange_fail(exchange, 503);
        return;
    }
    *state = prepared;
    state->request.path = copy;
    state->handler_state = exchange->handler_state;
    exchange->handler_state = state;
    exchange->service->counters->cache_misses++;
    plan_watches(exchange, state);
    int error = open_or_offload(exchange, state);
    if (error == 1)
        return;
    state->error = error;
    take_result(exchange, state);
}

static struct file_request request_for(const struct exchange *exchange, struct root *root, struct slice path,
                                       enum http_coding coding)
{
    return (struct file_request){
        .root = root,
        .reach = root_reach(root),
        .root_serial = root->serial,
        .path = path,
        .coding = coding,
        .memory_max = exchange->snapshot->settings->limits.cache_file_bytes,
        .with_siblings = coding == HTTP_CODING_IDENTITY && root->spec.with_siblings,
        .with_lone_siblings = coding == HTTP_CODING_IDENTITY && root->spec.with_lone_siblings,
        .cached_only = true,
        .stays_on_fs = true,
        .is_remote = !root->is_local,
    };
}

/* Whether a job must look at the root's path. A remote one is looked at by one request at a time, and the
 * others do not wait for it. */
static bool must_look_at_root(struct exchange *exchange, struct root *root)
{
    bool must_wait = root->is_local && !root_is_unmoved(root);
    if (!must_wait)
        root_note_look(root, lookup_now_ms(exchange));
    return must_wait || !root->is_local;
}

static struct root_work plan_root_work(struct exchange *exchange, struct root *root)
{
    return (struct root_work){
        .wishes = root->wishes,
        .looks = must_look_at_root(exchange, root),
        .path = file_cache_plan_path(files_of(exchange)->cache, root, lookup_now_ms(exchange)),
    };
}

static void lookup_begin(struct exchange *exchange, struct root *root, struct slice path,
                         struct file *identity, enum http_coding coding, lookup_done *done)
{
    struct file_cache *cache = files_of(exchange)->cache;
    struct counters *counters = exchange->service->counters;
    struct root_work root_work = {0};
    if (UNLIKELY(root_look_is_due(root, lookup_now_ms(exchange))))
        root_work = plan_root_work(exchange, root);
    bool has_root_work = root_work.looks || root_work.path;
    struct file *cached = file_cache_find(cache, root, path, coding);
    if (LIKELY(cached && file_cache_believes(cache, cached, lookup_now_ms(exchange)) && !has_root_work)) {
        counters->cache_hits++;
        lookup_finish(exchange, cached, identity, done);
        return;
    }
    struct file_request request = request_for(exchange, root, path, coding);
    if (cached && !has_root_work && is_still_true(exchange, &request, cached)) {
        counters->cache_hits++;
        lookup_finish(exchange, cached, identity, done);
        return;
    }
    open_file(exchange, (struct lookup_state){
                            .request = request,
                            .root_look = root_prepare_look(root),
                            .root_work = root_work,
                            .identity = identity,
                            .stale = cached,
                            .compares = cached && may_compare(exchange, cached),
                            .done = done,
                        });
}

void lookup(struct exchange *exchange, struct root *root, struct slice path, lookup_done *done)
{
    lookup_begin(exchange, root, path, NULL, HTTP_CODING_IDENTITY, done);
}

void lookup_coding(struct exchange *exchange, struct file *file, enum http_coding coding, lookup_done *done)
{
    lookup_begin(exchange, file->root, file_path(file), file, coding, done);
}
