/* `vif run -c FILE`: serves what the configuration file says. */
#include "cli/session.h"

static int command_run_session(struct session *session)
{
    int exit_code;
    if (!session_read_file(session, &exit_code) || !session_build(session, &exit_code))
        return exit_code;
    return session_serve(session, session_path(session));
}

int command_run(char *const *words)
{
    return session_run(FLAG_OF_RUN, words, command_run_session);
}
