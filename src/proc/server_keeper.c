/* The files of the settings, one like the other. Read server_keeper_take and finish_reading first. */
#include "proc/server_keeper.h"

#include "proxy/server_list.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/socket.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

/* Between the first event of a change and the reading: most tools have written the whole file by then. */
#define SETTLE_MS 100

/* A file whose changes make no events, such as one on a network file system, is read so often; others as
 * well, now and then, for what the kernel does not tell, such as a mount over the path. */
#define UNWATCHED_MS 400
#define LOOK_MS      10000

/* Then a reading is given up, as its file system does not answer. */
#define READING_MS_MAX 5000

/* ---- routes ---- */

struct route_position {
    size_t site, route;
};

/* Finds the next route that has its servers from a file; all if `path` is empty. */
static const struct route *next_route_of_file(const struct settings *settings, struct slice path,
                                              struct route_position *at, const struct site **ret_site)
{
    for (; at->site < settings->site_count; at->site++, at->route = 0) {
        const struct site *site = &settings->sites[at->site];
        while (at->route < site->route_count) {
            const struct route *route = &site->routes[at->route++];
            bool has_file = route->kind == ROUTE_PROXY && route->proxy.to_file.length > 0;
            *ret_site = site;
            if (has_file && (path.length == 0 || slice_equal(route->proxy.to_file, path)))
                return route;
        }
    }
    return NULL;
}

static bool is_named_by(const struct settings *settings, struct slice path)
{
    struct route_position at = {0};
    const struct site *site;
    return path.length > 0 && next_route_of_file(settings, path, &at, &site) != NULL;
}

/* ---- lists ---- */

static const struct board_listed *find_in_list(const struct board_list *list, const char *url)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strncmp(list->servers[i].url, url, sizeof(list->servers[i].url)) == 0)
            return &list->servers[i];
    }
    return NULL;
}

static bool is_same_listed(const struct board_listed *one, const struct board_listed *other)
{
    return one->weight == other->weight && one->connections == other->connections &&
           one->is_backup == other->is_backup;
}

/* How the one list differs from the other. The order does not count, as it decides nothing. */
struct list_difference {
    unsigned added, gone, changed;
};

static struct list_difference compare_lists(const struct board_list *former, const struct board_list *now)
{
    struct list_difference difference = {0};
    for (size_t i = 0; i < now->count; i++) {
        const struct board_listed *before = find_in_list(former, now->servers[i].url);
        difference.added += before == NULL;
        difference.changed += before && !is_same_listed(before, &now->servers[i]);
    }
    for (size_t i = 0; i < former->count; i++)
        difference.gone += find_in_list(now, former->servers[i].url) == NULL;
    return difference;
}

struct list_taking {
    const struct settings *settings;
    const struct server_file *file;
};

static bool is_of_file(const struct list_taking *taking, const struct board_change *change)
{
    struct route_position at = {0};
    const struct site *site;
    const struct route *route;
    char name[BOARD_ROUTE_BYTES];
    while ((route = next_route_of_file(taking->settings, taking->file->path, &at, &site)) != NULL) {
        server_list_name(site, route, name);
        if (strncmp(name, change->route, sizeof(name)) == 0)
            return true;
    }
    return false;
}

/* What was changed at run time holds until its server leaves the list, or comes into it. */
static bool ends_with_list(void *context, const struct board_change *change)
{
    const struct list_taking *taking = context;
    char url[BOARD_URL_BYTES];
    snprintf(url, sizeof(url), "%.*s", SLICE_ARGS(board_text(change->url, sizeof(change->url))));
    bool is_listed = find_in_list(&taking->file->list, url) != NULL;
    return is_listed == (change->is_added != 0) && is_of_file(taking, change);
}

static void name_list(struct board_list *list, struct slice path)
{
    list->name = board_list_name(path);
    snprintf(list->path, sizeof(list->path), "%.*s", SLICE_ARGS(path));
}

static void put_list_on_board(const struct server_keeper *keeper, struct server_file *file)
{
    struct list_taking taking = {keeper->settings, file};
    file->list.read_ns = file->read_ns;
    board_put_list(keeper->board, &file->list, ends_with_list, &taking);
}

static bool is_wrong(const struct server_file *file)
{
    return file->told.first != 0 || file->told.second != 0;
}

static void note_state(const struct server_keeper *keeper, const struct server_file *file)
{
    board_note_list(keeper->board, &file->list.name, file->path.length > 0, is_wrong(file));
}

