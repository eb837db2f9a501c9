/* The models: textbook server architectures, each in its own file, in the best order for reading.
 *
 * All use the same HTTP engine and handler (lab/site.h, lab/session.h). They differ only in how they wait for
 * sockets, and what that costs. */
#ifndef LAB_MODEL_H
#define LAB_MODEL_H

#include "base/slice.h"
#include "lab/site.h"
#include "lab/veth.h"

struct lab_model {
    const char *name;         /* on the command line: "thread-pool" */
    const char *title;        /* for tables: "a pool of threads" */
    const char *idea;         /* one sentence */
    const char *breaks;       /* one sentence: what overloads it, and the symptoms */
    const char *source;       /* its source file: "lab/thread_pool.c" */
    bool serves_in_children;  /* the model's own process only starts them and waits */
    enum lab_network network; /* how clients reach it */
    unsigned connections_max; /* served concurrently, others wait; 0: limited by descriptors */

    /* Serves until a signal ends the process (SIGTERM has its default action); processes that it forks end
     * with it. `site` is not opened yet. `listening_fd` is listening; the model may change whether it blocks.
     * With LAB_VETH_BARE it only tells the address, and no client reaches it.
     * Returns -errno if it cannot start, else never. */
    int (*serve)(struct lab_site *site, int listening_fd);

    /* Returns why the model cannot run here, as a message, or NULL if it can. The pointer may be NULL: it
     * always can. */
    const char *(*unavailable)(void);
};

/* Ends with a row without a name. */
extern const struct lab_model lab_models[];

/* The model of that name, or NULL. */
const struct lab_model *lab_model_find(struct slice name);

#endif
