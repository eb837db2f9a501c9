/* A log file is opened by the master itself, as it opens its own. Certificates may be on a file system that
 * hangs: a child process looks at them, and replies. */
#include "proc/file_opener.h"

#include "base/error.h"
#include "server/file_alarm.h"
#include "sys/output.h"
#include "sys/private_file.h"
#include "sys/process.h"
#include "sys/socket.h"
#ifdef HAVE_TLS
#include "tls/client_context.h"
#endif

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Of a worker; more of them wait for the next turn of the master. */
#define REQUESTS_PER_TURN_MAX 64

/* ---- workers ---- */

int file_opener_reserve(struct file_opener *opener, size_t worker_count)
{
    if (worker_count <= opener->worker_count)
        return 0;
    struct file_opener_worker *workers = realloc(opener->workers, worker_count * sizeof(*workers));
    if (workers == NULL)
        return -ENOMEM;
    for (size_t i = opener->worker_count; i < worker_count; i++)
        workers[i] = (struct file_opener_worker){
            .ends = MESSAGE_ENDS_NONE,
            .worker_ends = MESSAGE_ENDS_NONE,
            .inotify_fd = -1,
        };
    opener->workers = workers;
    opener->worker_count = worker_count;
    return 0;
}

static void file_opener_close(struct file_opener_worker *worker)
{
    sys_message_ends_close(&worker->ends);
    sys_message_ends_close(&worker->worker_ends);
    if (worker->inotify_fd >= 0)
        sys_close(worker->inotify_fd);
    worker->inotify_fd = -1;
}

void file_opener_end(struct file_opener *opener)
{
    for (size_t i = 0; i < opener->worker_count; i++)
        file_opener_close(&opener->workers[i]);
    free(opener->workers);
    for (size_t i = 0; i < opener->log_count; i++)
        free(opener->logs[i]);
    free(opener->logs);
    opener->workers = NULL;
    opener->logs = NULL;
    opener->worker_count = opener->log_count = 0;
}

int file_opener_open(struct file_opener *opener, size_t worker)
{
    struct file_opener_worker *opened = &opener->workers[worker];
    file_opener_close(opened);
    opened->requests = (struct second_count){0};
    return sys_message_ends_open(&opened->ends, &opened->worker_ends);
}

void file_opener_forked(struct file_opener *opener, size_t worker)
{
    sys_message_ends_close(&opener->workers[worker].worker_ends);
}

void file_opener_use(struct file_opener *opener, size_t worker)
{
    struct message_ends own = opener->workers[worker].worker_ends;
    opener->workers[worker].worker_ends = MESSAGE_ENDS_NONE;
    file_opener_end(opener);
    sys_opener_use(own);
}

void file_opener_leave(struct file_opener *opener)
{
    file_opener_end(opener);
}

/* ---- what a configuration names ---- */

static bool names_log(const struct config *config, struct slice path)
{
    struct slice log;
    bool names = false;
    for (size_t at = 0; config_next_log(config, &at, &log);)
        names |= slice_equal(log, path);
    return names;
}

static bool was_opened(const struct file_opener *opener, const char *path)
{
    bool was = false;
    for (size_t i = 0; i < opener->log_count; i++)
        was |= strcmp(opener->logs[i], path) == 0;
    return was;
}

/* Without memory it is forgotten, and not opened anew under its path when no settings name it any more. */
static void remember_log(struct file_opener *opener, const char *path)
{
    if (was_opened(opener, path))
        return;
    char **logs = realloc(opener->logs, (opener->log_count + 1) * sizeof(*logs));
    char *copy = strdup(path);
    if (logs)
        opener->logs = logs;
    if (logs && copy)
        logs[opener->log_count++] = copy;
    else
        free(copy);
}

static bool https_names(const struct https_settings *https, struct slice path)
{
    bool names = slice_equal(https->client_ca, path) || slice_equal(https->client_crl, path);
    for (size_t i = 0; i < https->certificate_count; i++)
        names |= slice_equal(https->certificates[i].certificate, path) ||
                 slice_equal(https->certificates[i].key, path) ||
                 slice_equal(https->certificates[i].ocsp, path);
    return names;
}

/* Workers that connect to servers by TLS may read the certificates that the system trusts, unless the
 * settings name others. */
static bool is_system_roots(struct slice path)
{
#ifdef HAVE_TLS
    const char *roots;
    for (unsigned i = 0; (roots = tls_system_roots_candidate(i)) != NULL; i++) {
        if (slice_equal(slice_from(roots), path))
            return true;
    }
#else
    (void)path;
#endif
    return false;
}

