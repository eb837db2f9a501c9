/* The master's ends of the channels to its workers: which generation each worker has, and which one it was
 * asked to take.
 *
 * A worker that cannot take a generation is asked again every LINK_RETRY_MS; one that is stopped, when it
 * goes on. So in the end all workers have the newest one, whatever has held them up. */
#ifndef PROC_LINKS_H
#define PROC_LINKS_H

#include "proc/channel.h"
#include "proc/second_count.h"
#include "proc/supervisor.h"

#define LINK_RETRY_MS 5000

struct link {
    struct message_ends ends;        /* the master's; closed: no worker has the other ones */
    struct message_ends worker_ends; /* the worker's, until it is forked */
    unsigned taken;                  /* the generation that it has */
    unsigned asked;                  /* the generation that it is to take and has not answered; 0: none */
    int asked_room;
    bool has_refused; /* the last one that it was asked to take; `why` */
    uint64_t retry_ms;
    struct second_count answers;
    char why[CHANNEL_TEXT_MAX];
};

struct links {
    struct link *list; /* by worker */
    size_t count;
    /* A worker reports offences. NULL: nobody wants to know. */
    void (*on_offences)(void *context, size_t number, const struct offence *list, size_t count);
    void *context;
};

/* Returns 0 or -ENOMEM. */
int links_init(struct links *links, size_t count) MUST_CHECK;

/* Makes room for more workers. Returns 0 or -ENOMEM. */
int links_reserve(struct links *links, size_t count) MUST_CHECK;

/* May be called on a zeroed one. */
void links_finish(struct links *links);

/* Opens the channel of a worker that is about to be forked and begins with `generation`; links_forked closes
 * the worker's end in the master. */
int links_open(struct links *links, size_t number, unsigned generation) MUST_CHECK;
void links_forked(struct links *links, size_t number);

/* In the worker: closes all other ends. Returns its own. */
struct message_ends links_become(struct links *links, size_t number) MUST_CHECK;

/* Whether a worker has the channel. */
static inline bool links_has(const struct links *links, size_t number)
{
    return links->list[number].ends.socket_fd >= 0;
}

/* Asks a worker to take a generation: sends `change`, with `memory_fd`. Returns 0 or -errno. */
int links_ask(struct links *links, size_t number, const struct channel_change *change,
              int memory_fd) MUST_CHECK;

/* Fills `fds`, which has room for all channels; returns how many there are. */
size_t links_poll_set(const struct links *links, struct pollfd *fds);

/* After poll(2): receives all answers, at most LINK_ANSWERS_MAX, of the worker whose pipe is `fd`. Returns
 * the number of a worker that has sent what no worker sends, and -1 otherwise. Its channel, and that of a
 * worker that is gone, is closed. */
int links_take(struct links *links, int fd, uint64_t now_ms) MUST_CHECK;

/* In one turn, and in a second: what is more, no worker sends. */
#define LINK_ANSWERS_MAX        8
#define LINK_ANSWERS_PER_SECOND 200

/* The rooms of the generations that were sent and not answered. */
uint64_t links_rooms(const struct links *links);

#endif
