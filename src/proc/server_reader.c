/* The watches are set before the file is read: so a change that comes later than what was read makes an
 * event. */
#include "proc/server_reader.h"

#include "base/error.h"
#include "conf/server_file.h"
#include "disk/path_walk.h"
#include "proc/sandbox.h"
#include "sys/clock.h"
#include "sys/output.h"
#include "sys/process.h"
#include "sys/socket.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>

/* For the texts of a list, whose file has 64 KiB at most. */
#define ARENA_BYTES_MAX (1u << 20)

/* ---- watching ---- */

struct server_watching {
    int inotify_fd;
    int folder_fd; /* the last folder of the path so far; -1: none */
    bool is_whole; /* each change of what was visited makes an event */
};

static void keep_folder(struct server_watching *watching, int fd)
{
    if (watching->folder_fd >= 0)
        sys_close(watching->folder_fd);
    watching->folder_fd = sys_duplicate(fd);
}

static bool watch_step(void *context, int fd, const struct file_status *status)
{
    struct server_watching *watching = context;
    bool is_folder = S_ISDIR(status->mode), is_file = S_ISREG(status->mode);
    int watch = sys_inotify_watch(watching->inotify_fd, fd,
                                  is_folder ? INOTIFY_PLACE
                                  : is_file ? INOTIFY_CONTENT
                                            : INOTIFY_ITSELF);
    watching->is_whole &= watch >= 0 && (is_folder || sys_is_local_file_system(fd));
    if (is_folder)
        keep_folder(watching, fd);
    return true;
}

/* A file that is missing comes as a name of the folder where the path ends, or of one before it. */
static bool watch_for_name(const struct server_watching *watching, const char *path)
{
    struct file_status status;
    return watching->folder_fd >= 0 && sys_path_status(path, &status) == -ENOENT &&
           sys_is_local_file_system(watching->folder_fd) &&
           sys_inotify_watch(watching->inotify_fd, watching->folder_fd, INOTIFY_NAMES) >= 0;
}

static bool watch_path(int inotify_fd, const char *path)
{
    struct server_watching watching = {.inotify_fd = inotify_fd, .folder_fd = -1, .is_whole = true};
    if (inotify_fd < 0)
        return false;
    bool is_watched = path_walk(path, watch_step, &watching) || watch_for_name(&watching, path);
    if (watching.folder_fd >= 0)
        sys_close(watching.folder_fd);
    return is_watched && watching.is_whole;
}

/* ---- reading ---- */

void server_reader_put_server(const struct proxy_server *server, struct board_listed *ret_listed)
{
    snprintf(ret_listed->url, sizeof(ret_listed->url), "%.*s", SLICE_ARGS(server->url));
    ret_listed->weight = server->weight;
    ret_listed->connections = server->connections;
    ret_listed->is_backup = server->is_backup;
}

static void put_servers(struct server_reading *reading, const struct proxy_settings *proxy)
{
    reading->read_ns = proxy->to_file_read_ns;
    reading->list.count = MIN(proxy->server_count, (size_t)BOARD_LISTED_MAX);
    for (size_t i = 0; i < reading->list.count; i++)
        server_reader_put_server(&proxy->servers[i], &reading->list.servers[i]);
}

/* What does not fit is cut. */
static void put_reading_text(struct server_reading *reading, struct slice text)
{
    reading->text_length = MIN(text.length, sizeof(reading->text));
    memcpy(reading->text, text.data, reading->text_length);
}

static enum server_reading_result put_fault(struct server_reading *reading, int error,
                                            struct diagnostics *diagnostics)
{
    struct buffer text;
    buffer_init(&text, 1u << 16);
    if (error == ERROR_SYNTAX)
        diagnostics_print(diagnostics, false, &text);
    else
        buffer_printf(&text, "%s\n", error_text(error));
    put_reading_text(reading, buffer_slice(&text));
    buffer_finish(&text);
    return SERVER_READING_WRONG;
}

static enum server_reading_result read_servers(const struct server_reading_plan *plan)
{
    struct diagnostics diagnostics;
    struct proxy_settings proxy;
    struct arena arena;
    enum server_reading_result result = SERVER_READING_GOOD;
    diagnostics_init(&diagnostics);
    arena_init(&arena, ARENA_BYTES_MAX);
    int error = server_file_read(plan->path, plan->speaks_tls, &arena, &diagnostics, &proxy);
    if (error == 0)
        put_servers(plan->reading, &proxy);
    else if (error == -ENOENT)
        result = SERVER_READING_MISSING;
    else if (error == -EAGAIN)
        result = SERVER_READING_TORN;
    else
        result = put_fault(plan->reading, error, &diagnostics);
    arena_finish(&arena);
    diagnostics_finish(&diagnostics);
    return result;
}

static void watch_and_read(const struct server_reading_plan *plan)
{
    struct server_reading *reading = plan->reading;
    reading->is_watched = watch_path(plan->inotify_fd, plan->path.data);
    reading->result = read_servers(plan);
}

/* Descriptors of the master, above all sockets, must not live as long as a file system hangs. */
static _Noreturn void server_reader_live(const struct server_reading_plan *plan, pid_t parent, int end_fd)
{
    if (!sys_end_with_parent(parent, SIGKILL))
        sys_exit_at_once(1);
    sys_name_process("vif reader");
    sys_close_all_but(plan->inotify_fd, end_fd);
    if (plan->is_confined && sandbox_enter_role(SANDBOX_READS_FILES) < 0)
        sys_exit_at_once(1);
    watch_and_read(plan);
    sys_exit_at_once(0);
}

pid_t server_reader_start(const struct server_reading_plan *plan, pid_t parent, int *ret_fd)
{
    int fds[2];
    int error = sys_pipe(fds);
    if (error < 0)
        return error;
    memset(plan->reading, 0, sizeof(*plan->reading));
    pid_t pid = sys_fork();
    if (pid == 0)
        server_reader_live(plan, parent, fds[1]);
    sys_close(fds[1]);
    if (pid < 0)
        sys_close(fds[0]);
    else
        *ret_fd = fds[0];
    return pid;
}
