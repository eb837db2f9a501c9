/* A folder in /tmp could have been made by anybody: hence the checks. */
#include "sys/run_folder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

int sys_run_folder_find(char out[SYS_RUN_FOLDER_BYTES])
{
    const char *of_unit = getenv("RUNTIME_DIRECTORY"), *of_user = getenv("XDG_RUNTIME_DIR");
    int length;
    if (of_unit && of_unit[0] == '/')
        length = snprintf(out, SYS_RUN_FOLDER_BYTES, "%.*s", (int)strcspn(of_unit, ":"), of_unit);
    else if (geteuid() == 0)
        length = snprintf(out, SYS_RUN_FOLDER_BYTES, "/run/vif");
    else if (of_user && of_user[0] == '/')
        length = snprintf(out, SYS_RUN_FOLDER_BYTES, "%s/vif", of_user);
    else
        length = snprintf(out, SYS_RUN_FOLDER_BYTES, "/tmp/vif-%u", (unsigned)geteuid());
    return length < SYS_RUN_FOLDER_BYTES ? 0 : -ENAMETOOLONG;
}

bool sys_is_own_user(uid_t user)
{
    return user == geteuid() || user == 0;
}

int sys_run_folder_prepare(const char *path)
{
    struct stat status;
    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        return -errno;
    if (lstat(path, &status) < 0)
        return -errno;
    bool is_safe = S_ISDIR(status.st_mode) && sys_is_own_user(status.st_uid) &&
                   (status.st_mode & (S_IWGRP | S_IWOTH)) == 0;
    return is_safe ? 0 : -EPERM;
}

int sys_peer(int fd, uid_t *ret_user, pid_t *ret_process)
{
    struct ucred peer;
    socklen_t length = sizeof(peer);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0)
        return -errno;
    *ret_user = peer.uid;
    *ret_process = peer.pid;
    return 0;
}

#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif

void sys_refuse_descriptors(int fd)
{
    setsockopt(fd, SOL_SOCKET, SO_PASSRIGHTS, &(int){0}, sizeof(int));
}
