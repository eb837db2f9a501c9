/* One run of a command: read the command line, perhaps a configuration file, build, serve. */
#ifndef CLI_SESSION_H
#define CLI_SESSION_H

#include "cli/arguments.h"
#include "cli/commands.h"
#include "conf/load.h"

/* About 50 KiB: where a command keeps its things. */
struct session {
    struct diagnostics diagnostics;
    struct document document;
    struct arguments arguments;
    struct slice base_folder; /* from the document's arena; of `run` and `check` by session_read_file */
    struct config *config;    /* NULL until session_build */
    const char *title;        /* of what is served */
};

/* Reads the command line and calls `act`, unless --help or --version was all, or the command line is wrong.
 * Returns the exit code. */
int session_run(unsigned command, char *const *words, int (*act)(struct session *session));

/* Reads the file of -c, or else the operand, or else vif.yaml, into the document. Returns false, with
 * `ret_exit` set, where a mistake was reported. */
bool session_read_file(struct session *session, int *ret_exit) MUST_CHECK;

/* Which file that is, as it was given; and with its whole path, when it has been read. */
const char *session_file(const struct session *session);
const char *session_path(struct session *session);

/* Puts the flags over the document and builds the configuration. As session_read_file.
 */
bool session_build(struct session *session, int *ret_exit) MUST_CHECK;

/* Serves until told to stop. A banner says what is served, `title`, and where, unless it is to be quiet. It
 * goes to standard error, as the access log may be on standard output. Returns the exit code. */
int session_serve(struct session *session, const char *title);

#endif
