/* Another program takes the place of this vif, without losing a connection.
 *
 * It is started beside this one, with the same words, and gets the listening sockets themselves, with the
 * connections in their queues (inheritance.h). When all its workers accept, it says so, and this vif leaves
 * the sockets to it, finishes its requests and ends. If the new one ends before that, or is not ready in
 * time, nothing has changed here. */
#ifndef PROC_UPGRADE_H
#define PROC_UPGRADE_H

#include "base/buffer.h"
#include "conf/config.h"
#include "proc/sockets.h"
#include "sys/process.h"
#include "sys/signal.h"

#include <limits.h>

#define UPGRADE_MS      30000 /* that the new program has to get ready, if nothing else is said */
#define UPGRADE_MS_MAX  3600000
#define UPGRADE_FDS_MAX 2

/* What the new program is given. */
struct upgrade_offer {
    const struct config *config;
    const struct sockets *sockets;
    int tickets_fd; /* -1: there are none */
    size_t tickets_bytes;
    const struct xdp *shield;       /* its descriptors may be -1 */
    char *const *words;             /* of the command line */
    const sigset_t *signals_before; /* as they were when this vif was started */
};

struct upgrade {
    pid_t pid; /* of the new master; 0: no upgrade is under way */
    char path[PATH_MAX];
    int channel_fd;
    int output_fd;        /* what it prints to standard error; -1: the end has come */
    struct buffer output; /* that */
    uint64_t began_ms;
    uint64_t deadline_ms;
    uint64_t timeout_ms;
    bool has_ended;
    struct process_change end;
};

/* What became of it, in a line or more for people. */
enum upgrade_result {
    UPGRADE_GOES_ON, /* not known yet */
    UPGRADE_READY,   /* the new vif waits for upgrade_confirm */
    UPGRADE_FAILED,  /* it is gone; `text` says why */
};

/* Of a vif that is ready. */
struct upgrade_heir {
    pid_t pid;
    uint64_t taken;   /* the listeners that it serves, as bits */
    char version[32]; /* as it says */
};

static inline bool upgrade_is_busy(const struct upgrade *upgrade)
{
    return upgrade->pid > 0;
}

/* Call first. */
void upgrade_init(struct upgrade *upgrade);

/* Starts the program at upgrade->path. Returns 0 or -errno. */
int upgrade_begin(struct upgrade *upgrade, const struct upgrade_offer *offer, uint64_t timeout_ms) MUST_CHECK;

size_t upgrade_poll_set(const struct upgrade *upgrade, struct pollfd *fds); /* at most UPGRADE_FDS_MAX */
void upgrade_take_ready(struct upgrade *upgrade, const struct pollfd *fds, size_t count);

/* A child process has ended: whether it is the new vif. */
bool upgrade_take_end(struct upgrade *upgrade, const struct process_change *end);

/* Does what is due. Appends to `text` what the new vif has printed, and why it failed. */
enum upgrade_result upgrade_step(struct upgrade *upgrade, struct upgrade_heir *ret_heir, struct buffer *text);

/* Milliseconds until something is due; -1: nothing is. */
int upgrade_wait_ms(const struct upgrade *upgrade);

/* Lets a vif that is ready go on, or kills the one that is not, and forgets it. */
void upgrade_confirm(struct upgrade *upgrade);
void upgrade_give_up(struct upgrade *upgrade);

/* In a child process: closes what is the master's. */
void upgrade_leave(struct upgrade *upgrade);

#endif