/* What is on the board already stays as it is, so that no worker looks at its servers again. */
static void take_list(const struct server_keeper *keeper, struct server_file *file,
                      const struct board_list *list, uint64_t read_ns)
{
    struct list_difference difference = compare_lists(&file->list, list);
    bool is_new = file->read_ns == 0 || difference.added + difference.gone + difference.changed > 0;
    bool was_wrong = is_wrong(file);
    file->read_ns = read_ns;
    file->told = (struct digest){0};
    if (is_new) {
        file->list = *list;
        put_list_on_board(keeper, file);
    }
    note_state(keeper, file);
    if (is_new || was_wrong)
        log_info(keeper->log, "proxy: %s: %zu servers, %u added, %u gone, %u changed", file->path.data,
                 list->count, difference.added, difference.gone, difference.changed);
}

/* ---- faults ---- */

static void log_fault_lines(const struct server_keeper *keeper, struct slice text)
{
    while (text.length > 0) {
        size_t length = slice_find(text, '\n');
        if (length > 0)
            log_error(keeper->log, "proxy: %.*s", SLICE_ARGS(slice_take(text, length)));
        text = slice_skip(text, MIN(length + 1, text.length));
    }
}

/* The same fault is told once, however often it is found. */
static void tell_list_fault(const struct server_keeper *keeper, struct server_file *file, struct slice text)
{
    static const struct hash_key key = {0};
    struct digest digest = hash_digest(&key, text);
    if (digest_equal(&digest, &file->told))
        return;
    struct slice line = slice_take(text, slice_find(text, '\n'));
    snprintf(file->fault, sizeof(file->fault), "%.*s", SLICE_ARGS(line));
    log_clean(file->fault, strlen(file->fault));
    file->told = digest;
    note_state(keeper, file);
    log_fault_lines(keeper, text);
    log_error(keeper->log, "proxy: %s: %s", file->path.data,
              file->list.count > 0 ? "the former list stays in force" : "requests get 503");
}

static void tell_list_fault_line(const struct server_keeper *keeper, struct server_file *file,
                                 const char *what)
{
    char text[PATH_MAX + 128];
    int length = snprintf(text, sizeof(text), "%s: %s\n", file->path.data, what);
    tell_list_fault(keeper, file, slice_make(text, MIN((size_t)length, sizeof(text) - 1)));
}

/* ---- readings ---- */

static void close_fd(int *fd)
{
    if (*fd >= 0)
        sys_close(*fd);
    *fd = -1;
}

/* The reader may have been made to write anything. */
static void take_good(const struct server_keeper *keeper, struct server_file *file)
{
    struct board_list list = file->reading->list;
    name_list(&list, file->path);
    list.count = MIN(list.count, (size_t)BOARD_LISTED_MAX);
    for (size_t i = 0; i < list.count; i++)
        list.servers[i].url[BOARD_LISTED_URL_BYTES - 1] = '\0';
    take_list(keeper, file, &list, file->reading->read_ns);
}

static void take_reading(const struct server_keeper *keeper, struct server_file *file)
{
    const struct server_reading *reading = file->reading;
    struct slice text = slice_make(reading->text, MIN(reading->text_length, sizeof(reading->text)));
    switch ((enum server_reading_result)reading->result) {
    case SERVER_READING_GOOD: take_good(keeper, file); return;
    case SERVER_READING_MISSING: tell_list_fault_line(keeper, file, "it does not exist"); return;
    case SERVER_READING_TORN: return;
    case SERVER_READING_WRONG: tell_list_fault(keeper, file, text); return;
    case SERVER_READING_NONE: break;
    }
    tell_list_fault_line(keeper, file, "the process that read it ended too early");
}

/* The reader has ended. */
static void finish_reading(const struct server_keeper *keeper, struct server_file *file, uint64_t now_ms)
{
    bool is_watched = file->reading->is_watched && file->reading->result != SERVER_READING_NONE;
    bool is_torn = file->reading->result == SERVER_READING_TORN;
    close_fd(&file->reader_fd);
    close_fd(&file->inotify_fd);
    file->inotify_fd = file->next_fd;
    file->next_fd = -1;
    file->has_changed = false;
    file->due_ms = now_ms + (is_torn ? SETTLE_MS : is_watched ? LOOK_MS : UNWATCHED_MS);
    take_reading(keeper, file);
}

/* A process that hangs in the kernel cannot be ended. No other one is started before it is. One that has
 * ended may have been waited for before its descriptor was looked at: then it is nobody's. */
static void stop_reading(struct server_file *file, uint64_t due_ms)
{
    if (file->reader_fd >= 0 && file->reader > 0)
        sys_kill(file->reader, SIGKILL);
    close_fd(&file->reader_fd);
    close_fd(&file->next_fd);
    file->has_changed = true;
    file->due_ms = due_ms;
}

