/* A loop of steps and sleep. The master ends it by SIGKILL: what it has begun, the next one begins anew. */
#include "proc/log_keeper.h"

#include "base/error.h"
#include "log/log_rotation.h"
#include "proc/sandbox.h"
#include "sys/clock.h"
#include "sys/event.h"
#include "sys/process.h"
#include "sys/signal.h"
#include "sys/socket.h"

#include <signal.h>
#include <stdlib.h>

/* For one that has ended by itself. */
#define RESTART_MS 5000

/* ---- which logs ---- */

static bool has_same_paths(const struct config *one, const struct config *other)
{
    struct slice path, other_path;
    size_t i = 0, j = 0;
    bool has_more;
    do {
        has_more = config_next_log(one, &i, &path);
        (void)config_next_log(other, &j, &other_path); /* empty after the last one */
        if (!slice_equal(path, other_path))
            return false;
    } while (has_more);
    return true;
}

/* Whether a keeper of the one does what a keeper of the other would. */
static bool has_same_logs(const struct config *one, const struct config *other)
{
    const struct log_rotation_rules *rules = &one->rotation, *others = &other->rotation;
    return rules->is_on == others->is_on && rules->size == others->size && rules->age_ms == others->age_ms &&
           rules->keep == others->keep && rules->compress == others->compress &&
           one->sandbox == other->sandbox && one->error_log.level == other->error_log.level &&
           slice_equal(one->error_log.path, other->error_log.path) && has_same_paths(one, other);
}

/* ---- in the child ---- */

struct keeping {
    struct log_file *log;
    int reopen_fd;
};

static void on_rotated(void *context)
{
    struct keeping *keeping = context;
    int error = log_file_reopen(keeping->log);
    if (error < 0)
        log_error(&keeping->log->log, "cannot reopen the error log %s: %s", keeping->log->path,
                  error_text(error));
    sys_eventfd_raise(keeping->reopen_fd);
}

static int log_keeper_add_files(struct log_rotation *rotation, const struct config *config)
{
    struct slice path;
    int error = 0;
    for (size_t i = 0; error == 0 && config_next_log(config, &i, &path);)
        error = log_rotation_add(rotation, path);
    return error;
}

/* The descriptors of the master, above all sockets, must not live longer than it wants. */
static _Noreturn void log_keeper_live(struct log_keeper *keeper, const struct config *config,
                                      struct log_file *log, pid_t master)
{
    struct keeping keeping = {.log = log, .reopen_fd = keeper->reopen_fd};
    struct log_rotation rotation;
    if (!sys_end_with_parent(master, SIGKILL))
        sys_exit_at_once(0);
    sys_name_process("vif logs");
    sys_close_all_but(keeper->reopen_fd, log->fd);
    sys_go_last();
    sigset_t signals = sys_signal_set(SIGIO, 0); /* of sys_has_writers */
    sys_signal_block(&signals, NULL);
    log_rotation_init(&rotation, &config->rotation, &log->log, on_rotated, &keeping);
    int error = log_keeper_add_files(&rotation, config);
    if (error == 0 && config->sandbox)
        error = sandbox_enter_role(SANDBOX_CHANGES_FILES);
    if (error < 0) {
        log_error(&log->log, "logs are not rotated: %s", error_text(error));
        sys_exit_at_once(1);
    }
    sys_eventfd_raise(keeper->reopen_fd); /* another vif's may have put files aside while this one started */
    for (;;) {
        uint64_t wait_ms = log_rotation_step(&rotation);
        int error_of_poll = wait_ms > 0 ? sys_poll(NULL, 0, (int)wait_ms) : 0;
        (void)error_of_poll;
    }
}

/* ---- in the master ---- */

int log_keeper_init(struct log_keeper *keeper)
{
    *keeper = (struct log_keeper){.reopen_fd = sys_eventfd_create()};
    return MIN(keeper->reopen_fd, 0);
}

void log_keeper_leave(struct log_keeper *keeper)
{
    if (keeper->reopen_fd >= 0)
        sys_close(keeper->reopen_fd);
    *keeper = (struct log_keeper){.reopen_fd = -1};
}

void log_keeper_finish(struct log_keeper *keeper)
{
    log_keeper_end(keeper);
    log_keeper_leave(keeper);
}

void log_keeper_begin(struct log_keeper *keeper, const struct config *config, struct log_file *log)
{
    pid_t master = sys_process_id();
    log_keeper_end(keeper);
    if (!config->rotation.is_on)
        return;
    pid_t pid = sys_fork();
    if (pid == 0)
        log_keeper_live(keeper, config, log, master);
    keeper->pid = MAX(pid, 0);
    if (pid > 0)
        return;
    log_error(&log->log, "logs are not rotated, as no process can be started for that: %s", error_text(pid));
    keeper->due_ms = sys_monotonic_ms() + RESTART_MS;
}

/* A compression of hours would never end if each reload began it anew. Logs that were put aside while the new
 * settings were read are opened anew. */
void log_keeper_change(struct log_keeper *keeper, const struct config *former, const struct config *config,
                       struct log_file *log)
{
    if (keeper->pid > 0 && has_same_logs(former, config))
        sys_eventfd_raise(keeper->reopen_fd);
    else
        log_keeper_begin(keeper, config, log);
}

void log_keeper_end(struct log_keeper *keeper)
{
    if (keeper->pid > 0)
        sys_kill(keeper->pid, SIGKILL);
    keeper->pid = 0;
    keeper->due_ms = 0;
}

bool log_keeper_take_change(struct log_keeper *keeper, const struct process_change *change, struct log *log)
{
    if (keeper->pid == 0 || change->pid != keeper->pid)
        return false;
    if (change->fate != PROCESS_EXITED && change->fate != PROCESS_KILLED)
        return true;
    log_error(log, "the process that rotates the logs has ended (%s %d); another one follows",
              change->fate == PROCESS_KILLED ? "signal" : "status", change->number);
    keeper->pid = 0;
    keeper->due_ms = sys_monotonic_ms() + RESTART_MS;
    return true;
}

void log_keeper_look(struct log_keeper *keeper, const struct config *config, struct log_file *log)
{
    if (keeper->due_ms != 0 && sys_monotonic_ms() >= keeper->due_ms)
        log_keeper_begin(keeper, config, log);
}

int log_keeper_wait_ms(const struct log_keeper *keeper)
{
    uint64_t now_ms = sys_monotonic_ms();
    if (keeper->due_ms == 0)
        return -1;
    return keeper->due_ms > now_ms ? (int)(keeper->due_ms - now_ms) : 0;
}
