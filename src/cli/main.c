/* vif: which command is meant. Without the name of one, a folder or a file is to be served. */
#include "cli/commands.h"
#include "cli/help.h"
#include "cli/print.h"
#include "cli/session.h"
#include "conf/diagnostics.h"
#include "sys/file.h"
#include "sys/output.h"
#ifdef HAVE_TLS
#include "tls/memory.h"
#endif

#include <string.h>

/* "chekc": no flag, nothing that could be served, and almost a command. */
static const char *find_meant_command(const char *word)
{
    struct file_status status;
    if (word[0] == '-' || sys_path_status(word, &status) == 0)
        return NULL;
    return command_nearest(slice_from(word));
}

static int main_refuse(const char *word, const char *meant)
{
    struct diagnostics diagnostics;
    diagnostics_init(&diagnostics);
    diagnostics_add(&diagnostics, (struct source_position){0},
                    "\"%s\" is no command, and no folder or file; did you mean \"vif %s\"?", word, meant);
    print_diagnostics(&diagnostics);
    diagnostics_finish(&diagnostics);
    return EXIT_MISTAKE;
}

int main(int count, char **words)
{
    if (sys_fill_standard_streams() != 0)
        return EXIT_FAILED; /* there may be nowhere to say why */
    session_words = words;
#ifdef HAVE_TLS
    tls_memory_use();
#endif
    const char *first = count > 1 ? words[1] : "";
    const struct command *command = command_find(slice_from(first));
    if (command)
        return command->run(words + 2);
    if (strcmp(first, "-h") == 0 || strcmp(first, "--help") == 0)
        return help_print(HELP_OF_ALL);
    const char *meant = find_meant_command(first);
    return meant ? main_refuse(first, meant) : command_serve(words + 1);
}
