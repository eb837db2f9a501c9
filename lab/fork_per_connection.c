/* A process per connection: accept, fork, and the child serves.
 *
 * The parent does nothing but accept; each client has a process of its own, which ends with the connection.
 * inetd worked like this, the first web servers did, sshd still does, and PostgreSQL has a process for each
 * connection to its databases. The child inherits everything as it was, needs no lock, and cannot harm
 * anybody else: it may crash, leak, or change its user id for good.
 *
 * What it costs: a process is born for each connection. fork(2) copies the page tables, and each page that is
 * written to afterwards is copied, too. What cannot be inherited is made anew: here each child opens the site
 * (an epoll instance must not be shared), so it also starts with an empty cache of files. Clients that make a
 * new connection for each request pay this each time.
 *
 * What breaks it: many clients, even if they say nothing. Each holds a process; LAB_FORK_PROCESSES is the
 * bound, as a server without one can be made to fill the machine with processes by anybody who connects. Past
 * it, clients are closed unserved. A child that has ended stays a zombie until its parent waits for it:
 * forgotten, they fill the table of processes. */
#include "lab/blocking.h"
#include "lab/models.h"
#include "sys/process.h"
#include "sys/signal.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* Children that were not waited for yet. */
static volatile sig_atomic_t child_count;

/* SIGCHLD may stand for several children. */
static void wait_for_children(int signal)
{
    int error = errno;
    (void)signal;
    while (waitpid(-1, NULL, WNOHANG) > 0)
        child_count--;
    errno = error;
}

_Noreturn static void serve_in_child(struct lab_site *site, struct lab_client *client, pid_t parent)
{
    if (!sys_end_with_parent(parent, SIGTERM) || lab_site_open(site) < 0)
        _exit(EXIT_FAILURE);
    lab_session_init(&client->session, site); /* again: the site was not open */
    lab_client_set_timeout(client, LAB_IDLE_TIMEOUT_MS);
    lab_client_serve(client);
    lab_client_destroy(client);
    _exit(EXIT_SUCCESS);
}

/* False if there are enough processes, or no more can be had. SIGCHLD is blocked: a child must be counted
 * before its end is. */
static bool fork_for(struct lab_site *site, struct lab_client *client, int listening_fd)
{
    sigset_t before;
    sigset_t signals = sys_signal_set(SIGCHLD, 0);
    pid_t parent = getpid();
    sys_signal_block(&signals, &before);
    pid_t pid = child_count < LAB_FORK_PROCESSES ? sys_fork() : -EAGAIN;
    if (pid == 0) {
        sys_signal_set_default(SIGCHLD);
        sys_signal_restore(&before);
        close(listening_fd);
        serve_in_child(site, client, parent);
    }
    child_count += pid > 0;
    sys_signal_restore(&before);
    return pid > 0;
}

int lab_serve_fork_per_connection(struct lab_site *site, int listening_fd)
{
    sigset_t signals = sys_signal_set(SIGCHLD, 0);
    sys_signal_handle(&signals, wait_for_children);
    lab_set_blocking(listening_fd, true);
    for (;;) {
        struct lab_client *client = lab_accept(site, listening_fd, 0, sizeof(*client));
        if (client == NULL)
            continue;
        if (fork_for(site, client, listening_fd))
            lab_client_destroy(client); /* the child has its own copy of the socket */
        else
            lab_client_refuse(client);
    }
}
