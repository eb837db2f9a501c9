/* The handler of file routes: from a path to the file that is sent.
 *
 * Finding it takes steps, each of which may have to wait for a disk: the file, or the folder's index files
 * one after the other; a sibling in a coding that the client prefers; the fallback; an error page. Each
 * step looks up a path and names the next one; lookup.c finds the file for a path, file_response.c sends
 * it. */
#include "files/files.h"

#include "base/buffer.h"
#include "base/error.h"
#include "files/archive_source.h"
#include "files/fallback.h"
#include "files/file_response.h"
#include "files/listing_source.h"
#include "files/lookup.h"
#include "serve/location.h"

#include <errno.h>
#include <limits.h>

/* The memory limit for names in all listings in progress, some forty bytes each: beyond it listings are
 * answered 503. */
#define LISTINGS_BYTES_MAX (128u << 20)

/* State of a request for a folder while its index files are tried and its listing is made. */
struct files_state {
    struct slice folder; /* beneath the root, "" or ending with '/' */
    size_t index_next;
    union {
        struct listing_options listing;
        struct archive_options archive;
    };
};

static void try_index(struct exchange *exchange, struct files_state *state);
static void not_found(struct exchange *exchange, int status);

static const struct files_settings *settings_of(const struct exchange *exchange)
{
    return &exchange->route_entry->route->files;
}

/* The path after the route's prefix, without its leading '/'. */
static struct slice path_in_root(const struct exchange *exchange)
{
    struct slice path = slice_skip(exchange->path, exchange->route_entry->bare_prefix.length);
    return path.length > 0 ? slice_skip(path, 1) : path;
}

/* Whether a segment begins with '.', except ".well-known" (RFC 8615). */
static bool has_hidden_segment(struct slice path)
{
    struct slice rest = path;
    while (rest.length > 0) {
        size_t end = slice_find(rest, '/');
        struct slice segment = slice_take(rest, end);
        if (segment.length > 0 && segment.data[0] == '.' && !slice_equal(segment, SLICE(".well-known")))
            return true;
        rest = end < rest.length ? slice_skip(rest, end + 1) : (struct slice){0};
    }
    return false;
}

/* Checks the length only; NUL bytes have been rejected before. */
static bool is_openable(struct slice path)
{
    return path.length < PATH_MAX - 64;
}

/* Whether nothing can exist there, or nothing that is served. */
static bool is_out_of_reach(const struct exchange *exchange, struct slice path)
{
    return exchange->is_no_file || !is_openable(path) ||
           (!settings_of(exchange)->hidden && has_hidden_segment(path));
}

/* Continues with the sibling of the file that the client prefers. */
static void choose_coding(struct exchange *exchange, struct file *file, lookup_done *done)
{
    if (file->siblings && http_request_has(&exchange->request, HTTP_FIELD_ACCEPT_ENCODING)) {
        enum http_coding coding = http_coding_choose(&exchange->request, file->siblings);
        if (coding != HTTP_CODING_IDENTITY) {
            lookup_coding(exchange, file, coding, done);
            return;
        }
    }
    done(exchange, file);
}

static void answer_file(struct exchange *exchange, struct file *file)
{
    choose_coding(exchange, file, file_respond);
}

/* A missing file may exist in a coding that the client accepts: if so, looks up that sibling and returns
 * true. `done` gets it, or `file` if it cannot be opened. */
static bool try_lone_sibling(struct exchange *exchange, struct file *file, lookup_done *done)
{
    if (file->kind != FILE_ABSENT || file->siblings == 0)
        return false;
    enum http_coding coding = http_coding_choose(&exchange->request, file->siblings);
    if (coding != HTTP_CODING_IDENTITY)
        lookup_coding(exchange, file, coding, done);
    return coding != HTTP_CODING_IDENTITY;
}

/* ---- errors ---- */

static void error_page_looked_up(struct exchange *exchange, struct file *file)
{
    if (file->kind == FILE_REGULAR) {
        choose_coding(exchange, file, file_respond_as_error);
        return;
    }
    file_unref(file);
    exchange_respond_standard_error(exchange);
}

static void respond_error(struct exchange *exchange, struct root *root, struct slice path)
{
    lookup(exchange, root, path, error_page_looked_up);
}

/* ---- missing files ---- */

static void answer_fallback(struct exchange *exchange, struct file *file)
{
    if (file->kind == FILE_REGULAR) {
        answer_file(exchange, file);
        return;
    }
    file_unref(file);
    exchange_fail(exchange, 404);
}

