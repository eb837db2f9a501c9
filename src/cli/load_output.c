/* Files are opened for appending and truncated only before writing: a failed run keeps the results of the
 * last one. */
#include "cli/load_output.h"

#include "base/error.h"
#include "sys/old_file.h"
#include "sys/output.h"
#include "sys/path.h"

#include <errno.h>
#include <string.h>

static bool is_standard(const struct load_output *output)
{
    return output->file == stdout;
}

static bool load_output_fail(const struct load_output *output, int error)
{
    const char *path = strcmp(output->path, "-") == 0 ? "standard output" : output->path;
    fprintf(stderr, "vif: cannot write %s to %s: %s\n", output->what, path, error_text(error));
    return false;
}

bool load_output_open(struct load_output *output, const char *what, const char *path)
{
    *output = (struct load_output){.what = what, .path = path};
    if (strcmp(path, "-") == 0) {
        output->file = stdout;
        return true;
    }
    int error = sys_open_stream(path, "wx", &output->file);
    output->was_made = error == 0;
    if (error == -EEXIST)
        error = sys_open_stream(path, "a", &output->file);
    return error == 0 || load_output_fail(output, error);
}

bool load_output_write(struct load_output *output, const struct buffer *text)
{
    int error = text->failed ? -ENOMEM : 0;
    if (error == 0 && !is_standard(output))
        error = sys_cut(fileno(output->file));
    output->was_made = false;
    if (error == 0 && fwrite(text->data, 1, text->length, output->file) != text->length)
        error = -errno;
    if (error == 0 && fflush(output->file) != 0)
        error = -errno;
    return error == 0 || load_output_fail(output, error);
}

void load_output_close(struct load_output *output)
{
    if (output->file == NULL || is_standard(output))
        return;
    fclose(output->file); /* all of it was flushed, and looked at */
    output->file = NULL;
    int error = output->was_made ? sys_remove(output->path) : 0;
    (void)error; /* an empty file is left */
}
