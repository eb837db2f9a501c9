/* `vif upstream` of the control socket: shows the servers that requests are forwarded to, and changes them in
 * all workers at once, through the board. */
#ifndef PROC_MASTER_UPSTREAM_H
#define PROC_MASTER_UPSTREAM_H

#include "proc/master_internal.h"

/* `words` are separated by tabs:
 *
 *     list | list json
 *     add, ROUTE, URL, weight=N, connections=N, backup     ROUTE is empty: the only one
 *     weight, ROUTE, URL, N                                ROUTE is empty: all that have the server
 *     drain | remove, ROUTE, URL */
void master_upstream_command(struct master *master, struct control_client *client, struct slice words);

/* For the status: how many servers of each route are up, and why others are not. */
void master_upstream_print_status(const struct master *master, struct buffer *out);

#endif
