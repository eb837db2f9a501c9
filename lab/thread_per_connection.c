/* A thread per connection: the same straight code as for one client, but each client has it to itself.
 *
 * The kernel does the waiting and the choosing: a thread in recv(2) or send(2) sleeps until its socket is
 * ready, and another runs. The early Java servers were built like this and MySQL still is. Code in Go reads
 * the same, but runs as coroutines of its runtime (lab/coroutines.c).
 *
 * What it costs: a stack and a task of the kernel for each connection, idle ones included (`VmRSS` and
 * `VmPTE` in /proc/PID/status; the task's own stack in the kernel, 16 KiB, shows only in `KernelStack` of
 * /proc/meminfo); a context switch for nearly every request; and locks, since what the clients share is now
 * shared by threads. The production handler has no locks in it, so here one lock goes around it (lab/site.c):
 * on a busy machine the one who has it may lose the processor, and all others wait until it comes back.
 *
 * What breaks it: many connections, even if they say nothing. Memory for stacks, and the limits on threads
 * (`ulimit -u`, the cgroup's pids.max, kernel.threads-max, vm.max_map_count at two mappings a stack): then
 * pthread_create fails, and the client is closed unserved. A handler that blocks breaks nothing: that is what
 * the threads are for. */
#include "lab/blocking.h"
#include "lab/models.h"

#include <errno.h>
#include <pthread.h>

/* Of address space; memory is taken as far as the stack is used. What the handler needs is up to 40 KiB, of
 * which 16 are the buffer to receive into. Below lies a page that must not be touched: who runs over the end
 * crashes at once instead of writing into the neighbour's stack. Sanitizers make stacks larger. */
#ifdef VIF_ASAN
#define STACK_BYTES ((size_t)512 << 10)
#else
#define STACK_BYTES ((size_t)64 << 10)
#endif

static void *serve_client(void *argument)
{
    struct lab_client *client = argument;
    lab_client_serve(client);
    lab_client_destroy(client);
    return NULL;
}

int lab_serve_thread_per_connection(struct lab_site *site, int listening_fd)
{
    int error = lab_site_open(site);
    if (error < 0)
        return error;
    lab_site_share(site);
    lab_set_blocking(listening_fd, true);

    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    for (;;) {
        struct lab_client *client = lab_accept(site, listening_fd, 0, sizeof(*client));
        if (client == NULL)
            continue;
        lab_client_set_timeout(client, LAB_IDLE_TIMEOUT_MS);
        pthread_t thread;
        if (pthread_create(&thread, &attributes, serve_client, client) != 0)
            lab_client_refuse(client);
    }
}
