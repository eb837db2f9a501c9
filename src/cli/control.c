/* `vif reload`, `upgrade`, `status`, `stop` and `reopen`: send the running vif a command, print its answer.
 */
#include "cli/commands.h"
#include "cli/control_client.h"
#include "cli/session.h"

#include "base/error.h"
#include "conf/quantity.h"
#include "proc/upgrade.h"
#include "sys/path.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define TIME_MS_MAX 3600000

/* In a row, that leave without an answer: one upgrade follows the other. */
#define SERVERS_ASKED_MAX 5

/* ---- the commands ---- */

static int tell_answer(struct slice answer)
{
    enum control_result result = control_take_result(&answer);
    FILE *out = result == CONTROL_DONE ? stdout : stderr;
    if (result == CONTROL_FAILED && answer.length == 0)
        answer = SLICE("vif: the server ended before it had answered\n");
    bool is_written = fwrite(answer.data, 1, answer.length, out) == answer.length && fflush(out) == 0;
    if (result == CONTROL_REVERTED)
        return EXIT_REVERTED;
    return result == CONTROL_DONE && is_written ? EXIT_GOOD : EXIT_FAILED;
}

/* A server that has taken a command answers it. Returns false, after saying why, if there is none. */
static bool ask_whoever_runs(const struct arguments *arguments, const char *command, struct buffer *answer)
{
    int error = 0;
    unsigned pid = 0;
    for (int i = 0; i < SERVERS_ASKED_MAX && answer->length == 0; i++) {
        const struct control_server *server = control_choose_server(arguments);
        if (server == NULL)
            return false;
        pid = server->pid;
        error = control_ask(&server->address, command, -1, answer);
    }
    if (error < 0)
        fprintf(stderr, "vif: cannot talk to process %u: %s\n", pid, error_text(error));
    return error == 0;
}

int control_run(struct session *session, const char *command)
{
    struct buffer answer;
    buffer_init(&answer, CONTROL_ANSWER_BYTES_MAX);
    bool is_answered = ask_whoever_runs(&session->arguments, command, &answer);
    int exit_code = is_answered ? tell_answer(buffer_slice(&answer)) : EXIT_FAILED;
    buffer_finish(&answer);
    return exit_code;
}

static int run_status(struct session *session)
{
    return control_run(session, given_value(&session->arguments, "json") ? "status json\n" : "status\n");
}

static int run_stop(struct session *session)
{
    const struct arguments *arguments = &session->arguments;
    return control_run(session, given_value(arguments, "now")       ? "stop now\n"
                                : given_value(arguments, "no-wait") ? "stop leave\n"
                                                                    : "stop\n");
}

/* Reads the time of a flag; `ms` stays if it was not given. */
static bool control_read_time(const struct arguments *arguments, const char *name, uint64_t *ms)
{
    const char *value = given_value(arguments, name);
    if (value == NULL || (quantity_read_duration(slice_from(value), ms) && *ms > 0 && *ms <= TIME_MS_MAX))
        return true;
    fprintf(stderr, "vif: --%s %s: expected a time such as 10s, at most 1h\n", name, value);
    return false;
}

/* The server needs not have the same working directory. */
static bool find_binary(const struct arguments *arguments, char path[PATH_MAX])
{
    const char *value = given_value(arguments, "binary");
    path[0] = '\0';
    int error = value ? sys_real_path(value, path) : 0;
    if (error)
        fprintf(stderr, "vif: --binary %s: %s\n", value, error_text(error));
    else if (strchr(path, '\n'))
        fprintf(stderr, "vif: --binary %s: the path has a line feed\n", value);
    else
        return true;
    return false;
}

static int run_reload(struct session *session)
{
    char command[64];
    uint64_t watch_ms = 0;
    if (!control_read_time(&session->arguments, "watch", &watch_ms))
        return EXIT_MISTAKE;
    snprintf(command, sizeof(command), watch_ms > 0 ? "reload watch %" PRIu64 "\n" : "reload\n", watch_ms);
    return control_run(session, command);
}

static int run_upgrade(struct session *session)
{
    char path[PATH_MAX], command[PATH_MAX + 64];
    uint64_t timeout_ms = UPGRADE_MS;
    if (!find_binary(&session->arguments, path) ||
        !control_read_time(&session->arguments, "timeout", &timeout_ms))
        return EXIT_MISTAKE;
    snprintf(command, sizeof(command), "upgrade %" PRIu64 "%s%s\n", timeout_ms, path[0] ? " " : "", path);
    return control_run(session, command);
}

static int run_reopen(struct session *session)
{
    return control_run(session, "reopen\n");
}

int command_reload(char *const *words)
{
    return session_run(FLAG_OF_RELOAD, words, run_reload);
}

int command_status(char *const *words)
{
    return session_run(FLAG_OF_STATUS, words, run_status);
}

int command_stop(char *const *words)
{
    return session_run(FLAG_OF_STOP, words, run_stop);
}

int command_upgrade(char *const *words)
{
    return session_run(FLAG_OF_UPGRADE, words, run_upgrade);
}

int command_reopen(char *const *words)
{
    return session_run(FLAG_OF_REOPEN, words, run_reopen);
}