static void not_found(struct exchange *exchange, int status)
{
    const struct files_settings *settings = settings_of(exchange);
    if (status != 404 || settings->fallback.length == 0) {
        exchange_fail(exchange, status);
    } else if (fallback_is_wanted(exchange)) {
        lookup(exchange, exchange->route_entry->root, settings->fallback, answer_fallback);
    } else {
        exchange_begin_response(exchange, 404);
        exchange_add_field(exchange, HTTP_FIELD_VARY,
                           SLICE("Sec-Fetch-Dest")); /* all error responses vary by Accept */
        exchange_respond_error(exchange);
    }
}

/* ---- folders ---- */

static void answer_no_folder(struct exchange *exchange, int error)
{
    bool is_missing = error == -ENOENT || error == -ENOTDIR || error == -ELOOP || error == -EXDEV;
    not_found(exchange, is_missing ? 404 : error == -EACCES ? 403 : 503);
}

static void answer_listing(struct exchange *exchange, struct source *source, int error)
{
    struct files_state *state = exchange->handler_state;
    assert(state != NULL);
    if (source == NULL) {
        answer_no_folder(exchange, error);
        return;
    }
    bool is_json = state->listing.format == LISTING_JSON;
    exchange_begin_response(exchange, 200);
    exchange_add_field(exchange, HTTP_FIELD_VARY, SLICE("Accept"));
    exchange_add_field(exchange, HTTP_FIELD_CACHE_CONTROL, SLICE("no-cache"));
    if (!is_json)
        exchange_add_field(exchange, HTTP_FIELD_CONTENT_SECURITY_POLICY, listing_security_policy());
    exchange_add_field(exchange, HTTP_FIELD_CONTENT_TYPE,
                       is_json ? SLICE("application/json") : SLICE("text/html; charset=utf-8"));
    exchange_respond(exchange, source);
}

static void list_folder(struct exchange *exchange, struct files_state *state, const char *folder)
{
    const struct files_settings *settings = settings_of(exchange);
    const struct http_request *request = &exchange->request;
    assert(settings->listing);
    bool wants_json = http_prefers_json(request);
    state->listing = (struct listing_options){
        .reach = root_reach(exchange->route_entry->root),
        .folder = folder,
        .url_path = exchange->path,
        .query = request->query,
        .format = wants_json ? LISTING_JSON : LISTING_HTML,
        .has_archive = settings->archives,
        .hidden = settings->hidden,
    };
    if (listing_source_begin(exchange, exchange->route_entry->root, &state->listing, answer_listing) < 0)
        exchange_fail(exchange, 503);
}

static bool wants_archive(const struct exchange *exchange)
{
    struct slice rest = exchange->request.query, element;
    while (settings_of(exchange)->archives && slice_next(&rest, '&', &element)) {
        if (slice_equal(element, SLICE("archive=tar")))
            return true;
    }
    return false;
}

static_assert(ARCHIVE_DEPTH_MAX == 64 && ARCHIVE_ENTRIES_MAX == 1000000, "as the visitor is told");

/* Another try would exceed the limit again: no Retry-After. */
static void answer_no_archive(struct exchange *exchange, int error)
{
    if (error == ERROR_LIMIT)
        exchange_fail_because(
            exchange, 403,
            "This folder is too large for one archive: there are more than 64 folders in each "
            "other, or more than a million files. Please download a folder inside it.");
    else
        answer_no_folder(exchange, error);
}

static void answer_archive(struct exchange *exchange, struct source *source, int error)
{
    struct files_state *state = exchange->handler_state;
    assert(state != NULL);
    struct buffer disposition;
    if (source == NULL) {
        answer_no_archive(exchange, error);
        return;
    }
    buffer_init(&disposition, 4 * NAME_MAX + 64);
    archive_append_disposition(&disposition, state->archive.name);
    exchange_begin_response(exchange, 200);
    exchange_add_field(exchange, HTTP_FIELD_CACHE_CONTROL, SLICE("no-cache"));
    exchange_add_field(exchange, HTTP_FIELD_CONTENT_TYPE, SLICE("application/x-tar"));
    exchange_add_field(exchange, HTTP_FIELD_CONTENT_DISPOSITION,
                       disposition.failed ? SLICE("attachment") : buffer_slice(&disposition));
    exchange_respond(exchange, source);
    buffer_finish(&disposition);
}

/* The last segment of a path that ends with '/'. */
static struct slice folder_name(struct slice path)
{
    assert(path.length > 0 && path.data[path.length - 1] == '/');
    size_t end = path.length - 1, start = end;
    while (start > 0 && path.data[start - 1] != '/')
        start--;
    return end > 0 ? slice_make(path.data + start, end - start) : SLICE("files");
}

