/* `vif schema`: prints the JSON Schema of the configuration file, which editors complete and check by. */
#include "conf/schema.h"

#include "cli/print.h"
#include "cli/session.h"

static int print_schema(struct session *session)
{
    (void)session;
    struct buffer text;
    buffer_init(&text, 1u << 20);
    int error = schema_print(&text);
    return print_finish(&text, error);
}

int command_schema(char *const *words)
{
    return session_run(FLAG_OF_SCHEMA, words, print_schema);
}
