/* The site: what every model of the lab answers with.
 *
 * Behind it stands the server of production (server/server.h): its settings, its cache of files, its
 * handlers, its loop. It has no listener and no connection of its own; those are what the models differ in.
 * Its loop serves only its insides, the clock and the changes on disk, and is turned in passing, at most once
 * a millisecond, by whoever answers a request.
 *
 * That handler was written for one thread, as vif runs processes and not threads. Where a model has several,
 * all of them answer under one lock: see lab_site_share. */
#ifndef LAB_SITE_H
#define LAB_SITE_H

#include "base/compiler.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct lab_site;

/* What the processes and threads of a model count. In memory that they share, where somebody is to see it:
 * sys_shared_memory. */
struct lab_counts {
    atomic_uint_least64_t accepted; /* connections */
    atomic_uint_least64_t refused;  /* of these, closed at once: no descriptor, no thread, no room in a queue
                                       or  in an fd_set */
    atomic_uint_least64_t closed;   /* of these, over; the refused ones too */
};

struct lab_site_options {
    const char *folder;        /* to be served; borrowed for the call */
    bool has_trials;           /* the paths below are there too */
    struct lab_counts *counts; /* NULL: nobody looks; else outlives the site */
};

/* A small response that is no file, in one piece of memory: "Hello, world!\n". */
#define LAB_HELLO_PATH "/lab/hello"

/* The same, from a handler that blocks for LAB_BLOCK_MS: what a slow disk, a database or a lock would do.
 * Where it blocks is the model's choice. */
#define LAB_BLOCK_PATH "/lab/block"
#define LAB_BLOCK_MS   50

/* A site of a folder; opens nothing yet, so that a model may fork before it is opened. Returns 0 or -errno:
 * the folder is not there, or memory ran out. */
int lab_site_create(const struct lab_site_options *options, struct lab_site **ret_site) MUST_CHECK;

/* Opens the loop and the server. Each process that answers does it for itself, after its fork: two processes
 * cannot share an epoll descriptor. Returns 0 or -errno. */
int lab_site_open(struct lab_site *site) MUST_CHECK;

/* From here on more than one thread of this process answers: they take turns with the handler, by a lock that
 * nobody holds while waiting for a socket, a disk or a handler that blocks. Before the second thread starts.
 */
void lab_site_share(struct lab_site *site);

/* For tests: the processes of the lab end by a signal. Every session must be over. NULL is ignored. */
void lab_site_destroy(struct lab_site *site);

#endif
