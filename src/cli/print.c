/* Writes texts to standard output. A text that was not written whole is a failure (exit status 1), since it
 * may have gone into a file that something else reads. */
#include "cli/print.h"

#include "base/error.h"
#include "cli/commands.h"
#include "cli/terminal.h"
#include "conf/diagnostics.h"

#include <errno.h>
#include <stdio.h>

int print_finish(struct buffer *text, int error)
{
    if (error == 0 && text->failed)
        error = -ENOMEM;
    if (error == 0 && text->length > 0 && fwrite(text->data, 1, text->length, stdout) != text->length)
        error = -errno;
    if (error == 0 && fflush(stdout) != 0)
        error = -errno;
    buffer_finish(text);
    if (error)
        fprintf(stderr, "vif: cannot print: %s\n", error_text(error));
    return error ? EXIT_FAILED : EXIT_GOOD;
}

void print_diagnostics(struct diagnostics *diagnostics)
{
    struct buffer text;
    buffer_init(&text, 1u << 20);
    diagnostics_print(diagnostics, terminal_has_colours(stderr), &text);
    if (text.length > 0)
        fwrite(text.data, 1, text.length, stderr);
    buffer_finish(&text);
}
