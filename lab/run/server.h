/* A model at work: a child process in a process group of its own, that serves on a socket of 127.0.0.1. */
#ifndef LAB_RUN_SERVER_H
#define LAB_RUN_SERVER_H

#include "lab/model.h"
#include "lab/run/result.h"
#include "lab/run/watch.h"
#include "sys/socket.h"

struct server {
    pid_t pid; /* and the id of the process group; 0: there is none */
    struct address address;
    char *fault; /* LAB_TEXT_MAX bytes of the caller's: what went wrong, told when it is stopped */
};

/* Starts a model on a free port, with the folder `root`, on the server's cores. It may not yet accept when
 * this returns, but who connects will be heard. A fault is told in `fault` (LAB_TEXT_MAX bytes, borrowed
 * until server_stop). Returns 0 or -errno. */
int server_start(struct server *server, const struct lab_model *model, const char *root,
                 const struct lab_machine *machine, char *fault) MUST_CHECK;

/* Tells it to end, waits for the end of every process of its group, and after ten seconds ends them by
 * force, which is a fault. So is an end before this call. Returns whether all was well. Must follow
 * server_start, also after an interruption. */
bool server_stop(struct server *server);

#endif
