/* What a master finds when it starts, instead of opening it: the sockets and more of the running vif whose
 * place it takes (upgrade.h), or sockets of the service manager (sd_listen_fds(3)).
 *
 * The former master passes descriptors on by their numbers. It names its process and one descriptor in
 * $VIF_TAKES_OVER; there, in lines of text, is what all others are. The two may be different versions of vif:
 * a line that the new one does not know is skipped. */
#ifndef PROC_INHERITANCE_H
#define PROC_INHERITANCE_H

#include "base/buffer.h"
#include "settings/settings.h"
#include "sys/socket.h"
#include "sys/xdp.h"

#include <sys/types.h>

#define INHERITANCE_VARIABLE  "VIF_TAKES_OVER"
#define INHERITANCE_BYTES_MAX ((size_t)1 << 20)

struct inherited_listener {
    struct slice text; /* the address as the former configuration has it; empty: the service manager's */
    struct address bound;
    bool is_activated; /* it belongs to the service manager, which listens on when vif has ended */
    bool is_taken;
    size_t first; /* its sockets: in `fds` */
    size_t count;
};

struct inheritance {
    struct inherited_listener listeners[LISTENERS_MAX];
    size_t listener_count;
    int *fds;
    size_t fd_count;
    int channel_fd;       /* to the former master; -1: there is none */
    int standard_error;   /* where it is to go on when everything runs; -1: where it is */
    int tickets_fd;       /* memory with the ticket keys; -1: there is none */
    size_t tickets_bytes; /* the size that the former vif knows it to have */
    struct xdp shield;    /* its link, and maps if this vif knows them */
    struct buffer text;   /* that the above points to */
};

/* Takes what there is; the environment has it no more. Returns 0 or -ENOMEM. */
int inheritance_take(struct inheritance *inheritance) MUST_CHECK;

/* The sockets of a listener: the one written like that, or bound to the same address. NULL: there are none.
 */
struct inherited_listener *inheritance_find(struct inheritance *inheritance, struct slice text) MUST_CHECK;

/* Closes the sockets that were not taken. Returns how many of them belong to the service manager. */
size_t inheritance_drop_sockets(struct inheritance *inheritance);

/* Whether there is a former master that has not been answered. */
static inline bool inheritance_is_open(const struct inheritance *inheritance)
{
    return inheritance->channel_fd >= 0;
}

/* Tells the former master that everything is ready, and which of its listeners are served. */
void inheritance_tell_ready(struct inheritance *inheritance);

/* After poll(2): whether the former master has said that this one goes on, or is gone. */
bool inheritance_may_go_on(struct inheritance *inheritance);

/* In a worker, and when all is taken: closes what only the beginning of the master needs. */
void inheritance_leave(struct inheritance *inheritance);

/* Closes all. May be called on one that was not taken completely, not on a zeroed one. */
void inheritance_finish(struct inheritance *inheritance);

#endif
