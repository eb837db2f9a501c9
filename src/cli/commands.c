/* The commands, in the order of the manual. */
#include "cli/commands.h"

#include "cli/flags.h"
#include "conf/nearest.h"

const struct command commands[] = {
    {"serve", FLAG_OF_SERVE, "[OPTION]... [DIR|FILE]",
     "Serves a folder, by default the current one, or a single file. The word \"serve\" can be left out.",
     "only one folder or file can be served", command_serve},
    {"run", FLAG_OF_RUN, "[-c FILE] [OPTION]...",
     "Serves what a configuration file says, by default `vif.yaml`. Options override the file.",
     "only one configuration file can be used", command_run},
    {"check", FLAG_OF_CHECK, "[-c FILE] [OPTION]...",
     "Checks a configuration file, by default `vif.yaml`, and reports every mistake.",
     "only one configuration file can be checked", command_check},
    {"load", FLAG_OF_LOAD, "[OPTION]... URL",
     "Load-tests an HTTP server: throughput and latency. The URL is `http://HOST[:PORT]/PATH` or "
     "`unix:SOCKET:/PATH`.",
     "only one URL can be measured", command_load},
    {"lab", FLAG_OF_LAB, "[OPTION]... [--serve NAME [DIR]]",
     "Compares twelve server architectures on this machine. Prints a table, and writes `lab.json` and "
     "`lab.html`.",
     "only one folder can be served", command_lab},
    {"cert", FLAG_OF_CERT, "[list | issue HOST... | renew NAME... | remove NAME...]",
     "Makes certificates for HTTPS on this machine, by a local authority. Lists them, and says how to trust "
     "them.",
     "", command_cert, .takes_more = true},
    {"schema", FLAG_OF_SCHEMA, "", "Prints the JSON Schema of the configuration file, for editors.", NULL,
     command_schema},
    {"manual", FLAG_OF_MANUAL, "[--man | --markdown]",
     "Prints the config file reference, or with `--man` the manual page.", NULL, command_manual},
    {"completion", FLAG_OF_COMPLETION, "bash | zsh", "Prints the command-line completion for a shell.",
     "only one shell can be named", command_completion},
    {"help", FLAG_OF_HELP, "[COMMAND]", "Prints the help page of vif or of a command.",
     "only one command can be named", command_help},
    {"version", FLAG_OF_VERSION, "", "Prints the version, commit, compiler and libraries.", NULL,
     command_version},
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

const struct command *command_of(unsigned flag)
{
    const struct command *command = commands;
    while (command->flag != flag) {
        assert(command->name != NULL);
        command++;
    }
    return command;
}

const char *command_nearest(struct slice word)
{
    struct nearest nearest = nearest_begin(word);
    for (const struct command *command = commands; command->name; command++)
        nearest_offer(&nearest, slice_from(command->name));
    return nearest.best.data;
}
