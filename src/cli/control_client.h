/* The client's side of the control socket (proc/control.h): finds the running vif and asks it. */
#ifndef CLI_CONTROL_CLIENT_H
#define CLI_CONTROL_CLIENT_H

#include "cli/arguments.h"
#include "proc/control.h"

#include <limits.h>

#define CONTROL_ANSWER_BYTES_MAX (1u << 17)

/* A server that runs. */
struct control_server {
    unsigned pid;
    struct address address;
    char title[PATH_MAX];
};

/* The server that the flags mean, or the only one. Otherwise says why there is none, and returns NULL. Valid
 * until the next call. */
const struct control_server *control_choose_server(const struct arguments *arguments) MUST_CHECK;

/* All servers of this user that run; `ret_servers` is valid until the next call. */
size_t control_find_servers(const struct control_server **ret_servers);

/* Sends a command, which ends with a line feed, and appends the answer to `out`. `timeout_ms` -1: waits as
 * long as it takes. Returns 0 or -errno. */
int control_ask(const struct address *address, const char *command, int timeout_ms,
                struct buffer *out) MUST_CHECK;

/* Sends a command to the server that is meant, and prints the answer. If that one leaves without any answer,
 * as one that another takes the place of does, looks again. Returns the exit code. */
struct session;
int control_run(struct session *session, const char *command) MUST_CHECK;

/* Takes the first line off an answer. */
enum control_result control_take_result(struct slice *answer);

/* The value of a flag; NULL: it was not given. */
const char *given_value(const struct arguments *arguments, const char *name);

#endif
