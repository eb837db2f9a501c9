/* `vif schema`: for an editor. */
#include "conf/schema.h"

#include "cli/commands.h"
#include "cli/print.h"

int command_schema(char *const *words)
{
    (void)words;
    struct buffer text;
    buffer_init(&text, 1u << 20);
    int error = schema_print(&text);
    return print_finish(&text, error);
}
