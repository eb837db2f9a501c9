/* The group is what is waited for: models fork. The runner is made the new parent of processes whose own has
 * ended (PR_SET_CHILD_SUBREAPER in lab/run/run.c), so that it can wait for those too. */
#include "lab/run/server.h"

#include "base/error.h"
#include "lab/listen.h"
#include "lab/run/machine.h"
#include "sys/clock.h"
#include "sys/process.h"
#include "sys/signal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define START_SECONDS_MAX 10
#define STOP_SECONDS_MAX  10

/* For one try; there are many. */
#define CONNECT_MS 50

/* --- the child --- */

/* A model serves as it would be by itself: with signals as they are by default, and nobody's descriptors. */
_Noreturn static void serve(const struct lab_model *model, const char *root, int listening_fd,
                            const struct lab_machine *machine, pid_t runner)
{
    sigset_t none;
    struct lab_site *site;
    struct lab_site_options options = {.folder = root, .has_trials = true};
    sigemptyset(&none);
    sys_signal_restore(&none);
    machine_pin(&machine->server_cores);
    if (!sys_end_with_parent(runner, SIGKILL))
        _exit(EXIT_FAILURE);
    int error = lab_site_create(&options, &site);
    if (error == 0)
        error = model->serve(site, listening_fd);
    fprintf(stderr, "vif lab: %s cannot serve: %s\n", model->name, error_text(error));
    _exit(EXIT_FAILURE);
}

/* --- the runner --- */

/* In the namespace where the model will be, if it has one. */
static int fork_server(struct server *server, const struct lab_model *model, const char *root,
                       const struct lab_machine *machine)
{
    int listening_fd = lab_listen(model->network, 0, &server->address);
    if (listening_fd < 0)
        return listening_fd;
    pid_t runner = getpid();
    pid_t pid = sys_fork();
    if (pid == 0) {
        setpgid(0, 0);
        serve(model, root, listening_fd, machine, runner);
    }
    sys_close(listening_fd);
    if (pid < 0)
        return pid;
    setpgid(pid, pid); /* both do it: neither needs to wait for the other */
    server->pid = pid;
    return 0;
}

static bool is_connected(const struct address *address)
{
    int fd = sys_connect(address);
    if (fd < 0)
        return false;
    struct pollfd ready = {.fd = fd, .events = POLLOUT};
    bool is_connected = sys_poll(&ready, 1, CONNECT_MS) > 0 && sys_connected(fd, address) == 0;
    sys_close(fd);
    return is_connected;
}

static bool has_ended(pid_t pid)
{
    siginfo_t info = {0};
    return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0;
}

/* A TCP in user space that has not begun queues nobody: clients would ask again a second later, when the
 * measurement may be over. */
static void wait_until_it_serves(const struct server *server)
{
    uint64_t end_ns = sys_monotonic_ns() + START_SECONDS_MAX * UINT64_C(1000000000);
    while (!is_connected(&server->address) && !has_ended(server->pid) && sys_monotonic_ns() < end_ns)
        usleep(1000);
}

/* The runner stays at the clients' end, where the clients are opened, until the server has ended. */
static int fork_over_veth(struct server *server, const struct lab_model *model, const char *root,
                          const struct lab_machine *machine)
{
    int error = lab_veth_open(&server->veth, model->network);
    if (error)
        return error;
    error = lab_veth_enter(server->veth.server_fd);
    if (error == 0)
        error = fork_server(server, model, root, machine);
    if (error == 0)
        error = lab_veth_enter(server->veth.client_fd);
    server->has_veth = true;
    if (error == 0)
        wait_until_it_serves(server);
    return error;
}

int server_start(struct server *server, const struct lab_model *model, const char *root,
                 const struct lab_machine *machine, char *fault)
{
    *server = (struct server){.fault = fault};
    if (model->network == LAB_LOOPBACK)
        return fork_server(server, model, root, machine);
    return fork_over_veth(server, model, root, machine);
}

/* What a status of waitpid(2) means, for a person. */
static void tell_end(const struct server *server, const char *when, int status)
{
    if (WIFSIGNALED(status))
        snprintf(server->fault, LAB_TEXT_MAX, "ended %s by signal %d", when, WTERMSIG(status));
    else
        snprintf(server->fault, LAB_TEXT_MAX, "ended %s with status %d", when, WEXITSTATUS(status));
}

/* Collects processes of the group until none is left, or the time is up. */
static bool wait_for_group(pid_t group, unsigned seconds_max)
{
    uint64_t end_ns = sys_monotonic_ns() + seconds_max * UINT64_C(1000000000);
    for (;;) {
        pid_t pid = waitpid(-group, NULL, WNOHANG);
        if (pid < 0 && errno == ECHILD && kill(-group, 0) < 0)
            return true;
        if (pid > 0)
            continue;
        if (sys_monotonic_ns() > end_ns)
            return false;
        usleep(1000);
    }
}

static bool stop(struct server *server)
{
    int status;
    pid_t group = server->pid;
    bool has_ended = waitpid(group, &status, WNOHANG) == group;
    if (has_ended)
        tell_end(server, "by itself", status);
    else
        kill(group, SIGTERM);
    bool is_gone = wait_for_group(group, STOP_SECONDS_MAX);
    if (!is_gone) {
        snprintf(server->fault, LAB_TEXT_MAX, "had to be ended by force");
        kill(-group, SIGKILL);
        is_gone = wait_for_group(group, STOP_SECONDS_MAX);
    }
    server->pid = 0;
    return is_gone && !has_ended && server->fault[0] == '\0';
}

bool server_stop(struct server *server)
{
    bool is_well = server->pid == 0 || stop(server);
    if (server->has_veth)
        lab_veth_close(&server->veth);
    server->has_veth = false;
    return is_well;
}
