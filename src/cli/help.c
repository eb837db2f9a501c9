/* `vif help`, and `--help` of commands, from the tables of commands and flags. The page of all commands has
 * all flags of the quick server, and lines of at most 80 columns. */
#include "cli/help.h"

#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/print.h"
#include "cli/session.h"

#include <stdio.h>

static void help_append_flag(struct buffer *out, const struct flag *flag)
{
    char name[40];
    const char *separator = flag->value == NULL || flag->value[0] == '[' ? "" : " ";
    char letter[8] = "    ";
    if (flag->letter)
        snprintf(letter, sizeof(letter), "-%c, ", flag->letter);
    snprintf(name, sizeof(name), "--%s%s%s", flag->name, separator, flag->value ? flag->value : "");
    buffer_printf(out, " %-8s %s%-24s %s\n", flag->group ? flag->group : "", letter, name, flag->help);
}

static void append_flags(struct buffer *out, unsigned of, bool with_minor)
{
    for (size_t i = 0; i < flag_count; i++) {
        if ((flags[i].commands & of) && (with_minor || !flags[i].is_minor))
            help_append_flag(out, &flags[i]);
    }
}

/* A line for each sentence. The manual's `code` is quoted here. */
static void append_sentences(struct buffer *out, const char *text)
{
    for (; *text; text++) {
        bool ends_sentence = text[0] == '.' && text[1] == ' ';
        if (ends_sentence)
            buffer_append(out, SLICE(".\n "));
        else
            buffer_append_byte(out, *text == '`' ? '"' : *text);
    }
}

static void help_append_command(struct buffer *out, const struct command *command)
{
    buffer_printf(out, "vif %s%s%s\n  ", command->name, command->synopsis[0] ? " " : "", command->synopsis);
    append_sentences(out, command->summary);
    buffer_append(out, SLICE("\n\n"));
    append_flags(out, command->flag, true);
}

static void append_all(struct buffer *out)
{
    buffer_append(
        out, SLICE("vif [OPTION]... [DIR|FILE] serve a folder (this one) at http://localhost:8080/\n"
                   "vif proxy SERVER           forward requests: 3000, HOST:PORT, URL, unix:SOCKET\n"
                   "vif run|check [-c FILE]    serve what a config file says | check the config file\n"
                   "vif load URL, vif lab      load-test a server | compare server architectures\n"
                   "vif reload|upgrade|stop|reopen|status|top|upstream   for the vif that runs\n"
                   "vif COMMAND --help         also hardening cert manual schema completion version\n\n"));
    append_flags(out, FLAG_OF_SERVE, false);
}

int help_print(unsigned command)
{
    struct buffer text;
    buffer_init(&text, 1u << 16);
    if (command == HELP_OF_ALL)
        append_all(&text);
    else
        help_append_command(&text, command_of(command));
    return print_finish(&text, 0);
}

static int help(struct session *session)
{
    struct argument about = session->arguments.operand;
    const struct command *command = command_find(about.text);
    if (about.text.data == NULL || command)
        return help_print(command ? command->flag : HELP_OF_ALL);
    const char *meant = command_nearest(about.text);
    diagnostics_add(&session->diagnostics, about.position, "there is no command \"%.*s\"%s%s%s",
                    SLICE_ARGS(about.text), meant ? "; did you mean \"" : "", meant ? meant : "",
                    meant ? "\"?" : " (see vif --help)");
    print_diagnostics(&session->diagnostics);
    return EXIT_MISTAKE;
}

int command_help(char *const *words)
{
    return session_run(FLAG_OF_HELP, words, help);
}
