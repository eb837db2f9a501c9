/* The table of what does what, and who is hit by it. */
#include "harm.h"

#include <errno.h>

static bool is_any(const char *call, const char *const *names)
{
    while (*names && strcmp(call, *names) != 0)
        names++;
    return *names != NULL;
}

/* Whatever becomes of these, clients see nothing of it: a poll that had no memory is made again, folders that
 * cannot be watched are looked at each time. */
static const char *const harmless[] = {
    "close",     "epoll_wait", "poll", "select", "inotify_init1", "inotify_add_watch",
    "cachestat", "getrandom",  "read", NULL};
static const char *const of_connections[] = {"recv", "send", "sendmsg", "sendfile", NULL};
static const char *const of_closing[] = {"shutdown", "ioctl", NULL};
static const char *const of_files[] = {"openat2", "fstat", "preadv2", NULL};
static const char *const of_roots[] = {"open", "openat", "stat", "readlink", "readlinkat", "dup3", NULL};
static const char *const of_listings[] = {"fstatat", "fdopendir", "readdir", NULL};

enum harm harm_of(const struct sim_fault *fault)
{
    const char *call = fault->call;
    bool lacks_descriptors = fault->error == EMFILE || fault->error == ENFILE;
    if (is_any(call, harmless))
        return HARM_NONE;
    if (fault->number == 0)
        return strcmp(call, "accept4") == 0 ? HARM_ROOM : HARM_BUSY;
    if (strcmp(call, "fstatfs") == 0)
        return HARM_FILE_SYSTEM;
    if (is_any(call, of_connections))
        return HARM_CONNECTION;
    if (is_any(call, of_closing))
        return HARM_CLOSING;
    if (strcmp(call, "malloc") == 0)
        return HARM_MEMORY;
    if (strcmp(call, "offload") == 0 || strcmp(call, "eventfd") == 0)
        return HARM_POOL;
    if (is_any(call, of_roots))
        return HARM_FILES;
    if (is_any(call, of_listings))
        return HARM_LISTINGS;
    if (is_any(call, of_files))
        return lacks_descriptors ? HARM_BUSY : HARM_FILE;
    if (strcmp(call, "epoll_ctl") == 0 && fault->socket == NULL)
        return HARM_POOL;
    /* accept4, epoll_ctl: of a connection, or for want of something. */
    return fault->socket ? HARM_CONNECTION : HARM_ROOM;
}

/* The path may be the end of the file's, and may have the suffix of one of its forms. */
static bool is_path_of(const struct site_file *file, struct slice path)
{
    for (unsigned kind = 0; kind < FORM_COUNT; kind++) {
        struct slice suffix = slice_from(form_suffixes[kind]);
        struct slice bare =
            slice_ends_with(path, suffix) ? slice_take(path, path.length - suffix.length) : path;
        struct slice whole = slice_from(file->path);
        size_t at = whole.length - MIN(bare.length, whole.length);
        if (slice_ends_with(whole, bare) && (at == 0 || whole.data[at - 1] == '/'))
            return true;
    }
    return false;
}

static bool note_file(struct website *website, const char *path)
{
    bool is_known = false;
    for (size_t i = 0; path && i < website->file_count; i++) {
        if (is_path_of(&website->files[i], slice_from(path))) {
            website->files[i].hit_us = sim_now_us() + 1;
            is_known = true;
        }
    }
    return is_known;
}

/* A folder without an index file is listed only once that is known. */
static bool is_index(const char *path)
{
    struct slice text = path ? slice_from(path) : SLICE("");
    return slice_ends_with(text, SLICE("index.html")) || slice_ends_with(text, SLICE("index.htm"));
}

static void note_harm(struct harms *harms, enum harm harm)
{
    harms->last_us[harm] = sim_now_us() + 1;
}

/* What a descriptor is missing for makes the server close others. */
static bool lacks_room(const struct sim_fault *fault)
{
    return fault->error == EMFILE || fault->error == ENFILE || strcmp(fault->call, "epoll_ctl") == 0;
}

/* What is found out about a root, or a file system, is for all that lies in it. */
static bool is_shared(const struct sim_fault *fault)
{
    enum harm harm = harm_of(fault);
    return harm == HARM_ROOM || harm == HARM_FILE_SYSTEM || harm == HARM_FILES;
}

void harms_note(struct harms *harms, struct website *website, const struct sim_fault *fault)
{
    enum harm harm = harm_of(fault);
    if (harm == HARM_NONE)
        return;
    if (harm == HARM_FILE && is_index(fault->path))
        note_harm(harms, HARM_LISTINGS);
    if (lacks_room(fault))
        note_harm(harms, HARM_ROOM);
    /* A folder, a link, a file that has no name any more: it may be on the way to any of them. */
    if (harm == HARM_FILE && !note_file(website, fault->path))
        harm = HARM_FILES;
    if (is_shared(fault) || (fault->socket == NULL && !fault->is_for_one))
        note_harm(harms, harm);
}

void harms_note_own(struct harms *harms, const struct sim_fault *fault)
{
    enum harm harm = harm_of(fault);
    note_harm(harms, harm);
    if (harm == HARM_FILE)
        note_harm(harms, HARM_FILES);
}

bool harms_since(const struct harms *harms, enum harm harm, uint64_t since_us)
{
    uint64_t last_us = harms->last_us[harm];
    return (last_us > 0 && last_us - 1 >= since_us) ||
           (harms->all && harms_since(harms->all, harm, since_us));
}

static bool is_file_hit(const struct site_file *file, uint64_t since_us)
{
    return file && ((file->hit_us > 0 && file->hit_us - 1 >= since_us) || is_file_hit(file->moved, since_us));
}

bool harms_hit(const struct harms *harms, const struct ask *ask, uint64_t since_us)
{
    if (harms_since(harms, HARM_MEMORY, since_us) || harms_since(harms, HARM_POOL, since_us))
        return true;
    const struct area *area = ask && ask->target ? ask->target->area : NULL;
    if (area == NULL)
        return false;
    if (ask->target->kind == TARGET_LISTING && harms_since(harms, HARM_LISTINGS, since_us))
        return true;
    return harms_since(harms, HARM_FILES, since_us) || is_file_hit(ask->target->file, since_us) ||
           is_file_hit(area->fallback, since_us) || is_file_hit(area->error_page, since_us);
}

bool harms_hit_page(const struct harms *harms, const struct website *website, uint64_t since_us)
{
    return harms_since(harms, HARM_MEMORY, since_us) || harms_since(harms, HARM_POOL, since_us) ||
           harms_since(harms, HARM_FILES, since_us) || is_file_hit(website->areas[0].error_page, since_us);
}

static uint64_t shortly_before(uint64_t began_us, uint64_t ended_us)
{
    return MAX(began_us, ended_us - MIN(ended_us, HARM_ENDS_US));
}

bool harms_ended(const struct harms *harms, uint64_t began_us, uint64_t ended_us)
{
    uint64_t since_us = shortly_before(began_us, ended_us);
    return harms_since(harms, HARM_MEMORY, since_us) || harms_since(harms, HARM_CONNECTION, since_us);
}

bool harms_shed(const struct harms *harms, uint64_t began_us, uint64_t ended_us)
{
    return harms_since(harms, HARM_ROOM, shortly_before(began_us, ended_us));
}
