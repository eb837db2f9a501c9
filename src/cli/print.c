/* A text that was not written whole is a failure: it may have gone into a file that something else reads. */
#include "cli/print.h"

#include "base/error.h"
#include "cli/commands.h"

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
