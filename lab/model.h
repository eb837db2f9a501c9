/* The models: the server architectures of the textbooks, each in a file of its own, in the order in which
 * they are best read.
 *
 * All of them answer with the same engine and handler (lab/site.h, lab/session.h). A model is only the rest:
 * who waits for the sockets, and what it costs to wait. */
#ifndef LAB_MODEL_H
#define LAB_MODEL_H

#include "base/slice.h"
#include "lab/site.h"

struct lab_model {
    const char *name;         /* as it is typed: "thread-pool" */
    const char *title;        /* as it stands in a table: "a pool of threads" */
    const char *idea;         /* one sentence */
    const char *breaks;       /* one sentence: what breaks it, and how that shows */
    const char *source;       /* its file: "lab/thread_pool.c" */
    unsigned connections_max; /* that it serves at a time, others wait; 0: as many as there are descriptors */

    /* Serves until the process is ended by a signal, SIGTERM as it is by default; the processes that it forks
     * end with it. `site` was not opened yet. `listening_fd` listens, and whether it blocks is the model's to
     * change. Returns only where it cannot begin: -errno. */
    int (*serve)(struct lab_site *site, int listening_fd);

    /* Why the model cannot run here, for a person; NULL where it can. May itself be NULL: it always can. */
    const char *(*unavailable)(void);
};

/* Ends with a row without a name. */
extern const struct lab_model lab_models[];

/* The model of that name, or NULL. */
const struct lab_model *lab_model_find(struct slice name);

#endif
