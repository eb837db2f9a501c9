/* The table of what does what, and who is hit by it. */
#include "harm.h"

#include <errno.h>

/* Several requests may wait for one look at a file, which began before the last of them came. */
#define SHARED_LOOK_US SIM_S

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
static const char *const of_connections[] = {"recv",     "send",  "sendmsg", "sendfile",
                                             "shutdown", "ioctl", NULL};
static const char *const of_files[] = {"openat2", "open", "fstat", "stat", "preadv2", NULL};
static const char *const of_listings[] = {"fstatat", "fdopendir", "readdir", NULL};

enum harm harm_of(const struct sim_fault *fault)
{
    const char *call = fault->call;
    bool lacks_descriptors = fault->error == EMFILE || fault->error == ENFILE;
    if (is_any(call, harmless))
        return HARM_NONE;
    if (strcmp(call, "fstatfs") == 0)
        return HARM_FILE_SYSTEM;
    if (is_any(call, of_connections))
        return HARM_CONNECTION;
    if (strcmp(call, "malloc") == 0)
        return HARM_MEMORY;
    if (strcmp(call, "offload") == 0 || strcmp(call, "eventfd") == 0)
        return HARM_POOL;
    if (strcmp(call, "dup3") == 0)
        return HARM_FILES;
    if (is_any(call, of_listings))
        return HARM_LISTINGS;
    if (is_any(call, of_files))
        return lacks_descriptors ? HARM_ROOM : HARM_FILE;
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

void harms_note(struct harms *harms, struct website *website, const struct sim_fault *fault)
{
    enum harm harm = harm_of(fault);
    if (harm == HARM_FILE && is_index(fault->path))
        harms->last_us[HARM_LISTINGS] = sim_now_us() + 1;
    /* A folder, a link, a file that has no name any more: it may be on the way to any of them. */
    if (harm == HARM_FILE && !note_file(website, fault->path))
        harm = HARM_FILES;
    harms->last_us[harm] = sim_now_us() + 1;
}

static bool is_since(uint64_t last_us, uint64_t since_us)
{
    return last_us > 0 && last_us - 1 + SHARED_LOOK_US >= since_us;
}

bool harms_since(const struct harms *harms, enum harm harm, uint64_t since_us)
{
    return is_since(harms->last_us[harm], since_us);
}

static bool is_file_hit(const struct site_file *file, uint64_t since_us)
{
    return file && (is_since(file->hit_us, since_us) || is_file_hit(file->moved, since_us));
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
    return harms_since(harms, HARM_ROOM, since_us) || harms_since(harms, HARM_FILES, since_us) ||
           is_file_hit(ask->target->file, since_us) || is_file_hit(area->fallback, since_us) ||
           is_file_hit(area->error_page, since_us);
}

bool harms_hit_page(const struct harms *harms, const struct website *website, uint64_t since_us)
{
    return harms_since(harms, HARM_MEMORY, since_us) || harms_since(harms, HARM_POOL, since_us) ||
           harms_since(harms, HARM_ROOM, since_us) || harms_since(harms, HARM_FILES, since_us) ||
           is_file_hit(website->areas[0].error_page, since_us);
}

bool harms_end_connections(const struct harms *harms, uint64_t since_us)
{
    return harms_since(harms, HARM_MEMORY, since_us) || harms_since(harms, HARM_ROOM, since_us);
}
