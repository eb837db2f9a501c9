/* `vif help`: one screen of 80 by 24, from the table of flags. */
#include "cli/commands.h"
#include "cli/flags.h"

#include <stdio.h>

static void print_flag(const struct flag *flag)
{
    char name[40];
    const char *separator = flag->value == NULL || flag->value[0] == '[' ? "" : " ";
    char letter[8] = "    ";
    if (flag->letter)
        snprintf(letter, sizeof(letter), "-%c, ", flag->letter);
    snprintf(name, sizeof(name), "--%s%s%s", flag->name, separator, flag->value ? flag->value : "");
    printf(" %-7s  %s%-24s %s\n", flag->group ? flag->group : "", letter, name, flag->help);
}

int command_help(char *const *words)
{
    (void)words;
    puts("vif [OPTION]... [DIR]      serve a folder (this one) at http://localhost:8080/\n"
         "vif run [-c FILE]          serve what a configuration file (vif.yaml) says\n"
         "vif check [-c FILE]        tell all that is wrong with it\n"
         "vif help, vif version      more commands, and all about the file: man vif\n");
    for (size_t i = 0; i < flag_count; i++) {
        if (!flags[i].is_minor)
            print_flag(&flags[i]);
    }
    return EXIT_GOOD;
}
