/* One run of a command: parses the command line, reads the configuration file if there is one, builds the
 * configuration, serves. */
#ifndef CLI_SESSION_H
#define CLI_SESSION_H

#include "cli/arguments.h"
#include "cli/commands.h"
#include "conf/load.h"

/* The state of a command; about 50 KiB. */
struct session {
    struct diagnostics diagnostics;
    struct document document;
    struct arguments arguments;
    struct slice base_folder; /* in the document's arena; set by session_read_file for `run` and `check` */
    struct config *config;    /* NULL until session_build */
    const char *title;        /* names what is served */
};

/* The whole command line, for a program that takes the place of this one; ends with NULL. */
extern char *const *session_words;

/* Parses the command line and calls `act`, unless --help or --version was given or the command line is wrong.
 * Returns the exit code. */
int session_run(unsigned command, char *const *words, int (*act)(struct session *session));

/* Reads the file of -c, else the operand, else vif.yaml, into the document. Returns false with `ret_exit` set
 * after reporting a mistake. */
bool session_read_file(struct session *session, int *ret_exit) MUST_CHECK;

/* The name of that file as given; and its absolute path, once it has been read. */
const char *session_file(const struct session *session);
const char *session_path(struct session *session);

/* Applies the flags to the document and builds the configuration. Returns as session_read_file. */
bool session_build(struct session *session, int *ret_exit) MUST_CHECK;

/* Serves until stopped by a signal. Unless --quiet was given, prints a banner with `title` and the URLs to
 * standard error, as the access log may be on standard output. Returns the exit code. */
int session_serve(struct session *session, const char *title);

#endif