static void give_up_reading(const struct server_keeper *keeper, struct server_file *file, uint64_t now_ms)
{
    stop_reading(file, now_ms + LOOK_MS);
    tell_list_fault_line(keeper, file, "its file system does not answer");
}

static void begin_reading(const struct server_keeper *keeper, struct server_file *file, uint64_t now_ms)
{
    int inotify_fd = sys_inotify_create();
    struct server_reading_plan plan = {
        .path = file->path,
        .speaks_tls = file->speaks_tls,
        .is_confined = keeper->confines_readers,
        .inotify_fd = MAX(inotify_fd, -1),
        .reading = file->reading,
    };
    file->next_fd = plan.inotify_fd;
    file->has_changed = true;
    file->deadline_ms = now_ms + READING_MS_MAX;
    pid_t pid = server_reader_start(&plan, keeper->master, &file->reader_fd);
    if (pid > 0) {
        file->reader = pid;
        return;
    }
    close_fd(&file->next_fd);
    file->due_ms = now_ms + LOOK_MS;
    tell_list_fault_line(keeper, file, "no process can be started that reads it");
}

static void look_at_list_file(const struct server_keeper *keeper, struct server_file *file, uint64_t now_ms)
{
    if (file->reader_fd >= 0) {
        if (now_ms >= file->deadline_ms)
            give_up_reading(keeper, file, now_ms);
    } else if (now_ms >= file->due_ms && file->reader == 0) {
        begin_reading(keeper, file, now_ms);
    } else if (now_ms >= file->due_ms) {
        file->due_ms = now_ms + UNWATCHED_MS;
    }
}

void server_keeper_look(struct server_keeper *keeper, uint64_t now_ms)
{
    for (size_t i = 0; i < SERVER_KEEPER_FILES_MAX; i++) {
        if (keeper->files[i].path.length > 0)
            look_at_list_file(keeper, &keeper->files[i], now_ms);
    }
}

int server_keeper_wait_ms(const struct server_keeper *keeper, uint64_t now_ms)
{
    uint64_t next_ms = UINT64_MAX;
    for (size_t i = 0; i < SERVER_KEEPER_FILES_MAX; i++) {
        const struct server_file *file = &keeper->files[i];
        if (file->path.length > 0)
            next_ms = MIN(next_ms, file->reader_fd >= 0 ? file->deadline_ms : file->due_ms);
    }
    if (next_ms == UINT64_MAX)
        return -1;
    return next_ms > now_ms ? (int)(next_ms - now_ms) : 0;
}

/* ---- events ---- */

static int awaited_fd(const struct server_file *file)
{
    return file->reader_fd >= 0 ? file->reader_fd : file->has_changed ? -1 : file->inotify_fd;
}

size_t server_keeper_poll_set(const struct server_keeper *keeper, struct pollfd *fds)
{
    size_t count = 0;
    for (size_t i = 0; i < SERVER_KEEPER_FILES_MAX; i++) {
        int fd = awaited_fd(&keeper->files[i]);
        if (fd >= 0)
            fds[count++] = (struct pollfd){.fd = fd, .events = POLLIN};
    }
    return count;
}

static void take_list_event(const struct server_keeper *keeper, struct server_file *file, uint64_t now_ms)
{
    if (file->reader_fd >= 0) {
        finish_reading(keeper, file, now_ms);
        return;
    }
    file->has_changed = true;
    file->due_ms = MIN(file->due_ms, now_ms + SETTLE_MS);
}

/* A file may have gone since poll(2): so it is looked for by its descriptor. */
void server_keeper_take_ready(struct server_keeper *keeper, const struct pollfd *fds, size_t count,
                              uint64_t now_ms)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < SERVER_KEEPER_FILES_MAX && fds[i].revents; j++) {
            if (awaited_fd(&keeper->files[j]) == fds[i].fd) {
                take_list_event(keeper, &keeper->files[j], now_ms);
                break;
            }
        }
    }
}

bool server_keeper_take_change(struct server_keeper *keeper, const struct process_change *change)
{
    for (size_t i = 0; i < SERVER_KEEPER_FILES_MAX; i++) {
        struct server_file *file = &keeper->files[i];
        if (file->reader == 0 || file->reader != change->pid)
            continue;
        if (change->fate == PROCESS_EXITED || change->fate == PROCESS_KILLED)
            file->reader = 0;
        return true;
    }
    return false;
}

/* ---- which files ---- */

static void forget_file(const struct server_keeper *keeper, struct server_file *file)
{
    file->path = (struct slice){0};
    note_state(keeper, file);
    stop_reading(file, 0);
    close_fd(&file->inotify_fd);
    *file = (struct server_file){
        .reading = file->reading,
        .reader = file->reader,
        .reader_fd = -1,
        .inotify_fd = -1,
        .next_fd = -1,
    };
}

