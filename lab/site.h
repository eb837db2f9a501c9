/* The site: the content and handlers that all models of the lab share.
 *
 * It uses vif's own server (server/server.h) with its settings, file cache, handlers and loop, but without
 * listeners and connections, which are the models' part. The loop only handles the clock and changes on disk;
 * it runs at most once a millisecond, when a request is answered.
 *
 * The server is single-threaded, as vif uses processes. In models with several threads all answer under one
 * lock: see lab_site_share. */
#ifndef LAB_SITE_H
#define LAB_SITE_H

#include "base/compiler.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct lab_site;

/* Counters of the processes and threads of a model, in shared memory (sys_shared_memory) if another process
 * reads them. */
struct lab_counts {
    atomic_uint_least64_t accepted; /* connections */
    atomic_uint_least64_t refused;  /* of these, closed at once: no descriptor, no thread, no room in a queue
                                       or  in an fd_set */
    atomic_uint_least64_t closed;   /* of these, closed; including refused ones */
};

struct lab_site_options {
    const char *folder;        /* folder to serve; borrowed for the call */
    bool has_trials;           /* also serves the paths below */
    struct lab_counts *counts; /* may be NULL; must outlive the site */
};

/* A small response from memory: "Hello, world!\n". */
#define LAB_HELLO_PATH "/lab/hello"

/* The same, from a handler that blocks for LAB_BLOCK_MS, like a slow disk, a database or a lock. The model
 * chooses the thread that blocks. */
#define LAB_BLOCK_PATH "/lab/block"
#define LAB_BLOCK_MS   50

/* Creates the site of a folder without opening it, so that a model may fork first. Returns 0 or -errno: no
 * such folder, or out of memory. */
int lab_site_create(const struct lab_site_options *options, struct lab_site **ret_site) MUST_CHECK;

/* Opens the loop and the server. Call it in each process that answers, after fork: processes cannot share an
 * epoll descriptor. Returns 0 or -errno. */
int lab_site_open(struct lab_site *site) MUST_CHECK;

/* Allows several threads of this process to answer: protects the server by a lock, which is never held while
 * waiting for a socket, a disk or a blocking handler. Call it before the second thread starts. */
void lab_site_share(struct lab_site *site);

/* Frees the site; all sessions must have ended. Only tests call it, as the lab's processes end by a signal.
 * NULL is ignored. */
void lab_site_destroy(struct lab_site *site);

#endif
