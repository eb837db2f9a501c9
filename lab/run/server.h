/* A running model: a child process in its own process group that serves on 127.0.0.1, or over a veth pair. */
#ifndef LAB_RUN_SERVER_H
#define LAB_RUN_SERVER_H

#include "lab/model.h"
#include "lab/run/result.h"
#include "lab/run/watch.h"
#include "sys/socket.h"

struct server {
    pid_t pid; /* also the id of the process group; 0: none */
    struct address address;
    struct lab_veth veth;
    bool has_veth;
    char *fault; /* borrowed, LAB_TEXT_MAX bytes: error message */
};

/* Starts a model on a free port, with the folder `root`, on the server's cores. It may not accept yet when
 * this returns, but connections are queued. With a veth pair it accepts, and this process is at the clients'
 * end of the pair until server_stop. Error messages are written to `fault`
 * (LAB_TEXT_MAX bytes, borrowed until server_stop). Returns 0 or -errno. */
int server_start(struct server *server, const struct lab_model *model, const char *root,
                 const struct lab_machine *machine, char *fault) MUST_CHECK;

/* Sends SIGTERM and waits for all processes of the group to end. Kills them after ten seconds, which is a
 * fault; so is an end before this call. Returns true without faults. Must be called after server_start, also
 * after an interruption. */
bool server_stop(struct server *server);

#endif
