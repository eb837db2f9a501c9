/* realpath(3) and fopen(3), with -errno. */
#include "sys/path.h"

#include <errno.h>
#include <stdlib.h>

int sys_real_path(const char *path, char ret_path[PATH_MAX])
{
    return realpath(path, ret_path) ? 0 : -errno;
}

int sys_open_stream(const char *path, const char *mode, FILE **ret_stream)
{
    char flags[8];
    snprintf(flags, sizeof(flags), "%se", mode);
    FILE *stream = fopen(path, flags);
    if (stream == NULL)
        return -errno;
    *ret_stream = stream;
    return 0;
}
