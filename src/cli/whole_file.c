/* The input may be a pipe, so its size is not known in advance. */
#include "cli/whole_file.h"

#include "sys/path.h"

#include <errno.h>
#include <string.h>

static int whole_file_read_stream(FILE *stream, struct buffer *out)
{
    char block[65536];
    size_t length;
    errno = 0;
    while ((length = fread(block, 1, sizeof(block), stream)) > 0 && !out->failed)
        buffer_append(out, slice_make(block, length));
    if (ferror(stream))
        return -errno;
    return out->failed ? -EFBIG : 0;
}

int whole_file_read(const char *path, struct buffer *out)
{
    if (strcmp(path, "-") == 0)
        return whole_file_read_stream(stdin, out);
    FILE *stream;
    int error = sys_open_stream(path, "r", &stream);
    if (error)
        return error;
    error = whole_file_read_stream(stream, out);
    fclose(stream);
    return error;
}
