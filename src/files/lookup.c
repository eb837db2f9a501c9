/* Look-ups. The first try never waits: the cache, then an open that the kernel answers from its own caches.
 * Only what these cannot say goes to the offload pool, and with it the exchange. */
#include "files/lookup.h"

#include "base/error.h"
#include "front/admission.h"
#include "http/mime.h"
#include "server/server_internal.h"

#include <errno.h>

/* A look-up under way; in the exchange's arena. */
struct lookup_state {
    struct file_request request;
    struct root_look root_look;
    bool looks_at_root; /* while it is off the loop anyway */
    struct cache_ticket ticket;
    struct file *identity; /* of a coding's look-up: what is used when it fails; holds a reference */
    struct file *stale;    /* what the cache has, to be compared; holds a reference */
    struct file *found;
    int error;
    lookup_done *done;
    void *handler_state; /* the caller's, put back before `done` */
};

/* Files that are open already are not touched by the move of a root. */
static void take_root(struct server *server, struct root *root, struct root_look *look)
{
    if (look->fd < 0)
        return;
    file_cache_drop_root(server->files, root);
    root_take(root, look);
}

/* The file goes on to the caller; where it is a sibling that cannot be served, the file that it stands for.
 */
static void finish(struct exchange *exchange, struct file *file, struct file *identity, lookup_done *done)
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
    case -EAGAIN:
    case ERROR_CHANGED: return 503;
    default: return 500;
    }
}

/* Nobody tells of changes in a file system behind a network, and to ask takes as long as that takes. So what
 * was found there is believed for a while, as the kernel's own caches of such file systems do; and while one
 * request looks again, the others go on with what was known, until that is old. Then they wait too, and a
 * file system that does not answer any more is found out. */
#define FAR_TRUST_MS 1000
#define FAR_OLD_MS   10000

static bool is_trusted(struct server *server, const struct file *file)
{
    if (!file->revalidate)
        return true;
    uint64_t age_ms = loop_now_ms(server_loop(server)) - file->seen_ms;
    return file->is_remote && age_ms < (file->is_revalidating ? FAR_OLD_MS : FAR_TRUST_MS);
}

/* The file was opened, or could not be. What the cache had is still true when it is the same file. */
static void take_result(struct exchange *exchange, struct lookup_state *state)
{
    struct server *server = exchange->server;
    struct file *stale = state->stale;
    state->stale = NULL;
    if (stale)
        stale->is_revalidating = false;
    if (state->error < 0 && state->identity == NULL) {
        file_unref(stale);
        exchange_fail(exchange, status_of_error(state->error));
        return;
    }
    struct file *found = state->error < 0 ? NULL : state->found;
    bool is_same = stale && found && found->kind == FILE_REGULAR && stale->kind == FILE_REGULAR &&
                   file_is_same(&stale->status, &found->status) &&
                   stale->status.changed_ns == found->status.changed_ns && stale->siblings == found->siblings;
    if (is_same) {
        file_unref(found);
        found = file_ref(stale);
    } else if (stale) {
        file_cache_drop(server->files, stale);
    }
    file_unref(stale);
    if (found)
        found->seen_ms = loop_now_ms(server_loop(server));
    if (found && !is_same)
        file_cache_insert(server->files, found, state->ticket);
    exchange->handler_state = state->handler_state;
    finish(exchange, found, state->identity, state->done);
}

static void open_blocking(struct exchange *exchange)
{
    struct lookup_state *state = exchange->handler_state;
    if (state->looks_at_root)
        root_make_look(&state->root_look);
    state->error = file_open(&state->request, &state->found);
}

static void opened_off_loop(struct exchange *exchange);

/* What can be found out on the root's own file system goes by its queue; only what is known to lie elsewhere
 * may meet one that does not answer any more. */
