/* One client at a time: the server on the first page of every text about sockets.
 *
 * accept, receive, answer, send, close, and then the next client. Nothing runs beside anything else, so
 * nothing can get in anything's way: it is the easiest of all to get right. Early finger and time daemons
 * worked like this, and a program's debugging port still may.
 *
 * What it costs: everything that the network is slow at. While the client's next request is on its way, or
 * its window is full, the processor has nothing to do, and all other clients wait in the kernel's queue of
 * connections that nobody has accepted. A browser that keeps its connection open (the rule since HTTP/1.1)
 * keeps the whole server.
 *
 * What breaks it: the second client. It is connected, for the kernel does that; its request is even taken,
 * into the socket's buffer; and then there is silence. `ss -tn` shows bytes in Recv-Q that nobody reads.
 * Clients see time-outs, not refusals, until the queue itself is full (net.core.somaxconn). So one `nc` that
 * says nothing stops the server; here for LAB_SCARCE_TIMEOUT_MS, after which a silent client is closed. */
#include "lab/blocking.h"
#include "lab/models.h"

int lab_serve_one_at_a_time(struct lab_site *site, int listening_fd)
{
    int error = lab_site_open(site);
    if (error < 0)
        return error;
    lab_set_blocking(listening_fd, true);
    for (;;) {
        struct lab_client *client = lab_accept(site, listening_fd, 0, sizeof(*client));
        if (client == NULL)
            continue;
        lab_client_set_timeout(client, LAB_SCARCE_TIMEOUT_MS);
        lab_client_serve(client);
        lab_client_destroy(client);
    }
}
