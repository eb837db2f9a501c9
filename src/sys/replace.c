/* The new file is "PATH.part" until it is complete. */
#include "sys/replace.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

static int name_part(const char *path, char part[PATH_MAX])
{
    return snprintf(part, PATH_MAX, "%s.part", path) < PATH_MAX ? 0 : -ENAMETOOLONG;
}

int sys_can_replace_file(const char *path)
{
    char part[PATH_MAX];
    int error = name_part(path, part);
    if (error < 0)
        return error;
    int fd = open(part, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0)
        return -errno;
    close(fd);
    unlink(part);
    int folder = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return 0;
    close(folder);
    return -EISDIR;
}

int sys_replace_file(const char *path, struct slice text)
{
    char part[PATH_MAX];
    int error = name_part(path, part);
    if (error < 0)
        return error;
    FILE *file = fopen(part, "we");
    if (file == NULL)
        return -errno;
    error = fwrite(text.data, 1, text.length, file) == text.length ? 0 : -errno;
    if (fclose(file) != 0 && error == 0)
        error = -errno;
    if (error == 0 && rename(part, path) < 0)
        error = -errno;
    if (error)
        unlink(part);
    return error;
}