static int go_off_loop(struct exchange *exchange, struct lookup_state *state, bool goes_remote)
{
    struct root *root = state->request.root;
    if (goes_remote)
        state->ticket = file_cache_cover_nothing(root);
    state->request.cached_only = false;
    state->request.stays_on_fs = !goes_remote;
    state->error = -EAGAIN; /* what it is when the job finds no room in the pool after all */
    return exchange_offload(exchange, goes_remote ? &root->remote_jobs : &root->local_jobs, open_blocking,
                            opened_off_loop);
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

static void opened_off_loop(struct exchange *exchange)
{
    struct lookup_state *state = exchange->handler_state;
    take_root(exchange->server, state->request.root, &state->root_look);
    /* An owner that has threads of its own may let go of files on one. */
    if (state->error == 0 && state->found->is_remote && exchange->events->on_job == NULL)
        state->found->close_queue = &exchange->server->close_queue;
    if (exchange->owner) {
        if (!goes_on(exchange, state))
            take_result(exchange, state);
        return;
    }
    if (state->error == 0)
        file_unref(state->found);
    if (state->stale)
        state->stale->is_revalidating = false;
    file_unref(state->stale);
    file_unref(state->identity);
}

/* To open a file takes two descriptors for a moment. */
static bool makes_room(struct server *server, int error, unsigned attempts)
{
    bool is_shortage = error == -EMFILE || error == -ENFILE;
    return is_shortage && attempts < 2 && (file_cache_shrink(server->files) || admission_shed(server));
}

static int open_now(struct exchange *exchange, struct lookup_state *state)
{
    if (state->request.is_remote || (state->stale && state->stale->crosses_mount))
        return -EREMOTE;
    int error;
    unsigned attempts = 0;
    do
        error = file_open(&state->request, &state->found);
    while (makes_room(exchange->server, error, attempts++));
    return error;
}

/* Not in the cache, or nobody can tell whether that is still true. */
static void open_file(struct exchange *exchange, struct slice path, struct lookup_state prepared)
{
    struct lookup_state *state = arena_alloc(&exchange->arena, sizeof(*state));
    struct slice copy = arena_copy(&exchange->arena, path);
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
    server_counters(exchange->server)->cache_misses++;
    state->ticket = file_cache_cover(exchange->server->files, state->request.root, copy);
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

static void begin(struct exchange *exchange, struct slice path, struct file *identity,
                  enum http_coding coding, lookup_done *done)
{
    struct server *server = exchange->server;
    struct root *root = exchange->route_entry->root;
    const struct settings *settings = exchange->snapshot->settings;
    struct root_look look = root_prepare_look(root);
    bool is_due = root_look_is_due(root, loop_now_ms(server_loop(server)));
    if (is_due && root->is_local) {
        root_make_look(&look);
        take_root(server, root, &look);
    }
    bool looks_at_root = is_due && !root->is_local;
    struct file *cached = file_cache_find(server->files, root, path, coding);
    if (LIKELY(cached && is_trusted(server, cached) && !looks_at_root)) {
        server_counters(server)->cache_hits++;
        finish(exchange, cached, identity, done);
        return;
    }
    open_file(
        exchange, path,
        (struct lookup_state){
            .request = {.root = root,
                        .root_fd = root->fd,
                        .coding = coding,
                        .memory_max = settings->limits.cache_file_bytes,
                        .with_siblings = coding == HTTP_CODING_IDENTITY && root->settings->precompressed &&
                                         http_mime_is_compressible(path),
                        .cached_only = true,
                        .stays_on_fs = true,
                        .is_remote = !root->is_local},
            .root_look = look,
            .looks_at_root = looks_at_root,
            .identity = identity,
            .stale = cached,
            .done = done,
        });
}

void lookup(struct exchange *exchange, struct slice path, lookup_done *done)
{
    begin(exchange, path, NULL, HTTP_CODING_IDENTITY, done);
}

void lookup_coding(struct exchange *exchange, struct file *file, enum http_coding coding, lookup_done *done)
{
    begin(exchange, file_path(file), file, coding, done);
}
