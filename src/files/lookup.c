/* Lookups. The first attempt never waits: the cache, then an open that the kernel answers from its own
 * caches. Only if that fails, the exchange goes to the offload pool. */
#include "files/lookup.h"

#include "base/error.h"
#include "disk/file_look.h"
#include "disk/root_table.h"
#include "files/files.h"

#include <errno.h>

/* A lookup in progress; in the exchange's arena. */
struct lookup_state {
    struct file_request request;
    struct root_look root_look;
    bool looks_at_root; /* also look at the root's path while off the loop */
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

static void open_blocking(void *context)
{
    struct exchange *exchange = context;
    struct lookup_state *state = exchange->handler_state;
    if (state->looks_at_root)
        root_make_look(&state->root_look);
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
static bool goes_on(struct exchange *exchange, struct lookup_state *state)
{
    if (state->error != -EREMOTE)
        return false;
    state->looks_at_root = false;
    int error = go_off_loop(exchange, state, true);
    if (error < 0)
        state->error = error;
    return error == 0;
}

static void opened_off_loop(void *context)
{
    struct exchange *exchange = context;
    struct lookup_state *state = exchange->handler_state;
    files_move_root(files_of(exchange), state->request.root, &state->root_look);
    /* Owners with threads of their own may release files on any thread; the close queue is for the loop's
     * thread. */
    if (state->found && state->found->is_remote && exchange->events->on_job == NULL)
        state->found->close_queue = &files_of(exchange)->close_queue;
    if (exchange->owner) {
        if (!goes_on(exchange, state))
            take_result(exchange, state);
        return;
    }
    file_unref(state->found);
    if (state->stale)
        state->stale->is_revalidating = false;
    file_unref(state->stale);
    file_unref(state->identity);
}

/* Frees descriptors if there are too few: opening a file briefly takes two. */
static bool makes_room(const struct exchange *exchange, int error, unsigned attempts)
{
    bool is_shortage = error == -EMFILE || error == -ENFILE;
    return is_shortage && attempts < 2 && service_free_descriptors(exchange->service, exchange->owner);
}

/* A file beneath a mount point is tried here again now and then: perhaps it is no longer mounted. */
static int open_now(struct exchange *exchange, struct lookup_state *state)
{
    if (state->request.is_remote || (state->compares && state->stale->crosses_mount))
        return -EREMOTE;
    int error;
    unsigned attempts = 0;
    do
        error = file_open(&state->request, &state->found);
    while (makes_room(exchange, error, attempts++));
    return error;
}

/* Opens a file that is not in the cache, or must be checked. */
static void open_file(struct exchange *exchange, struct lookup_state prepared)
{
    struct lookup_state *state = arena_alloc(&exchange->arena, sizeof(*state));
    struct slice copy = arena_copy(&exchange->arena, prepared.request.path);
    if (state == NULL || copy.data == NULL) {
        file_unref(prepared.stale);
        file_unref(prepared.identity);
        exchange_fail(exchange, 503);
        return;
    }
    *state = prepared;
    state->request.path = copy;
    state->handler_state = exchange->handler_state;
    exchange->handler_state = state;
    exchange->service->counters->cache_misses++;
    state->ticket = file_cache_cover(files_of(exchange)->cache, state->request.root, copy);
    int error = open_now(exchange, state);
    if (error == -EAGAIN || error == -EREMOTE) {
        if (state->stale)
            state->stale->is_revalidating = true;
        error = go_off_loop(exchange, state, error == -EREMOTE);
        /* From here on the state belongs to the job, which may already be done. */
        if (error == 0)
            return;
    }
    state->error = error;
    take_result(exchange, state);
}

/* The marks are set first, so that a switch of the path in between is reported. */
static void look_at_root(struct exchange *exchange, struct root *root)
{
    file_cache_watch_root(files_of(exchange)->cache, root, lookup_now_ms(exchange));
    root_note_look(root, lookup_now_ms(exchange));
    struct root_look look = root_prepare_look(root);
    root_make_look(&look);
    files_move_root(files_of(exchange), root, &look);
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

static void lookup_begin(struct exchange *exchange, struct root *root, struct slice path,
                         struct file *identity, enum http_coding coding, lookup_done *done)
{
    struct file_cache *cache = files_of(exchange)->cache;
    struct counters *counters = exchange->service->counters;
    bool is_due = root_look_is_due(root, lookup_now_ms(exchange));
    if (UNLIKELY(is_due && root->is_local))
        look_at_root(exchange, root);
    bool looks_at_root = is_due && !root->is_local;
    if (looks_at_root)
        root_note_look(root, lookup_now_ms(exchange));
    struct file *cached = file_cache_find(cache, root, path, coding);
    if (LIKELY(cached && file_cache_believes(cache, cached, lookup_now_ms(exchange)) && !looks_at_root)) {
        counters->cache_hits++;
        lookup_finish(exchange, cached, identity, done);
        return;
    }
    struct file_request request = request_for(exchange, root, path, coding);
    if (cached && !looks_at_root && is_still_true(exchange, &request, cached)) {
        counters->cache_hits++;
        lookup_finish(exchange, cached, identity, done);
        return;
    }
    open_file(exchange, (struct lookup_state){
                            .request = request,
                            .root_look = root_prepare_look(root),
                            .looks_at_root = looks_at_root,
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
