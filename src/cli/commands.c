/* The sub-commands, in the order of the manual. */
#include "cli/commands.h"

const struct command commands[] = {
    {"serve", "[OPTION]... [DIR|FILE]",
     "serves a folder, by default this one, or one file; the word \"serve\" can be left out", command_serve},
    {"run", "[-c FILE] [OPTION]...", "serves what a configuration file says; options go before the file",
     command_run},
    {"check", "[-c FILE] [OPTION]...", "tells all that is wrong with a configuration file", command_check},
    {"load", "[OPTION]... URL", "measures an HTTP server: requests over many connections", command_load},
    {"lab", "[OPTION]...", "measures what each server architecture costs, here", command_lab},
    {"schema", "", "prints the JSON Schema of the configuration file, for editors", command_schema},
    {"manual", "[--man | --markdown]", "prints the reference of the configuration file, or the manual page",
     command_manual},
    {"completion", "bash | zsh", "prints the completion of command lines for a shell", command_completion},
    {"help", "", "prints the help page", command_help},
    {"version", "", "prints the version, and what was built in", command_version},
    {0},
};

const struct command *command_find(struct slice name)
{
    for (const struct command *command = commands; command->name; command++) {
        if (slice_equal(name, slice_from(command->name)))
            return command;
    }
    return NULL;
}
