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
        .name = "fork",
        .title = "a process per connection",
        .idea = "Accept and fork; the child serves its client and ends with the connection.",
        .breaks = "Many connections, even idle ones: a process each, up to a bound, past which clients are "
                  "closed unserved.",
        .source = "lab/fork_per_connection.c",
        .serves_in_children = true,
        .connections_max = LAB_FORK_PROCESSES,
        .serve = lab_serve_fork_per_connection,
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
        .serves_in_children = true,
        .connections_max = LAB_PREFORK_PROCESSES,
        .serve = lab_serve_preforked,
    },
    {
        .name = "spin",
        .title = "a loop that spins",
        .idea = "No thread sleeps: one asks all sockets in turn, all the time, whether they have something.",
        .breaks = "It takes a whole processor without any client, and each idle connection costs a system "
                  "call a turn.",
        .source = "lab/spin.c",
        .serve = lab_serve_spin,
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
            "connections are added.",
        .source = "lab/poll.c",
        .serve = lab_serve_poll,
    },
    {
        .name = "epoll-level",
        .title = "epoll, level-triggered",
        .idea = "The kernel keeps the list of sockets, and a turn costs what is ready; what stays ready is "
                "reported again.",
        .breaks = "A handler that blocks stops everyone; one thread is one processor.",
        .source = "lab/epoll_level.c",
        .serve = lab_serve_epoll_level,
    },
    {
        .name = "epoll-edge",
        .title = "epoll, edge-triggered",
        .idea = "Each change is reported once, so sockets are registered once and read until they are empty.",
        .breaks = "A forgotten edge hangs a connection for ever; else as level-triggered.",
        .source = "lab/epoll_edge.c",
        .serve = lab_serve_epoll_edge,
    },
    {
        .name = "kqueue",
        .title = "kqueue, level-triggered",
        .idea = "epoll of the BSDs and macOS: one call takes changes and returns events. Never run: this is "
                "Linux.",
        .breaks = "As epoll: a handler that blocks stops everyone.",
        .source = "lab/kqueue.c",
        .serve = lab_serve_kqueue,
        .unavailable = lab_kqueue_unavailable,
    },
    {
        .name = "libevent",
        .title = "libevent",
        .idea = "epoll, level-triggered, with a loop of the library: callbacks for sockets that are ready.",
        .breaks = "As epoll: a handler that blocks stops everyone.",
        .source = "lab/libevent.c",
        .serve = lab_serve_libevent,
        .unavailable = lab_libevent_unavailable,
    },
    {
        .name = "libuv",
        .title = "libuv",
        .idea = "The same with the loop of Node.js; a closed handle lives until the end of the turn.",
        .breaks = "As epoll: a handler that blocks stops everyone.",
        .source = "lab/libuv.c",
        .serve = lab_serve_libuv,
        .unavailable = lab_libuv_unavailable,
    },
    {
        .name = "libev",
        .title = "libev",
        .idea = "The same with the smallest of the three; watchers are the program's own structs.",
        .breaks = "As epoll: a handler that blocks stops everyone.",
        .source = "lab/libev.c",
        .serve = lab_serve_libev,
        .unavailable = lab_libev_unavailable,
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
        .name = "shared",
        .title = "loops on one socket",
        .idea = "Several processes with a loop each wait for the same listening socket.",
        .breaks = "Each new connection wakes all loops, and all but one in vain.",
        .source = "lab/shared_socket.c",
        .serves_in_children = true,
        .serve = lab_serve_shared_socket,
    },
    {
        .name = "exclusive",
        .title = "loops on one socket, EPOLLEXCLUSIVE",
        .idea = "The same, but the kernel wakes one of those that sleep.",
        .breaks = "At little load one loop gets nearly all connections.",
        .source = "lab/shared_socket.c",
        .serves_in_children = true,
        .serve = lab_serve_exclusive,
    },
    {
        .name = "reuseport",
        .title = "loops with a socket each",
        .idea = "The same with SO_REUSEPORT: the kernel deals out connections by a hash.",
        .breaks = "Few connections are dealt out unevenly, and wait for their loop while others idle.",
        .source = "lab/shared_socket.c",
        .serves_in_children = true,
        .serve = lab_serve_reuseport,
    },
    {
        .name = "workers",
        .title = "epoll, a worker for each processor",
        .idea = "Several processes, each with an event loop and a listening socket of its own; nothing is "
                "shared.",
        .breaks =
            "Few connections are dealt out unevenly; a handler that blocks stops all clients of its worker.",
        .source = "lab/workers.c",
        .serves_in_children = true,
        .serve = lab_serve_workers,
    },
    {
        .name = "epoll-mt",
        .title = "threads with a loop each",
        .idea =
            "Several threads, each with an event loop and a listening socket; the handlers' data is shared.",
        .breaks = "Locks: what handlers share, one thread at a time uses; a crash ends all of them.",
        .source = "lab/loop_threads.c",
        .serve = lab_serve_loop_threads,
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
            "The straight code of a thread, on a small stack of its own, that yields to the loop whenever it "
            "would wait.",
        .breaks =
            "A stack for each connection, and a handler that blocks blocks all of them, for it does not "
            "yield.",
        .source = "lab/coroutines.c",
        .serve = lab_serve_coroutines,
    },
    {
        .name = "epoll-veth",
        .title = "epoll, over a veth pair",
        .idea = "epoll-edge over a virtual cable in place of loopback: what the next ones are compared with.",
        .breaks = "As epoll: a handler that blocks stops everyone.",
        .source = "lab/veth.c",
        .network = LAB_VETH,
        .serve = lab_serve_epoll_edge,
        .unavailable = lab_veth_unavailable,
    },
    {
        .name = "af-xdp",
        .title = "AF_XDP and a TCP in user space",
        .idea = "The kernel hands over each packet before it looks at it; TCP is a library, lwIP.",
        .breaks = "Many connections: lwIP looks for each packet's in a list. A handler that blocks stops "
                  "everyone, and TCP too.",
        .source = "lab/af_xdp.c",
        .network = LAB_VETH_BARE,
        .serve = lab_serve_af_xdp,
        .unavailable = lab_af_xdp_unavailable,
    },
    {
        .name = "dpdk",
        .title = "DPDK and a TCP in user space",
        .idea = "The program has the card: one thread asks it all the time, and TCP is the same library.",
        .breaks = "It takes a whole processor without any client; else as af-xdp.",
        .source = "lab/dpdk.c",
        .network = LAB_VETH_BARE,
        .serve = lab_serve_dpdk,
        .unavailable = lab_dpdk_unavailable,
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
