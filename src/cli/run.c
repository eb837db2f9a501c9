/* `vif run -c FILE`: what the file says. */
#include "cli/session.h"

static int run(struct session *session, char *const *words)
{
    int exit_code;
    if (!session_begin(session, FLAG_OF_RUN, words, &exit_code) || !session_read_file(session, &exit_code) ||
        !session_build(session, &exit_code))
        return exit_code;
    return session_serve(session, session_file(session));
}

int command_run(char *const *words)
{
    static struct session session;
    int exit_code = run(&session, words);
    session_finish(&session);
    return exit_code;
}
