/* Look-ups. The first try never waits: the cache, then an open that the kernel answers from its own caches.
 * Only what these cannot say goes to the offload pool, and with it the exchange. */
#include "files/lookup.h"

#include "base/error.h"
#include "disk/file_look.h"
#include "disk/root_table.h"
#include "files/files.h"

#include <errno.h>

/* A look-up under way; in the exchange's arena. */
struct lookup_state {
    struct file_request request;
    struct root_look root_look;
    bool looks_at_root; /* while it is off the loop anyway */
    struct cache_ticket ticket;
    struct file *identity; /* of a coding's look-up: what is used when it fails; holds a reference */
    struct file *stale;    /* what the cache has, to be compared; holds a reference */
    bool compares;         /* with a look, before it is opened */
    bool is_unchanged;     /* `stale` is still true */
    struct file *found;
    int error;
    lookup_done *done;
    void *handler_state; /* the caller's, put back before `done` */
};

/* The file goes on to the caller; where it is a sibling that cannot be served, the file that it stands for.
 */
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

/* Some errors may be over in a moment. */
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

/* It is in memory, or not, as the settings want it: they may be others than when it was opened. */
static bool has_right_form(const struct exchange *exchange, const struct file *file)
{
    bool belongs_in_memory = file->status.size <= exchange->snapshot->settings->limits.cache_file_bytes;
    return file->kind != FILE_REGULAR || file->in_memory == belongs_in_memory;
}

/* A look is enough to say whether the file is still true. What is not watched is opened anew now and then all
 * the same: what stands beside it may have changed, and perhaps it can be watched by now. */
static bool may_compare(const struct exchange *exchange, const struct file *file)
{
    return has_right_form(exchange, file) &&
           (!file->revalidate || lookup_now_ms(exchange) - file->opened_ms < FILE_TRUST_MS);
}

/* Compares on the loop, where that can be done without waiting. */
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

/* Both are the same version of the same file, with the same siblings. */
static bool is_same_file(const struct file *a, const struct file *b)
{
    return a->kind == FILE_REGULAR && b->kind == FILE_REGULAR && file_is_untouched(&a->status, &b->status) &&
           a->siblings == b->siblings && a->in_memory == b->in_memory;
}

/* What the cache had is kept where it is true still; else what was found takes its place. The reference to
 * the one that is returned is the caller's. A look that went through a mount point says nothing of the
 * folders that are watched: they may lie beneath it. */
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

/* The file was opened, or could not be. */
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

/* What can be found out on the root's own file system goes by its queue; only what is known to lie elsewhere
 * may meet one that does not answer any more. Where it was before tells which one. */
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
    state->error = -EAGAIN; /* what it is when the job finds no room in the pool after all */
    return exchange_offload(exchange, queue_of(state, goes_remote), open_blocking, opened_off_loop, exchange);
}

/* Returns whether the exchange is away again. */
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
    /* An owner that has threads of its own may let go of files on one. */
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

/* To open a file takes two descriptors for a moment. */
static bool makes_room(const struct exchange *exchange, int error, unsigned attempts)
{
    bool is_shortage = error == -EMFILE || error == -ENFILE;
    return is_shortage && attempts < 2 && service_free_descriptors(exchange->service, exchange->owner);
}

/* What lay beneath a mount point is tried here again now and then: perhaps nothing is mounted there any more.
 */
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

/* Not in the cache, or nobody can tell whether that is still true. */
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
        /* From here on the state is the job's: it may be done already. */
        if (error == 0)
            return;
    }
    state->error = error;
    take_result(exchange, state);
}

/* The marks come first, so that a switch in between is told of. */
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