static void pack_folder(struct exchange *exchange, struct files_state *state, const char *folder)
{
    state->archive = (struct archive_options){
        .reach = root_reach(exchange->route_entry->root),
        .folder = folder,
        .name = folder_name(exchange->path),
        .hidden = settings_of(exchange)->hidden,
    };
    if (archive_source_begin(exchange, exchange->route_entry->root, &state->archive, answer_archive) < 0)
        exchange_fail(exchange, 503);
}

/* As a listing or an archive. */
static void show_folder(struct exchange *exchange, struct files_state *state)
{
    bool is_root = state->folder.length == 0;
    char *folder = arena_string(&exchange->arena,
                                is_root ? SLICE(".") : slice_take(state->folder, state->folder.length - 1));
    if (folder == NULL || exchange_keep(exchange) < 0) {
        exchange_fail(exchange, 503);
        return;
    }
    exchange->handler_state = state;
    if (wants_archive(exchange))
        pack_folder(exchange, state, folder);
    else
        list_folder(exchange, state, folder);
}

static void lone_index_looked_up(struct exchange *exchange, struct file *file)
{
    if (file->kind == FILE_REGULAR) {
        file_respond(exchange, file);
        return;
    }
    file_unref(file);
    try_index(exchange, exchange->handler_state);
}

static void index_looked_up(struct exchange *exchange, struct file *file)
{
    struct files_state *state = exchange->handler_state;
    if (file->kind == FILE_REGULAR) {
        answer_file(exchange, file);
        return;
    }
    bool is_forbidden = file->kind == FILE_FORBIDDEN;
    if (try_lone_sibling(exchange, file, lone_index_looked_up))
        return;
    file_unref(file);
    if (is_forbidden)
        not_found(exchange, 403);
    else
        try_index(exchange, state);
}

static void try_index(struct exchange *exchange, struct files_state *state)
{
    const struct files_settings *settings = settings_of(exchange);
    char path[PATH_MAX];
    while (state->index_next < settings->index_count) {
        struct slice index = settings->indexes[state->index_next++];
        size_t length = state->folder.length + index.length;
        if (!is_openable(slice_make(path, length)))
            continue;
        memcpy(path, state->folder.data, state->folder.length);
        memcpy(path + state->folder.length, index.data, index.length);
        exchange->handler_state = state;
        lookup(exchange, exchange->route_entry->root, slice_make(path, length), index_looked_up);
        return;
    }
    if (settings->listing)
        show_folder(exchange, state);
    else
        not_found(exchange, 404);
}

static void answer_folder(struct exchange *exchange, struct slice folder)
{
    struct files_state *state = arena_zalloc(&exchange->arena, sizeof(*state));
    struct slice copy = arena_copy(&exchange->arena, folder);
    if (state == NULL || copy.data == NULL) {
        exchange_fail(exchange, 503);
        return;
    }
    state->folder = copy;
    try_index(exchange, state);
}

/* ---- entry points ---- */

static void answer_no_file(struct exchange *exchange, enum file_kind kind)
{
    if (kind == FILE_FOLDER)
        location_respond_folder(exchange);
    else
        not_found(exchange, kind == FILE_FORBIDDEN ? 403 : 404);
}

static void lone_looked_up(struct exchange *exchange, struct file *file)
{
    if (file->kind == FILE_REGULAR) {
        file_respond(exchange, file);
        return;
    }
    file_unref(file);
    not_found(exchange, 404);
}

static void page_looked_up(struct exchange *exchange, struct file *file)
{
    if (file->kind == FILE_REGULAR) {
        answer_file(exchange, file);
    } else if (!try_lone_sibling(exchange, file, lone_looked_up)) {
        file_unref(file);
        not_found(exchange, 404);
    }
}

static void page_beside_folder_looked_up(struct exchange *exchange, struct file *file)
{
    if (file->kind == FILE_REGULAR) {
        answer_file(exchange, file);
        return;
    }
    file_unref(file);
    location_respond_folder(exchange);
}

/* Tries "about.html" for "about", if there is no file of that name. */
static bool try_page(struct exchange *exchange, enum file_kind kind)
{
    struct slice path = path_in_root(exchange), suffix = SLICE(".html");
    char text[PATH_MAX];
    if (!settings_of(exchange)->clean_urls || kind == FILE_FORBIDDEN)
        return false;
    memcpy(text, path.data, path.length);
    memcpy(text + path.length, suffix.data, suffix.length);
    lookup(exchange, exchange->route_entry->root, slice_make(text, path.length + suffix.length),
           kind == FILE_FOLDER ? page_beside_folder_looked_up : page_looked_up);
    return true;
}

