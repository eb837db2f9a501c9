/* `vif [DIR]`: a folder, at once, without a configuration. What a developer wants is on: pages that list
 * folders, and an access log on the terminal. */
#include "cli/session.h"
#include "conf/nearest.h"
#include "sys/file.h"

#include <errno.h>
#include <stdio.h>

#define FILES "sites.0.routes./.files."

static struct argument text_argument(const char *text)
{
    return (struct argument){.text = slice_from(text)};
}

/* What goes without saying; flags go before it. */
static int set_defaults(struct session *session)
{
    struct document *document = &session->document;
    struct argument root = session->arguments.operand;
    if (root.text.data == NULL)
        root = text_argument(".");
    int error = document_set(document, SLICE(FILES "root"), root);
    if (error == 0)
        error = document_set(document, SLICE(FILES "listing"), text_argument("true"));
    if (error == 0)
        error = document_set(document, SLICE("log.access.path"), text_argument("-"));
    return error;
}

/* A word that names nothing may have been meant as a command. */
static void hint_at_command(const struct session *session)
{
    struct file_status status;
    if (session->arguments.operand.text.data == NULL ||
        sys_path_status(session->arguments.operand.text.data, &status) == 0)
        return;
    struct nearest nearest = nearest_begin(session->arguments.operand.text);
    for (const struct command *command = commands; command->name; command++)
        nearest_offer(&nearest, slice_from(command->name));
    if (nearest.best.data)
        fprintf(stderr, "Did you mean the command \"vif %s\"?\n", nearest.best.data);
}

static int serve(struct session *session, char *const *words)
{
    int exit_code;
    if (!session_begin(session, FLAG_OF_SERVE, words, &exit_code))
        return exit_code;
    if (set_defaults(session) != 0) {
        fputs("vif: out of memory\n", stderr);
        return EXIT_FAILED;
    }
    if (!session_build(session, &exit_code)) {
        hint_at_command(session);
        return exit_code;
    }
    return session_serve(session, session->config->settings->sites[0].routes[0].files.root.data);
}

int command_serve(char *const *words)
{
    static struct session session;
    int exit_code = serve(&session, words);
    session_finish(&session);
    return exit_code;
}
