/* Keeps the lists of servers that are in files (`to_file`) as the files are, without a reload.
 *
 * A good list goes to the board, from which all workers have it at the same moment; a wrong or missing one is
 * told in the error log, once, and the former list stays. Reading is done by a process (server_reader.h).
 *
 *     watched --an event, or LOOK_MS--> due --SETTLE_MS later--> being read --> watched
 *
 * Each reading has an inotify descriptor of its own, and with it the watches of the reading before end. While
 * a file is due or being read nobody waits for its events: so one that changes all the time costs a reading
 * each SETTLE_MS, and nothing else. */
#ifndef PROC_SERVER_KEEPER_H
#define PROC_SERVER_KEEPER_H

#include "base/buffer.h"
#include "base/log.h"
#include "proc/server_reader.h"
#include "sys/process.h"

#include <poll.h>

/* Those that are watched, and those that are not watched any more but whose reader may still hang. */
#define SERVER_KEEPER_FILES_MAX (2 * PROXY_FILES_MAX)

/* Descriptors that are waited for: of each file that of its events, or that of its reader. */
#define SERVER_KEEPER_FDS_MAX SERVER_KEEPER_FILES_MAX

#define SERVER_KEEPER_FAULT_BYTES 256

struct server_file {
    struct slice path;                     /* of the settings in force; empty: none */
    bool speaks_tls;                       /* of all routes that name it */
    int inotify_fd;                        /* -1: none */
    int next_fd;                           /* that of the reading under way; -1: none */
    bool has_changed;                      /* so its events are not waited for */
    pid_t reader;                          /* 0: none; it stays until the process was waited for */
    int reader_fd;                         /* readable when it has ended; -1: nobody waits for that */
    uint64_t due_ms;                       /* of the next reading */
    uint64_t deadline_ms;                  /* of the one under way */
    struct board_list list;                /* as it is on the board */
    uint64_t read_ns;                      /* when it was read (sys_monotonic_ns); 0: there is none */
    struct digest told;                    /* of the fault that was logged last; zero: the file is good */
    char fault[SERVER_KEEPER_FAULT_BYTES]; /* the first line of that */
    struct server_reading *reading;        /* shared with the reader */
};

struct server_keeper {
    struct log *log;
    struct board *board;
    const struct settings *settings; /* in force */
    pid_t master;
    bool confines_readers;           /* the option `sandbox`; the master sets it */
    struct server_file *files;       /* SERVER_KEEPER_FILES_MAX; NULL: before server_keeper_init */
    struct server_reading *readings; /* as many, shared */
};

/* Returns 0 or -ENOMEM. Call before the first fork. */
int server_keeper_init(struct server_keeper *keeper, struct board *board, struct log *log,
                       pid_t master) MUST_CHECK;

/* May be called on a zeroed one. */
void server_keeper_finish(struct server_keeper *keeper);

/* In a worker: closes what is the master's. */
void server_keeper_leave(struct server_keeper *keeper);

/* The settings are in force from now on, and live until the next ones are: their lists go to the board,
 * unless there are later ones, and their files are watched. */
void server_keeper_take(struct server_keeper *keeper, const struct settings *settings, uint64_t now_ms);

/* Starts and ends readings that are due; milliseconds until that is so, or -1. */
void server_keeper_look(struct server_keeper *keeper, uint64_t now_ms);
int server_keeper_wait_ms(const struct server_keeper *keeper, uint64_t now_ms);

/* Fills `fds` and returns how many there are; and what they say, after poll(2). */
size_t server_keeper_poll_set(const struct server_keeper *keeper, struct pollfd *fds);
void server_keeper_take_ready(struct server_keeper *keeper, const struct pollfd *fds, size_t count,
                              uint64_t now_ms);

/* Whether the child that something happened to was a reader. */
bool server_keeper_take_change(struct server_keeper *keeper, const struct process_change *change);

/* For the status: each file, and what is wrong with it. */
void server_keeper_print_status(const struct server_keeper *keeper, struct buffer *out);

#endif
