/* vif: which command is meant. Without the name of one, a folder is to be served. */
#include "cli/commands.h"

int main(int count, char **words)
{
    const struct command *command = count > 1 ? command_find(slice_from(words[1])) : NULL;
    return command ? command->run(words + 2) : command_serve(words + 1);
}
