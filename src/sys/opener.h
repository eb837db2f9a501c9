/* A process in a sandbox cannot open every file that it needs: another process (the opener) opens for it what
 * its settings name, and sends the descriptor.
 *
 * Log files, certificates and keys go this way (sys_open_for_append, sys_read_private_file, and so on ask
 * here first): so workers can read a key that only root may read, and take up the file that follows a rotated
 * one. */
#ifndef SYS_OPENER_H
#define SYS_OPENER_H

#include "sys/file.h"
#include "sys/message.h"

#include <limits.h>

enum opener_kind {
    OPENER_APPEND,  /* a log file: sys_open_for_append */
    OPENER_READ,    /* a certificate or key */
    OPENER_STATUS,  /* the status of such a file */
    OPENER_INOTIFY, /* no file: an inotify descriptor, in place of the one before */
    OPENER_WATCH,   /* watch such a file, by the last of these */
    OPENER_ROOT, /* no file: this folder has been replaced, and the one who asks may not read the new one */
    OPENER_KINDS
};

struct opener_request {
    enum opener_kind kind;
    unsigned number; /* for the reply */
    char path[SYS_PACKET_BYTES_MAX - sizeof(enum opener_kind) - sizeof(unsigned)];
};

struct opener_reply {
    unsigned number; /* of the request */
    int error;       /* 0 or -errno */
    struct file_status status;
};

/* From now on this process asks by these ends (sys_message_ends_open); before there are other threads. Closed
 * ones: it opens files itself. */
void sys_opener_use(struct message_ends ends);

/* Whether it asks. */
bool sys_opener_is_used(void);

/* Asks, and waits for the reply, at most some seconds. Returns a descriptor for OPENER_APPEND, OPENER_READ
 * and OPENER_INOTIFY, else 0; or -errno: -EACCES if the settings do not name the file. Thread-safe. */
int sys_opener_ask(enum opener_kind kind, const char *path, struct file_status *ret_status) MUST_CHECK;

/* The opener's side. Receives a request. Returns 0; -EAGAIN: there is none; -EPIPE: whoever asked is gone; or
 * -EPROTO: it is no request. */
int sys_opener_receive(int pipe_fd, struct opener_request *ret_request) MUST_CHECK;

/* Replies; `fd` -1: without a descriptor. Whoever asked may be gone, which is no error. */
void sys_opener_reply(int socket_fd, const struct opener_reply *reply, int fd);

#endif
