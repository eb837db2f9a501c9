/* A change of the configuration while the server runs.
 *
 * A child process reads and checks the file; one worker takes the result; then it is in force, and all other
 * workers take it. Until the first worker has taken it, everything that fails means that nothing has changed.
 * After that, a worker that cannot take it keeps the former one and is asked again (links.h).
 *
 *     idle -> reading -> trying -> spreading -> (watching ->) idle
 *
 * With a watch, errors are counted for a while after the change. When they become clearly more, the former
 * settings are put into force again, by the same steps; these are kept for that time.
 *
 * A request that comes meanwhile starts the whole anew afterwards, since the file may have changed again. */
#ifndef PROC_RELOAD_H
#define PROC_RELOAD_H

#include "base/buffer.h"
#include "proc/error_watch.h"
#include "proc/generation.h"
#include "proc/links.h"
#include "proc/slot.h"

enum reload_state {
    RELOAD_IDLE,
    RELOAD_READING,   /* the reader, a child process, builds the configuration */
    RELOAD_TRYING,    /* the first worker takes it */
    RELOAD_SPREADING, /* the others take it */
    RELOAD_WATCHING,  /* it is in force, and errors are counted */
};

enum reload_result {
    RELOAD_DONE,     /* it is in force in every worker that is able to answer */
    RELOAD_PARTLY,   /* it is in force, but a worker could not take it */
    RELOAD_REFUSED,  /* nothing has changed */
    RELOAD_REVERTED, /* errors became more, and the former settings are in force again */
};

struct reload_outcome {
    enum reload_result result;
    unsigned number;     /* of the reload */
    unsigned generation; /* the one in force */
    struct slice text;   /* for people, lines that each end with a line feed; valid during the call only */
};

/* What the reader is given, and what it finds besides the configuration. */
struct reload_reading {
    const struct arena *arena; /* for all that the configuration points to */
    struct slice former;       /* the outline (conf/outline.h) of the configuration in force; data is NULL: of
                                  the one that vif began with */
    struct buffer outline;     /* that of the new one */
    struct buffer text;        /* mistakes, warnings and changes, for people */
    bool is_first;             /* the configuration that vif began with is wanted again, not the file's */
};

/* Reads the configuration as at the start. Returns it, or NULL. */
typedef struct config *reload_read(void *context, struct reload_reading *reading);

struct reload_options {
    struct supervisor *supervisor;
    struct slot *slots;
    struct log *log;
    pid_t master;
    reload_read *read; /* in the reader */
    void *read_context;
    /* Gets ready what the master has to do for the new configuration; returns 0, or adds why it is impossible
     * to `why` and returns an error. Then exactly one of the other two is called: they put it into force,
     * with the ownership of `config`, or undo the preparation. */
    int (*prepare)(void *context, struct config *config, struct buffer *why);
    /* Whether, as prepared, other workers take the place of those that run: then none of these is asked, and
     * it is put into force at once. And whether these workers are still awaited. Both may be NULL. */
    bool (*replaces)(void *context);
    bool (*is_replacing)(void *context);
    void (*commit)(void *context, struct config *config);
    void (*abandon)(void *context);
    /* Adds what a worker needs besides the memory to the change, and sends it. May be NULL. */
    int (*equip)(void *context, size_t worker, unsigned taken, struct channel_change *change);
    /* The workers have taken the new settings, and are watched before the end. May be NULL. */
    void (*on_watch)(void *context);
    /* Counts since the start: what is watched. */
    struct error_figures (*figures)(void *context);
    void (*on_end)(void *context, const struct reload_outcome *outcome);
    void *context;
};

/* A generation as the master has it. */
struct master_generation {
    unsigned number;
    int room;      /* -1: the first one, which is in none */
    int memory_fd; /* -1, likewise */
};

/* For a reload that is watched. */
struct reload_watch {
    struct error_watch samples;
    uint64_t duration_ms; /* 0: it is not watched */
    uint64_t began_ms;
    struct error_figures began;
    struct error_figures before;
    bool is_reverting;
    struct master_generation former; /* what was in force before; number 0: it is not kept */
    struct config *config;           /* of that, if it is in a room */
    struct buffer text;              /* what is known of the reload so far */
};

struct reload {
    struct reload_options options;
    struct generations generations;
    struct links links;
    enum reload_state state;
    bool is_wanted;           /* another one, when this one has ended */
    uint64_t wanted_watch_ms; /* of that; 0: it is not watched */
    unsigned begun;           /* number of the latest one */
    uint64_t began_ms;
    uint64_t deadline_ms;
    struct master_generation current;
    struct master_generation next;
    unsigned newest;       /* the highest number so far */
    struct config *config; /* the next, while it is tried */
    pid_t reader;
    int reader_fd; /* readable when the reader has ended; -1: there is none */
    int first;     /* the worker that tries it; -1: to be chosen */
    unsigned lost; /* workers that ended while they tried it */
    struct reload_watch watch;
};

/* Returns 0 or -ENOMEM. Call before the first fork. */
int reload_init(struct reload *reload, const struct reload_options *options) MUST_CHECK;

/* May be called on a zeroed one; no worker may be running. The memory of configurations stays until
 * reload_release, before which the last reference to their settings must be gone. */
void reload_finish(struct reload *reload);
void reload_release(struct reload *reload);

/* Asks for a reload, watched for so long; 0: not at all. Returns its number: that of the outcome which on_end
 * gets. Requests that come before it begins have the same. */
unsigned reload_request(struct reload *reload, uint64_t watch_ms);

/* Whether one is under way. */
static inline bool reload_is_busy(const struct reload *reload)
{
    return reload->state != RELOAD_IDLE;
}

/* Gives up what is under way, without on_end: the server stops. */
void reload_give_up(struct reload *reload);

/* Number of descriptors of reload_poll_set. */
size_t reload_poll_max(const struct reload *reload);
size_t reload_poll_set(const struct reload *reload, struct pollfd *fds);

/* After poll(2). */
void reload_take_ready(struct reload *reload, const struct pollfd *fds, size_t count);

/* Does what is due. */
void reload_step(struct reload *reload);

/* Milliseconds until something is due; -1: nothing is. */
int reload_wait_ms(const struct reload *reload);

/* For the supervisor: around the fork of a worker, and in it. */
int reload_before_start(struct reload *reload, size_t number) MUST_CHECK;
void reload_after_start(struct reload *reload, size_t number);

/* In a new worker, whose configuration is the current one: keeps what is the worker's. Returns its end of the
 * channel. */
struct message_ends reload_become_worker(struct reload *reload, size_t number,
                                         atomic_ullong *shown) MUST_CHECK;

#endif