static void looked_up(struct exchange *exchange, struct file *file)
{
    enum file_kind kind = (enum file_kind)file->kind;
    if (kind == FILE_REGULAR) {
        answer_file(exchange, file);
    } else if (!try_lone_sibling(exchange, file, lone_looked_up)) {
        file_unref(file);
        if (!try_page(exchange, kind))
            answer_no_file(exchange, kind);
    }
}

/* For a route that serves one file: its folder redirects to it. */
static void answer_only(struct exchange *exchange, struct slice path)
{
    struct slice only = settings_of(exchange)->only;
    if (slice_equal(path, only))
        lookup(exchange, exchange->route_entry->root, path, looked_up);
    else if (path.length == 0)
        location_respond_entry(exchange, only);
    else
        not_found(exchange, 404);
}

static void answer_options(struct exchange *exchange)
{
    exchange_begin_response(exchange, 204);
    exchange_add_field(exchange, HTTP_FIELD_ALLOW, SLICE("GET, HEAD, OPTIONS"));
    exchange_respond(exchange, NULL);
}

static void files_handle(struct exchange *exchange)
{
    struct slice path = path_in_root(exchange);
    if (exchange->request.method == HTTP_METHOD_OPTIONS)
        answer_options(exchange);
    else if (is_out_of_reach(exchange, path))
        not_found(exchange, 404);
    else if (settings_of(exchange)->only.length > 0)
        answer_only(exchange, path);
    else if (path.length == 0 || path.data[path.length - 1] == '/')
        answer_folder(exchange, path);
    else
        lookup(exchange, exchange->route_entry->root, path, looked_up);
}

/* ---- state of the handler ---- */

static void see_changes(void *state)
{
    struct files *files = state;
    file_cache_poll(files->cache);
}

static bool give_descriptors(void *state)
{
    struct files *files = state;
    return file_cache_shrink(files->cache);
}

const struct handler_type files_handler = {
    .reads_only = true,
    .handle = files_handle,
    .respond_error = respond_error,
    .see_changes = see_changes,
    .give_descriptors = give_descriptors,
};

int files_handler_init(struct files *files, struct service *service, const struct limits *limits)
{
    *files = (struct files){.listing_budget.bytes_max = LISTINGS_BYTES_MAX};
    close_queue_init(&files->close_queue, service->loop);
    job_queue_init(&files->listings, JOB_QUEUE_LISTINGS_MAX);
    folder_shelf_init(&files->listing_shelf);
    service->handlers[ROUTE_FILES] = (struct handler){.type = &files_handler, .state = files};
    return file_cache_create(service->loop, limits, service->log, &files->cache);
}

static void set_retired(const struct snapshot *snapshot, bool is_retired)
{
    for (size_t i = 0; i < snapshot->route_entry_count; i++) {
        if (snapshot->route_entries[i].root)
            snapshot->route_entries[i].root->is_retired = is_retired;
    }
}

static void retire_roots(struct files *files, const struct snapshot *snapshot)
{
    for (size_t i = 0; i < snapshot->route_entry_count; i++) {
        struct root *root = snapshot->route_entries[i].root;
        if (root && root->is_retired)
            file_cache_retire_root(files->cache, root);
    }
}

void files_handler_take_snapshot(struct files *files, const struct snapshot *former,
                                 const struct snapshot *next)
{
    set_retired(former, true);
    set_retired(next, false);
    retire_roots(files, former);
}

void files_move_root(struct files *files, struct root *root, struct root_look *look)
{
    bool is_there_already = look->device == root->device && look->inode == root->inode;
    if (look->fd >= 0 && is_there_already) {
        close_queue_take(&files->close_queue, look->fd);
        look->fd = -1;
    }
    if (look->fd < 0)
        return;
    file_cache_drop_root(files->cache, root);
    root_take(root, look);
}

void files_handler_finish(struct files *files, const struct snapshot *last)
{
    /* Must be first: files dropped from the cache below are then closed at once. */
    close_queue_finish(&files->close_queue);
    job_queue_finish(&files->listings);
    if (last) {
        set_retired(last, true);
        retire_roots(files, last);
    }
    file_cache_destroy(files->cache);
    folder_shelf_finish(&files->listing_shelf);
}
