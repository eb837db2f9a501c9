/* The order matters: paths are named while the process may still look at all of them; the user changes before
 * the domain is in force, and the filter comes last, as it forbids the calls for the rest. */
#include "proc/sandbox.h"

#include "base/error.h"
#include "proc/sandbox_scope.h"
#include "sys/landlock.h"
#include "sys/privilege.h"
#include "sys/process.h"
#include "sys/socket.h"
#include "sys/syscall_filter.h"

#include <errno.h>
#include <linux/capability.h>

/* Who wants workers to stay root wants them to read everything. */
#define OF_ROOT_WORKER (SYS_CAPABILITY(CAP_DAC_OVERRIDE) | SYS_CAPABILITY(CAP_DAC_READ_SEARCH))

/* To rename and remove logs, and to give parts of them to the owner of the rest. */
#define OF_LOGS \
    (OF_ROOT_WORKER | SYS_CAPABILITY(CAP_CHOWN) | SYS_CAPABILITY(CAP_FOWNER) | SYS_CAPABILITY(CAP_FSETID))

/* To listen, to open files and make them somebody's, to start workers as another user and to send them
 * signals. */
#define OF_MASTER                                                                                           \
    (OF_ROOT_WORKER | SYS_CAPABILITY(CAP_CHOWN) | SYS_CAPABILITY(CAP_FOWNER) | SYS_CAPABILITY(CAP_FSETID) | \
     SYS_CAPABILITY(CAP_KILL) | SYS_CAPABILITY(CAP_NET_BIND_SERVICE) | SYS_CAPABILITY(CAP_SETGID) |         \
     SYS_CAPABILITY(CAP_SETPCAP) | SYS_CAPABILITY(CAP_SETUID) | SYS_CAPABILITY(CAP_SYS_RESOURCE))

/* To load BPF programs and to attach them to interfaces. */
#define OF_SHIELD (SYS_CAPABILITY(CAP_BPF) | SYS_CAPABILITY(CAP_NET_ADMIN))

void sandbox_enter_master(bool has_shield)
{
    int error = sys_is_root() ? sys_keep_capabilities(OF_MASTER | (has_shield ? OF_SHIELD : 0)) : 0;
    (void)error; /* it goes on with what it has */
}

static uint64_t capabilities_of(const struct worker_user *user)
{
    return user->user == 0 && user->why_not == 0 ? OF_ROOT_WORKER : 0;
}

static int become_user(const struct worker_user *user)
{
    uint64_t kept = capabilities_of(user);
    return user->is_changed ? sys_become(user->user, user->group, kept) : sys_keep_capabilities(kept);
}

/* ---- what may be forbidden ---- */

/* Whether something outside, such as the seccomp profile of a container, does not let a process confine
 * itself: it is confined already. */
static bool is_forbidden(int error)
{
    return error == -EPERM || error == -EACCES || error == -ENOSYS || error == -EOPNOTSUPP || error == -E2BIG;
}

static int enter_landlock(struct landlock *landlock)
{
    int error = sys_landlock_enter(landlock);
    return is_forbidden(error) ? 0 : error;
}

static int begin_landlock(struct landlock *landlock, const struct sandbox_scope *scope)
{
    int error = sys_landlock_begin(landlock, scope->calls.connects);
    if (error == 0)
        error = sandbox_scope_allow(scope, landlock);
    if (!is_forbidden(error))
        return error;
    sys_landlock_drop(landlock);
    return 0;
}

static int enter_filter(const struct syscall_needs *needs)
{
    int error = sys_has_syscall_filter() ? sys_filter_syscalls(needs) : 0;
    return is_forbidden(error) ? 0 : error;
}

/* Tries it in a process of its own: it cannot be undone. */
static bool sandbox_try(int (*attempt)(void))
{
    int fds[2];
    if (sys_pipe(fds) < 0)
        return true;
    pid_t pid = sys_fork();
    if (pid == 0) {
        if (sys_forbid_new_rights() == 0 && attempt() == 0)
            sys_pipe_put(fds[1]);
        sys_exit_at_once(0);
    }
    sys_close(fds[1]);
    bool works = pid < 0 || sys_pipe_take(fds[0]);
    sys_close(fds[0]);
    return works;
}

static int attempt_landlock(void)
{
    struct landlock landlock;
    int error = sys_landlock_begin(&landlock, false);
    return error < 0 ? error : sys_landlock_enter(&landlock);
}

static int attempt_filter(void)
{
    return sys_filter_syscalls(&(struct syscall_needs){0});
}

bool sandbox_has_landlock(void)
{
    return sys_landlock_features().version > 0 && sandbox_try(attempt_landlock);
}

bool sandbox_has_filter(void)
{
    return sys_has_syscall_filter() && sandbox_try(attempt_filter);
}

/* ---- entering ---- */

static int restrict_worker(const struct config *config, const struct worker_user *user, const char **ret_what)
{
    struct sandbox_scope scope = sandbox_scope_of(config);
    struct landlock landlock;
    *ret_what = "Landlock";
    int error = begin_landlock(&landlock, &scope);
    if (error == 0)
        error = sys_forbid_new_rights();
    if (error == 0) {
        *ret_what = user->name;
        error = become_user(user);
    }
    if (error < 0) {
        sys_landlock_drop(&landlock);
        return error;
    }
    *ret_what = "Landlock";
    error = enter_landlock(&landlock);
    if (error < 0)
        return error;
    *ret_what = "seccomp";
    return enter_filter(&scope.calls);
}

int sandbox_enter(const struct config *config, const struct worker_user *user, struct log *log)
{
    const char *what = user->name;
    int error = config->sandbox    ? restrict_worker(config, user, &what)
                : user->is_changed ? sys_become(user->user, user->group, capabilities_of(user))
                                   : 0;
    if (error < 0)
        log_error(log, "a worker process cannot enter its sandbox (%s): %s", what, error_text(error));
    return error;
}

int sandbox_enter_role(enum sandbox_role role)
{
    bool changes = role == SANDBOX_CHANGES_FILES;
    int error = sys_forbid_new_rights();
    if (error == 0 && sys_is_root())
        error = sys_keep_capabilities(changes ? OF_LOGS : OF_ROOT_WORKER);
    if (error == 0 && sys_has_syscall_filter())
        error = sys_filter_to_files(changes);
    return is_forbidden(error) ? 0 : error;
}

/* A kernel without it is told as a matter of course; a container that could do with it, as a warning. */
static void log_landlock(struct log *log)
{
    struct landlock_features features = sys_landlock_features();
    if (features.version == 0 && !features.is_forbidden)
        log_info(log, "the kernel has no Landlock: worker processes can read every file that their user can");
    else if (!sandbox_has_landlock())
        log_warning(log, "Landlock is forbidden here, perhaps by the seccomp profile of a container: worker "
                         "processes can read every file that their user can");
}

static void log_filter(struct log *log)
{
    if (!sys_has_syscall_filter())
        log_info(log,
                 "there is no filter of system calls: vif was built without libseccomp, or the kernel has no "
                 "seccomp");
    else if (!sandbox_has_filter())
        log_warning(log, "seccomp is forbidden here, perhaps by the seccomp profile of a container: worker "
                         "processes can make every system call that is allowed outside");
}

void sandbox_log(const struct config *config, const struct worker_user *user, struct log *log)
{
    if (user->is_changed)
        log_info(log, "worker processes run as the user %s", user->name);
    if (!config->sandbox)
        return;
    log_landlock(log);
    log_filter(log);
}
