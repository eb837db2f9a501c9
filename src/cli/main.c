/* vif: which command is meant. Without the name of one, a folder is to be served. */
#include "cli/commands.h"
#include "sys/output.h"
#include "sys/socket.h"

int main(int count, char **words)
{
    if (sys_fill_standard_streams() != 0)
        return EXIT_FAILED;    /* there may be nowhere to say why */
    sys_ignore_broken_pipes(); /* the loop leaves that to the program, and sends files faster then */
    const struct command *command = count > 1 ? command_find(slice_from(words[1])) : NULL;
    return command ? command->run(words + 2) : command_serve(words + 1);
}
