/* Processes forked beforehand: the pool again, with a wall between its members.
 *
 * All of them sleep in accept(2) on the same listening socket, and the kernel wakes one for each connection:
 * the queue of the pool is the kernel's. Each serves one client at a time, and then the next. NCSA httpd and
 * Apache 1.3 worked like this, Apache's prefork MPM still does, and so does php-fpm, whose clients are web
 * servers that speak FastCGI to it.
 *
 * What it costs: a process each, with its own copy of everything that is written to: its loop, its cache of
 * files (`Pss` in /proc/PID/smaps_rollup says what it really takes; `Rss` counts the shared pages for each).
 * A context switch between processes also changes the address space. What it gives: no lock, as nothing is
 * shared; and a crash, a leak or a hostile request costs one client. Handlers that are not safe in threads
 * are safe here.
 *
 * What breaks it: as with threads, the number of clients that are slow or idle: LAB_PREFORK_PROCESSES of
 * them, and the next one waits in silence. It breaks earlier, because processes are dearer and so there are
 * fewer. */
#include "lab/blocking.h"
#include "lab/models.h"
#include "lab/processes.h"

struct prefork {
    struct lab_site *site;
    int listening_fd;
};

static int serve_clients(void *context, unsigned number)
{
    (void)number;
    struct prefork *prefork = context;
    int error = lab_site_open(prefork->site);
    if (error < 0)
        return error;
    for (;;) {
        struct lab_client *client = lab_accept(prefork->site, prefork->listening_fd, 0, sizeof(*client));
        if (client == NULL)
            continue;
        lab_client_set_timeout(client, LAB_SCARCE_TIMEOUT_MS);
        lab_client_serve(client);
        lab_client_destroy(client);
    }
}

int lab_serve_preforked(struct lab_site *site, int listening_fd)
{
    struct prefork prefork = {.site = site, .listening_fd = listening_fd};
    lab_set_blocking(listening_fd, true);
    return lab_run_processes(LAB_PREFORK_PROCESSES, serve_clients, &prefork);
}
