/* The table of the models: first those that wait for one client at a time, then those that wait for all of
 * them. */
#include "lab/models.h"

#include "lab/model.h"

const struct lab_model lab_models[] = {
    {
        .name = "one",
        .title = "one client at a time",
        .idea = "Accept, receive, answer, send, close, and then the next client.",
        .breaks = "A second client: it is connected, and then hears nothing until the first one has gone.",
        .source = "lab/one_at_a_time.c",
        .connections_max = 1,
        .serve = lab_serve_one_at_a_time,
    },
    {
        .name = "threads",
        .title = "a thread per connection",
        .idea =
            "Each connection has a thread that sleeps until its socket is ready; the kernel does the rest.",
        .breaks =
            "Many connections, even idle ones: a stack and a kernel task each, until pthread_create fails "
            "and clients are closed unserved.",
        .source = "lab/thread_per_connection.c",
        .serve = lab_serve_thread_per_connection,
    },
    {
        .name = "thread-pool",
        .title = "a pool of threads",
        .idea = "A fixed number of threads take connections from a bounded queue and serve each to its end.",
        .breaks =
            "As many idle connections as threads: others wait in the queue in silence, and past its end "
            "they are closed unserved.",
        .source = "lab/thread_pool.c",
        .connections_max = LAB_POOL_THREADS,
        .serve = lab_serve_thread_pool,
    },
    {
        .name = "prefork",
        .title = "processes forked beforehand",
        .idea = "A fixed number of processes sleep in accept on one socket, each serves a client at a time.",
        .breaks = "As many idle connections as processes: others wait in the kernel's queue in silence.",
        .source = "lab/preforked.c",
        .connections_max = LAB_PREFORK_PROCESSES,
        .serve = lab_serve_preforked,
    },
    {
        .name = "select",
        .title = "select",
        .idea =
            "One thread asks the kernel which of a set of sockets are ready, deals with those, asks again.",
        .breaks =
            "Descriptors from 1024 on do not fit into the set and are closed; each turn costs as much as "
            "there are connections.",
        .source = "lab/select.c",
        .connections_max = LAB_SELECT_CLIENTS,
        .serve = lab_serve_select,
    },
    {
        .name = "poll",
        .title = "poll",
        .idea = "select with a list in place of the set, as long as need be.",
        .breaks =
            "Each turn costs as much as there are connections, idle ones included: requests get dearer as "
            "the crowd grows.",
        .source = "lab/poll.c",
        .serve = lab_serve_poll,
    },
    {
        .name = "epoll-level",
        .title = "epoll, level-triggered",
        .idea =
            "The kernel keeps the list of sockets, and a turn costs what is ready; what stays ready is told "
            "again.",
        .breaks = "A handler that blocks stops everyone; one thread is one processor.",
        .source = "lab/epoll_level.c",
        .serve = lab_serve_epoll_level,
    },
    {
        .name = "epoll-edge",
        .title = "epoll, edge-triggered",
        .idea = "Each change is told once, so sockets are registered once and read until they are empty.",
        .breaks = "A forgotten edge hangs a connection for ever; else as level-triggered.",
        .source = "lab/epoll_edge.c",
        .serve = lab_serve_epoll_edge,
    },
    {
        .name = "io-uring",
        .title = "io_uring",
        .idea = "Operations are put into a ring in shared memory and their results come out of another: one "
                "system call for many.",
        .breaks = "A handler that blocks stops everyone; old kernels and sandboxes that forbid it.",
        .source = "lab/io_uring.c",
        .serve = lab_serve_io_uring,
        .unavailable = lab_io_uring_unavailable,
    },
    {
        .name = "workers",
        .title = "epoll, a worker for each processor",
        .idea = "Several processes, each with an event loop and a listening socket of its own; nothing is "
                "shared.",
        .breaks =
            "Few connections are dealt out unevenly; a handler that blocks stops all clients of its worker.",
        .source = "lab/workers.c",
        .serve = lab_serve_workers,
    },
    {
        .name = "offload",
        .title = "epoll with threads for what blocks",
        .idea =
            "The loop waits for sockets, and work that may block goes to a pool of threads and comes back.",
        .breaks = "More blocking work than threads: its clients wait in a queue, but nobody else does.",
        .source = "lab/offload.c",
        .serve = lab_serve_offload,
    },
    {
        .name = "coroutines",
        .title = "coroutines on an event loop",
        .idea =
            "The straight code of a thread, on a small stack of its own, that gives way to the loop whenever "
            "it would wait.",
        .breaks =
            "A stack for each connection, and a handler that blocks blocks all of them, for it does not "
            "know how to give way.",
        .source = "lab/coroutines.c",
        .serve = lab_serve_coroutines,
    },
    {0},
};

const struct lab_model *lab_model_find(struct slice name)
{
    for (const struct lab_model *model = lab_models; model->name; model++) {
        if (slice_equal(name, slice_from(model->name)))
            return model;
    }
    return NULL;
}
