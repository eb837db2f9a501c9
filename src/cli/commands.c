/* The commands, in the order of the manual. */
#include "cli/commands.h"

#include "cli/flags.h"
#include "conf/nearest.h"

const struct command commands[] = {
    {"serve", FLAG_OF_SERVE, "[OPTION]... [DIR|FILE]",
     "Serves a folder, by default the current one, or a single file. The word \"serve\" can be left out.",
     "only one folder or file can be served", command_serve},
    {"proxy", FLAG_OF_PROXY, "[OPTION]... SERVER...",
     "Forwards requests to a server: a port, `HOST:PORT`, a URL or `unix:SOCKET`. Several servers get them "
     "in turn.",
     "", command_proxy, .takes_more = true},
    {"run", FLAG_OF_RUN, "[-c FILE] [OPTION]...",
     "Serves what a configuration file says, by default `vif.yaml`. Options override the file.",
     "only one configuration file can be used", command_run},
    {"check", FLAG_OF_CHECK, "[-c FILE] [OPTION]...",
     "Checks a configuration file, by default `vif.yaml`, and reports every mistake.",
     "only one configuration file can be checked", command_check},
    {"reload", FLAG_OF_RELOAD, "[-c FILE | --pid N] [--watch TIME]",
     "Makes the running vif read its configuration file again. Waits until all workers use it. If the file "
     "has mistakes, prints them and changes nothing. With `--watch` it counts errors for that time. If there "
     "are clearly more, it restores the former settings.",
     NULL, command_reload},
    {"upgrade", FLAG_OF_UPGRADE, "[-c FILE | --pid N] [--binary FILE] [--timeout TIME]",
     "Replaces the running vif by a new version, which inherits its sockets. The program is the file of the "
     "running one, or FILE. If it fails to start, the running one continues.",
     NULL, command_upgrade},
    {"status", FLAG_OF_STATUS, "[-c FILE | --pid N] [--json]",
     "Shows what the running vif serves, its workers, and the last reload.", NULL, command_status},
    {"top", FLAG_OF_TOP, "[-c FILE | --pid N] [--once] [--interval TIME]",
     "Shows live what the running vif does: requests, latency, connections, workers. Ctrl+C ends it. Without "
     "a terminal it prints one page.",
     NULL, command_top},
    {"stop", FLAG_OF_STOP, "[-c FILE | --pid N] [--now | --no-wait]",
     "Stops the running vif when its requests are finished, and waits for that. With `--no-wait` it returns "
     "as soon as another vif can use the ports.",
     NULL, command_stop},
    {"reopen", FLAG_OF_REOPEN, "[-c FILE | --pid N]",
     "Makes the running vif reopen its log files, after they were moved.", NULL, command_reopen},
    {"upstream", FLAG_OF_UPSTREAM,
     "[list | add SERVER | weight SERVER N | drain SERVER | remove SERVER] [OPTION]...",
     "Shows the servers that the running vif forwards requests to, or changes them in all workers at once, "
     "until the next reload or restart.",
     "", command_upstream, .takes_more = true},
    {"hardening", FLAG_OF_HARDENING, "[--pid N] [--json]",
     "Shows how the kernel confines worker processes and what it lacks for that, and the rights that each "
     "process of a running vif has.",
     NULL, command_hardening},
    {"load", FLAG_OF_LOAD, "[OPTION]... URL",
     "Load-tests an HTTP server: throughput and latency. The URL is `http://HOST[:PORT]/PATH` or "
     "`unix:SOCKET:/PATH`.",
     "only one URL can be measured", command_load},
    {"lab", FLAG_OF_LAB, "[OPTION]... [--serve NAME [DIR]]",
     "Compares server architectures on this machine. Prints a table, and writes `lab.json` and "
     "`lab.html`.",
     "only one folder can be served", command_lab},
    {"cert", FLAG_OF_CERT, "[list | issue HOST... | renew NAME... | remove NAME...]",
     "Makes certificates for HTTPS on this machine, by a local authority. Lists them, and says how to trust "
     "them.",
     "", command_cert, .takes_more = true},
    {"password", FLAG_OF_PASSWORD, "NAME",
     "Makes a line of a password file (`password_file`). Asks for the password, or reads it as a line from "
     "standard input.",
     "only one name can be given", command_password},
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