static bool proxy_tls_names(const struct proxy_settings *proxy, struct slice path)
{
    const struct proxy_tls_settings *tls = &proxy->tls;
    if (slice_equal(tls->ca, path) || slice_equal(tls->certificate, path) || slice_equal(tls->key, path))
        return true;
    return proxy_speaks_tls(proxy) && tls->ca.length == 0 && is_system_roots(path);
}

static bool site_names_certificate(const struct site *site, struct slice path)
{
    bool names = https_names(&site->https, path);
    for (size_t i = 0; i < site->route_count; i++)
        names |= site->routes[i].kind == ROUTE_PROXY && proxy_tls_names(&site->routes[i].proxy, path);
    return names;
}

static bool names_certificate(const struct settings *settings, struct slice path)
{
    bool names = false;
    for (size_t i = 0; i < settings->listener_count; i++)
        names |= https_names(&settings->listeners[i].https, path);
    for (size_t i = 0; i < settings->site_count; i++)
        names |= site_names_certificate(&settings->sites[i], path);
    return names;
}

static bool names_root(const struct settings *settings, struct slice path)
{
    bool names = false;
    for (size_t i = 0; i < settings->site_count; i++) {
        for (size_t j = 0; j < settings->sites[i].route_count; j++) {
            const struct route *route = &settings->sites[i].routes[j];
            names |= route->kind == ROUTE_FILES && slice_equal(route->files.root, path);
        }
    }
    return names;
}

static bool config_names(const struct config *config, const struct opener_request *request)
{
    struct slice path = slice_from(request->path);
    if (config == NULL || path.length == 0)
        return false;
    return request->kind == OPENER_APPEND ? names_log(config, path)
           : request->kind == OPENER_ROOT ? names_root(config->settings, path)
                                          : names_certificate(config->settings, path);
}

/* ---- answering ---- */

/* A request, with what the answer needs. */
struct opener_task {
    struct file_opener *opener;
    size_t worker;
    struct opener_request request;
};

static int open_for(const struct opener_task *task, struct opener_reply *reply)
{
    const char *path = task->request.path;
    int fd = -1;
    switch (task->request.kind) {
    case OPENER_APPEND: fd = sys_open_for_append(path); break;
    case OPENER_READ: fd = sys_open_private_file(path); break;
    case OPENER_INOTIFY: fd = task->opener->workers[task->worker].inotify_fd; break;
    case OPENER_ROOT:
    case OPENER_KINDS: return -1;
    case OPENER_STATUS: reply->error = sys_private_file_status(path, &reply->status); return -1;
    case OPENER_WATCH:
#ifdef HAVE_TLS
        reply->error = file_alarm_watch(task->opener->workers[task->worker].inotify_fd, path) ? 0 : -ENOENT;
#else
        reply->error = -ENOTSUP;
#endif
        return -1;
    }
    reply->error = MIN(fd, 0);
    return fd;
}

static void answer_task(const struct opener_task *task)
{
    struct opener_reply reply = {.number = task->request.number};
    int fd = open_for(task, &reply);
    sys_opener_reply(task->opener->workers[task->worker].ends.socket_fd, &reply, fd);
    if (fd >= 0 && task->request.kind != OPENER_INOTIFY)
        sys_close(fd);
}

static void refuse_task(const struct opener_task *task, int error)
{
    struct opener_reply reply = {.number = task->request.number, .error = error};
    sys_opener_reply(task->opener->workers[task->worker].ends.socket_fd, &reply, -1);
}

/* A slot for a process; NULL if all are taken, or all that one worker may have. */
static struct file_opener_process *find_place(struct file_opener *opener, size_t worker)
{
    struct file_opener_process *place = NULL;
    size_t count = 0;
    for (size_t i = 0; i < FILE_OPENER_PROCESSES_MAX; i++) {
        struct file_opener_process *process = &opener->processes[i];
        count += process->pid != 0 && process->worker == worker;
        if (process->pid == 0)
            place = process;
    }
    return count < FILE_OPENER_PROCESSES_OF_WORKER ? place : NULL;
}

static int fork_for(const struct opener_task *task)
{
    struct file_opener_process *place = find_place(task->opener, task->worker);
    if (place == NULL)
        return -EAGAIN;
    pid_t pid = sys_fork();
    if (pid == 0) {
        sys_name_process("vif opener");
        answer_task(task);
        sys_exit_at_once(0);
    }
    *place = (struct file_opener_process){.pid = MAX(pid, 0), .worker = task->worker};
    return MIN(pid, 0);
}

