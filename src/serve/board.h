/* The board: what all workers know about the servers that requests are forwarded to, in memory that they
 * share. No lock: members are written by one process at a time, or are atomic.
 *
 * A server has an entry for each route that names it: how many requests it has, whether it is healthy, how
 * fast it answers. A worker that uses an entry has a reference. Entries without references keep what they
 * know, so that a server that a reload names again is not new, until their place is needed.
 *
 * Nothing that must be given back is a sum in shared memory: each worker writes only what it holds itself
 * (struct board_hold), and readers add up. So a worker may be killed between any two instructions: when its
 * master clears what it held, the sums are right again.
 *
 * Any process can write to the shared memory. What memory accesses depend on, such as the number of workers,
 * is in `struct board`, of which each process has its own copy. */
#ifndef SERVE_BOARD_H
#define SERVE_BOARD_H

#include "base/hash.h"

#include <stdatomic.h>

#define BOARD_SERVERS_MAX 512

/* Of the texts that people see; longer ones are cut. */
#define BOARD_ROUTE_BYTES  128
#define BOARD_URL_BYTES    160
#define BOARD_REASON_BYTES 120

/*  name, what it counts; by server and worker, and they only rise */
#define BOARD_COUNTER_TABLE(X)                                                        \
    X(requests, "requests forwarded to the server, repeated ones too")                \
    X(failures, "requests that the server did not answer, or not to the end")         \
    X(errors, "responses of the server with a 5xx status")                            \
    X(connections, "connections opened to the server")                                \
    X(first_byte_us, "time until the responses' heads, where it was measured, in us") \
    X(first_bytes, "responses for which that was measured")

struct board_share {
#define X(name, text) uint64_t name;
    BOARD_COUNTER_TABLE(X)
#undef X
} __attribute__((aligned(64)));

/* What a worker holds of a server now; only that worker writes to it. Those of a server are together. */
struct board_hold {
    atomic_uint in_use; /* requests */
    atomic_uint references;
};

/* What the health checks say. */
enum board_health { BOARD_UNKNOWN, BOARD_UP, BOARD_DOWN };

struct board_server {
    atomic_uint state;  /* enum board_state, and who has claimed it */
    struct digest name; /* of route and URL */
    uint64_t hash;      /* of the URL: the same in every process and on every machine */
    char route[BOARD_ROUTE_BYTES];
    char url[BOARD_URL_BYTES];
    atomic_ullong touched_ms; /* when somebody last got or released it */

    atomic_uint time_us;      /* average time to the head of a response; 0: not known */
    atomic_ullong timed_ms;   /* when that was measured last */
    atomic_uint failures;     /* in a row */
    atomic_uint ejections;    /* in a row: each is longer */
    atomic_ullong ejected_ms; /* it is left out until then */
    atomic_ullong since_ms;   /* since when it is in use again; 0: all the time */
    atomic_uint health;       /* enum board_health; this one and the next three: by the prober */
    atomic_ullong checks;     /* health checks */
    atomic_ullong failed_checks;
    char reason[BOARD_REASON_BYTES]; /* of `health`; for people: read it with board_reason */
} __attribute__((aligned(64)));

/* What was changed at run time about a server of a route, in place of what the file says. */
struct board_change {
    char route[BOARD_ROUTE_BYTES];
    char url[BOARD_URL_BYTES];
    uint32_t weight;
    uint32_t connections; /* at once; 0: as the route says */
    /* No bool: workers can write any byte. */
    uint8_t is_backup;
    uint8_t is_added;    /* the file does not name it */
    uint8_t is_draining; /* `weight` is 0 until it is set again */
    uint8_t is_removed;
};

#define BOARD_CHANGES_MAX 128

struct board_changes {
    size_t count;
    struct board_change list[BOARD_CHANGES_MAX];
};

/* A list of servers from a file that is watched, as the master has read it last. */
#define BOARD_LISTED_MAX       64
#define BOARD_LISTED_URL_BYTES 288 /* of the longest URL that a server can have, and more */
#define BOARD_PATH_BYTES       256 /* of the text that people see; a longer one is cut */

struct board_listed {
    char url[BOARD_LISTED_URL_BYTES];
    uint32_t weight;
    uint32_t connections; /* at once; 0: as the route says */
    uint8_t is_backup;    /* no bool: workers can write any byte */
};

struct board_list {
    struct digest name; /* of the file's path */
    uint64_t number;    /* rises with each list that is put on the board; 0: there is none here */
    uint64_t read_ns;   /* when its file was read (sys_monotonic_ns) */
    char path[BOARD_PATH_BYTES];
    uint8_t is_named; /* by the settings in force */
    uint8_t is_wrong; /* the file is wrong or missing now: this is the last good list */
    size_t count;
    struct board_listed servers[BOARD_LISTED_MAX];
};

/* Twice as many as a configuration can have, for workers that have not taken the latest one. */
#define BOARD_LISTS_MAX 32

/* What all processes share. */
struct board_memory {
    atomic_ullong lease;          /* the worker that does what one does for all: see board_take_lease */
    atomic_uint version;          /* of the changes; odd while they are written, by the master only */
    atomic_uint entered;          /* the highest number of a worker so far, plus 1 */
    struct board_changes changes; /* read them with board_read_changes; they and the lists have `version` */
    struct board_list lists[BOARD_LISTS_MAX]; /* read them with board_read_list */
    struct board_server servers[BOARD_SERVERS_MAX];
    /* shares follow: those of a server are together; then holds, likewise; then board_waiting_since */
};