/* The one of the path, or one for it. Whose reader hangs is nobody's until that has ended. */
static struct server_file *file_for(const struct server_keeper *keeper, struct slice path)
{
    struct server_file *free_one = NULL;
    for (size_t i = 0; i < SERVER_KEEPER_FILES_MAX; i++) {
        struct server_file *file = &keeper->files[i];
        if (slice_equal(file->path, path))
            return file;
        if (file->path.length == 0 && file->reader == 0)
            free_one = file;
    }
    return free_one;
}

static void take_settings_list(struct server_file *file, const struct proxy_settings *proxy)
{
    file->list = (struct board_list){0};
    file->list.count = MIN(proxy->server_count, (size_t)BOARD_LISTED_MAX);
    for (size_t i = 0; i < file->list.count; i++)
        server_reader_put_server(&proxy->servers[i], &file->list.servers[i]);
    file->read_ns = proxy->to_file_read_ns;
    file->told = (struct digest){0};
}

/* A file that was missing when the settings were read takes nothing away. The list goes to the board even if
 * it is there: it is not the one that was put there longest ago, then. */
static void take_route(const struct server_keeper *keeper, const struct route *route, uint64_t now_ms)
{
    const struct proxy_settings *proxy = &route->proxy;
    struct server_file *file = file_for(keeper, proxy->to_file);
    if (file == NULL) {
        log_error(keeper->log, "proxy: %s is not watched: readers of earlier files hang",
                  proxy->to_file.data);
        return;
    }
    file->path = proxy->to_file;
    file->speaks_tls &= proxy->tls.is_on;
    stop_reading(file, now_ms);
    if (proxy->to_file_read_ns > file->read_ns)
        take_settings_list(file, proxy);
    name_list(&file->list, file->path);
    put_list_on_board(keeper, file);
    note_state(keeper, file);
}

void server_keeper_take(struct server_keeper *keeper, const struct settings *settings, uint64_t now_ms)
{
    struct route_position at = {0};
    const struct site *site;
    const struct route *route;
    for (size_t i = 0; i < SERVER_KEEPER_FILES_MAX; i++) {
        struct server_file *file = &keeper->files[i];
        if (file->path.length > 0 && !is_named_by(settings, file->path))
            forget_file(keeper, file);
        file->speaks_tls = true;
    }
    keeper->settings = settings;
    while ((route = next_route_of_file(settings, (struct slice){0}, &at, &site)) != NULL)
        take_route(keeper, route, now_ms);
}

/* ---- life ---- */

int server_keeper_init(struct server_keeper *keeper, struct board *board, struct log *log, pid_t master)
{
    size_t count = SERVER_KEEPER_FILES_MAX;
    *keeper = (struct server_keeper){.log = log, .board = board, .master = master};
    keeper->files = calloc(count, sizeof(*keeper->files));
    keeper->readings = sys_shared_memory(count * sizeof(*keeper->readings));
    if (keeper->files == NULL || keeper->readings == NULL) {
        server_keeper_finish(keeper);
        return -ENOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        struct server_file *file = &keeper->files[i];
        file->reading = &keeper->readings[i];
        file->reader_fd = file->inotify_fd = file->next_fd = -1;
    }
    return 0;
}

void server_keeper_leave(struct server_keeper *keeper)
{
    for (size_t i = 0; keeper->files && i < SERVER_KEEPER_FILES_MAX; i++) {
        struct server_file *file = &keeper->files[i];
        close_fd(&file->reader_fd);
        close_fd(&file->inotify_fd);
        close_fd(&file->next_fd);
    }
    if (keeper->readings)
        sys_shared_memory_free(keeper->readings, SERVER_KEEPER_FILES_MAX * sizeof(*keeper->readings));
    free(keeper->files);
    keeper->files = NULL;
    keeper->readings = NULL;
}

void server_keeper_finish(struct server_keeper *keeper)
{
    for (size_t i = 0; keeper->files && i < SERVER_KEEPER_FILES_MAX; i++)
        forget_file(keeper, &keeper->files[i]);
    server_keeper_leave(keeper);
}

void server_keeper_print_status(const struct server_keeper *keeper, struct buffer *out)
{
    for (size_t i = 0; i < SERVER_KEEPER_FILES_MAX; i++) {
        const struct server_file *file = &keeper->files[i];
        if (file->path.length == 0)
            continue;
        buffer_printf(out, "%.*s: %zu servers%s%s\n", SLICE_ARGS(file->path), file->list.count,
                      is_wrong(file) ? "; since then it is wrong: " : "", is_wrong(file) ? file->fault : "");
    }
}