bool file_opener_take_change(struct file_opener *opener, const struct process_change *change)
{
    for (size_t i = 0; i < FILE_OPENER_PROCESSES_MAX; i++) {
        struct file_opener_process *process = &opener->processes[i];
        if (change->pid != process->pid)
            continue;
        if (change->fate == PROCESS_EXITED || change->fate == PROCESS_KILLED)
            process->pid = 0;
        return true;
    }
    return false;
}

static void begin_inotify(const struct opener_task *task)
{
    int *fd = &task->opener->workers[task->worker].inotify_fd;
    if (*fd >= 0)
        sys_close(*fd);
    *fd = sys_inotify_create();
}

static int do_task(const struct opener_task *task)
{
    switch (task->request.kind) {
    case OPENER_APPEND: remember_log(task->opener, task->request.path); break;
    case OPENER_INOTIFY: begin_inotify(task); break;
    case OPENER_ROOT: task->opener->on_root(task->opener->context, task->worker); break;
    case OPENER_READ:
    case OPENER_STATUS:
    case OPENER_WATCH:
    case OPENER_KINDS: return fork_for(task);
    }
    answer_task(task);
    return 0;
}

static void file_opener_log_refusal(struct file_opener *opener, const char *path, uint64_t now_ms)
{
    uint64_t count = line_limit_add(&opener->refused, now_ms * 1000);
    if (count == 1)
        log_error(opener->log, "a worker process asked for a file that the configuration does not name: %s",
                  path);
    else if (count > 1)
        log_error(opener->log,
                  "worker processes asked %" PRIu64
                  " times for files that the configuration does not name: %s",
                  count, path);
}

static void take_task(const struct opener_task *task, bool is_named, uint64_t now_ms)
{
    int error = -EACCES;
    if (is_named)
        error = do_task(task);
    else
        file_opener_log_refusal(task->opener, task->request.path, now_ms);
    if (error < 0)
        refuse_task(task, error);
}

/* ---- requests ---- */

static bool has_had_enough(struct file_opener_worker *worker, uint64_t now_ms)
{
    return second_count_is_full(&worker->requests, FILE_OPENER_REQUESTS_PER_SECOND, now_ms);
}

size_t file_opener_poll_set(struct file_opener *opener, struct pollfd *fds, uint64_t now_ms)
{
    size_t count = 0;
    for (size_t i = 0; i < opener->worker_count; i++) {
        struct file_opener_worker *worker = &opener->workers[i];
        if (worker->ends.pipe_fd >= 0 && !has_had_enough(worker, now_ms))
            fds[count++] = (struct pollfd){.fd = worker->ends.pipe_fd, .events = POLLIN};
    }
    return count;
}

int file_opener_wait_ms(const struct file_opener *opener, uint64_t now_ms)
{
    uint64_t wait_ms = UINT64_MAX;
    for (size_t i = 0; i < opener->worker_count; i++) {
        const struct file_opener_worker *worker = &opener->workers[i];
        uint64_t rest_ms = second_count_wait_ms(&worker->requests, FILE_OPENER_REQUESTS_PER_SECOND, now_ms);
        if (worker->ends.pipe_fd >= 0 && worker->requests.count >= FILE_OPENER_REQUESTS_PER_SECOND)
            wait_ms = MIN(wait_ms, rest_ms);
    }
    return wait_ms == UINT64_MAX ? -1 : (int)wait_ms;
}

/* Anything that is not a request closes the channel of this worker only, as does the end of the channel. */
static void take_requests(struct file_opener *opener, size_t worker, const struct config *current,
                          const struct config *next, uint64_t now_ms)
{
    struct opener_task task = {.opener = opener, .worker = worker};
    struct file_opener_worker *from = &opener->workers[worker];
    for (unsigned i = 0; i < REQUESTS_PER_TURN_MAX && !has_had_enough(from, now_ms); i++) {
        int error = sys_opener_receive(from->ends.pipe_fd, &task.request);
        if (error == -EAGAIN)
            return;
        if (error < 0) {
            file_opener_close(from);
            return;
        }
        from->requests.count++;
        take_task(&task,
                  task.request.kind == OPENER_INOTIFY || config_names(current, &task.request) ||
                      config_names(next, &task.request) ||
                      (task.request.kind == OPENER_APPEND && was_opened(opener, task.request.path)),
                  now_ms);
    }
}

void file_opener_take_ready(struct file_opener *opener, const struct pollfd *fds, size_t count,
                            const struct config *current, const struct config *next, uint64_t now_ms)
{
    for (size_t i = 0, worker = 0; i < count; i++) {
        while (worker < opener->worker_count && opener->workers[worker].ends.pipe_fd != fds[i].fd)
            worker++;
        if (fds[i].revents && worker < opener->worker_count)
            take_requests(opener, worker, current, next, now_ms);
    }
}
