/* The C library's DIR does the reading; these functions hide errno from callers. */
#include "sys/folder.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

int sys_folder_open(int fd, DIR **ret_folder)
{
    DIR *folder = fdopendir(fd);
    if (folder == NULL) {
        int code = -errno;
        close(fd);
        return code;
    }
    *ret_folder = folder;
    return 0;
}

int sys_folder_next(DIR *folder, const char **ret_name)
{
    const struct dirent *entry;
    do {
        errno = 0; /* needed to distinguish the end from an error */
        entry = readdir(folder);
        if (entry == NULL)
            return -errno;
    } while (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0);
    *ret_name = entry->d_name;
    return 1;
}

void sys_folder_close(DIR *folder)
{
    if (folder)
        closedir(folder);
}
