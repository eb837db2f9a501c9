/* `vif check -c FILE`: reports every mistake in the file, or prints one line that says that there is none. */
#include "cli/print.h"
#include "cli/session.h"
#include "proc/shield.h"

#include <stdio.h>

/* Checking may well be done by somebody who may not start it. */
static void warn_of_shield(const struct settings *settings)
{
    int error = settings->shield.interface.length > 0 ? shield_try() : 0;
    if (error < 0)
        fprintf(stderr, "warning: shield: this process could not load it: %s\n", shield_fault_text(error));
}

static int check_command_check(struct session *session)
{
    int exit_code;
    if (!session_read_file(session, &exit_code) || !session_build(session, &exit_code))
        return exit_code;
    const struct settings *settings = session->config->settings;
    size_t routes = 0;
    for (size_t i = 0; i < settings->site_count; i++)
        routes += settings->sites[i].route_count;
    warn_of_shield(settings);
    struct buffer text;
    buffer_init(&text, 1u << 16);
    buffer_printf(&text, "%s is good: listeners %zu, sites %zu, routes %zu\n", session_file(session),
                  session->config->listener_count, settings->site_count, routes);
    return print_finish(&text, 0);
}

int command_check(char *const *words)
{
    return session_run(FLAG_OF_CHECK, words, check_command_check);
}
