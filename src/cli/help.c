/* `vif help`: one screen of 80 by 24, from the table of flags. */
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
    buffer_printf(out, " %-7s  %s%-24s %s\n", flag->group ? flag->group : "", letter, name, flag->help);
}

int command_help(char *const *words)
{
    (void)words;
    struct buffer text;
    buffer_init(&text, 1u << 16);
    buffer_append(&text,
                  SLICE("vif [OPTION]... [DIR]      serve a folder (this one) at http://localhost:8080/\n"
                        "vif run [-c FILE]          serve what a configuration file (vif.yaml) says\n"
                        "vif check [-c FILE]        tell all that is wrong with it\n"
                        "vif help, vif version      more commands, and all about the file: man vif\n\n"));
    for (size_t i = 0; i < flag_count; i++) {
        if (!flags[i].is_minor)
            append_flag(&text, &flags[i]);
    }
    return print_finish(&text, 0);
}