struct board {
    struct board_memory *shared;
    size_t worker_count; /* there is room for so many */
    uint64_t lists_put;  /* so far, by this process: the master */
    struct hash_key key; /* for cookies without a key of their own; drawn when the board was made */
};

/* An entry, with what the worker that has the reference writes to. */
struct board_place {
    struct board_server *server; /* NULL: none */
    struct board_share *share;
    struct board_hold *hold;
    const struct board *board;
};

/* Room for so many workers. Returns NULL if out of memory. Made before the workers are. */
struct board *board_create(size_t worker_count) MUST_CHECK;

/* NULL is ignored. */
void board_destroy(struct board *board);

struct board_share *board_share(const struct board *board, size_t server, size_t worker);

/* How many workers, from number 0 on, may have something on the board. */
size_t board_workers(const struct board *board);

/* Since when (loop_now_ms) a request of that worker has been waiting for a place; 0: none waits. */
atomic_ullong *board_waiting_since(const struct board *board, size_t worker);

/* The worker starts. NULL is ignored. */
void board_enter(struct board *board, size_t worker);

/* The worker has ended, perhaps in the middle of something: it holds nothing any more. By the master. */
void board_clear_worker(struct board *board, size_t worker);

/* Finds or makes the entry of a server of a route, with a reference. Its `server` is NULL if all entries are
 * in use. */
struct board_place board_get(struct board *board, size_t worker, struct slice route, struct slice url,
                             uint64_t now_ms);
void board_put(struct board_place place, uint64_t now_ms);

/* The entry of a server, used or not; NULL: there is none. */
const struct board_server *board_find(const struct board *board, struct slice route, struct slice url);

/* The requests that a server has, of all workers; 0 for NULL. */
uint32_t board_in_use(const struct board *board, const struct board_server *server);

/* Puts a change in force in all workers, in place of one of the same server; each looks at the version with
 * each request. By the master only. Returns false if there are too many. */
bool board_change(struct board *board, const struct board_change *change);

/* The servers are those of the files again. By the master only. Returns whether that is a change. */
bool board_forget_changes(struct board *board);

/* Copies the changes in force. Returns false while they are being written. */
bool board_read_changes(const struct board *board, struct board_changes *ret_changes);

/* The name of a list. */
struct digest board_list_name(struct slice path);

/* Puts a list in force in all workers, in place of the one of the same name, or else of the one that was put
 * there longest ago; sets its number. Changes for which `ends` returns true do not count any more from the
 * same moment on. By the master only. */
void board_put_list(struct board *board, const struct board_list *list,
                    bool (*ends)(void *context, const struct board_change *change), void *context);

/* What its file is now; for those who look. Does nothing if there is no list of that name. By the master
 * only. */
void board_note_list(struct board *board, const struct digest *name, bool is_named, bool is_wrong);

/* Copies the list of a name; its number is 0 if there is none. Returns false while it is being written. */
bool board_read_list(const struct board *board, const struct digest *name, struct board_list *ret_list);

static inline unsigned board_version(const struct board *board)
{
    return atomic_load_explicit(&board->shared->version, memory_order_relaxed);
}

/* Whether this worker does now what one does for all, such as health checks. Whoever does it calls this again
 * within BOARD_LEASE_MS / 2; when it stops, another one goes on. */
#define BOARD_LEASE_MS 2000
bool board_take_lease(struct board *board, size_t worker, uint64_t now_ms);

/* Whether it gets no requests for a while, because it has failed. */
static inline bool board_is_left_out(const struct board_server *server, uint64_t now_ms)
{
    return atomic_load_explicit(&server->ejected_ms, memory_order_relaxed) > now_ms;
}

/* Whether requests should go there. */
static inline bool board_is_good(const struct board_server *server, uint64_t now_ms)
{
    return atomic_load_explicit(&server->health, memory_order_relaxed) != BOARD_DOWN &&
           !board_is_left_out(server, now_ms);
}

static inline void board_hold_add(atomic_uint *held, unsigned count)
{
    unsigned before = atomic_load_explicit(held, memory_order_relaxed);
    atomic_store_explicit(held, before + count, memory_order_relaxed);
}

/* For board_begin: a place below the limit, or false. */
bool board_begin_limited(struct board_place place, uint32_t limit) MUST_CHECK;

/* A request begins. Returns false, and it does not, if the server has `limit` (0: none) already. */
static inline bool board_begin(struct board_place place, uint32_t limit)
{
    if (limit > 0 && !board_begin_limited(place, limit))
        return false;
    if (limit == 0)
        board_hold_add(&place.hold->in_use, 1);
    place.share->requests++;
    return true;
}

static inline void board_end(struct board_place place)
{
    assert(atomic_load_explicit(&place.hold->in_use, memory_order_relaxed) > 0);
    board_hold_add(&place.hold->in_use, -1u);
}

/* The server's health from now on; `reason` is for people. By the prober. */
void board_set_health(struct board_server *server, enum board_health health, const char *reason,
                      uint64_t now_ms);

/* Text of an entry, whatever was written to it. */
static inline struct slice board_text(const char *text, size_t size)
{
    return slice_make(text, strnlen(text, size));
}

/* Copies the reason. */
void board_reason(const struct board_server *server, char ret_reason[BOARD_REASON_BYTES]);

/* Walks over the entries that somebody uses: call with 0, then with the result plus 1, until it is
 * BOARD_SERVERS_MAX. */
size_t board_next(const struct board *board, size_t from);

#endif
