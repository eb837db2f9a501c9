/* `vif help`, and `--help` of commands: one screen of 80 by 24 each, from the table of flags. */
#include "cli/help.h"

#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/print.h"

#include <stdio.h>

static void append_flag(struct buffer *out, const struct flag *flag)
{
    char name[40];
    const char *separator = flag->value == NULL || flag->value[0] == '[' ? "" : " ";
    char letter[8] = "    ";
    if (flag->letter)
        snprintf(letter, sizeof(letter), "-%c, ", flag->letter);
    snprintf(name, sizeof(name), "--%s%s%s", flag->name, separator, flag->value ? flag->value : "");
    buffer_printf(out, " %-8s %s%-24s %s\n", flag->group ? flag->group : "", letter, name, flag->help);
}

static void append_flags(struct buffer *out, unsigned of)
{
    for (size_t i = 0; i < flag_count; i++) {
        if (!flags[i].is_minor && (flags[i].commands & of))
            append_flag(out, &flags[i]);
    }
}

static void append_load(struct buffer *out)
{
    buffer_append(out, SLICE("vif load [OPTION]... URL   measure an HTTP server: how much, how fast\n"
                             "  http://HOST[:PORT]/PATH, or unix:SOCKET:/PATH; see also: man vif\n\n"));
    append_flags(out, FLAG_OF_LOAD);
}

static void append_lab(struct buffer *out)
{
    buffer_append(out, SLICE("vif lab [OPTION]...        measure what each server architecture costs, here\n"
                             "vif lab --serve NAME [DIR] serve a folder as one of them does\n"
                             "  a table, lab.json, and plots in lab.html; Ctrl-C keeps what was measured,\n"
                             "  and the exit status is 0 where that was anything\n\n"));
    append_flags(out, FLAG_OF_LAB);
}

static void append_all(struct buffer *out)
{
    buffer_append(
        out, SLICE("vif [OPTION]... [DIR|FILE] serve a folder (this one) at http://localhost:8080/\n"
                   "vif run, vif check         serve what vif.yaml says; tell what is wrong with it\n"
                   "vif load URL, vif lab      measure a server | every kind of server; see --help\n"
                   "vif manual (of the file), schema, completion, version, help; see also: man vif\n\n"));
    append_flags(out, FLAG_OF_SERVE | FLAG_OF_RUN | FLAG_OF_CHECK);
}

int help_print(unsigned command)
{
    struct buffer text;
    buffer_init(&text, 1u << 16);
    if (command == FLAG_OF_LOAD)
        append_load(&text);
    else if (command == FLAG_OF_LAB)
        append_lab(&text);
    else
        append_all(&text);
    return print_finish(&text, 0);
}

int command_help(char *const *words)
{
    struct slice about = slice_from(words[0]);
    return help_print(slice_equal(about, SLICE("load"))  ? FLAG_OF_LOAD
                      : slice_equal(about, SLICE("lab")) ? FLAG_OF_LAB
                                                         : FLAG_OF_SERVE);
}
