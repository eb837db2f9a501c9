/* A process that reads a list of servers from its file, for the master (server_keeper.h): a file system that
 * hangs stops only this process, and so does a fault in the reading. */
#ifndef PROC_SERVER_READER_H
#define PROC_SERVER_READER_H

#include "base/slice.h"
#include "serve/board.h"
#include "settings/settings.h"

#include <sys/types.h>

#define SERVER_READING_TEXT_MAX 4096

enum server_reading_result {
    SERVER_READING_NONE, /* the process has not come to an end */
    SERVER_READING_GOOD,
    SERVER_READING_MISSING, /* there is no such file */
    SERVER_READING_TORN,    /* it was written to meanwhile: to be read again */
    SERVER_READING_WRONG,   /* `text` says why */
};

/* What the process finds, in memory that it shares with the master, who believes none of it unseen. */
struct server_reading {
    atomic_int result; /* enum server_reading_result; written last */
    bool is_watched;   /* each change makes an event from now on */
    uint64_t read_ns;  /* when it began (sys_monotonic_ns) */
    struct board_list list;
    size_t text_length;
    char text[SERVER_READING_TEXT_MAX]; /* lines for people */
};

struct server_reading_plan {
    struct slice path; /* a NUL follows */
    bool speaks_tls;   /* of the routes that name the file */
    bool is_confined;  /* by a sandbox */
    int inotify_fd;    /* that gets the watches; -1: none */
    struct server_reading *reading;
};

/* What a list on the board has of a server; `ret_listed` is zeroed. */
void server_reader_put_server(const struct proxy_server *server, struct board_listed *ret_listed);

/* Starts a process that watches the file, reads it and fills the reading; it ends with the master `parent`.
 * Returns its id, with a descriptor that is readable when it has ended; or -errno. */
pid_t server_reader_start(const struct server_reading_plan *plan, pid_t parent, int *ret_fd) MUST_CHECK;

#endif
