/* The walk: each name is opened without following it, so that links are seen, too. */
#include "disk/path_walk.h"

#include "sys/socket.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* The kernel's own limit. */
#define LINKS_MAX 40

struct walk {
    bool (*visit)(void *context, int fd, const struct file_status *status);
    void *context;
    int at; /* the folder that the walk has reached */
    unsigned links;
    char rest[2 * PATH_MAX]; /* rest of the path */
};

static bool still_leads_to(int folder_fd, const char *name, const struct file_status *status)
{
    struct file_status now;
    return sys_entry_status(folder_fd, name, &now) == 0 && now.device == status->device &&
           now.inode == status->inode;
}

static void move_to(struct walk *walk, int fd)
{
    sys_close(walk->at);
    walk->at = fd;
}

/* Replaces the link's name by its target. */
static bool path_walk_follow(struct walk *walk, int fd)
{
    char path[2 * PATH_MAX];
    int length = sys_read_link(fd, path, PATH_MAX);
    size_t rest = strlen(walk->rest);
    if (length <= 0 || ++walk->links > LINKS_MAX || (size_t)length + 1 + rest >= sizeof(path))
        return false;
    path[length] = '/';
    memcpy(path + length + 1, walk->rest, rest + 1);
    memcpy(walk->rest, path, (size_t)length + 1 + rest + 1);
    if (path[0] != '/')
        return true;
    int top = sys_open_root("/");
    if (top < 0)
        return false;
    move_to(walk, top);
    return true;
}

static bool path_walk_enter(struct walk *walk, const char *name, int fd)
{
    struct file_status status;
    bool continues = sys_file_status(fd, &status) == 0 && walk->visit(walk->context, fd, &status) &&
                     still_leads_to(walk->at, name, &status);
    if (continues && !S_ISLNK(status.mode)) {
        move_to(walk, fd);
        return true;
    }
    continues = continues && path_walk_follow(walk, fd);
    sys_close(fd);
    return continues;
}

/* Takes the next name from the path; false at its end. */
static bool next_name(struct walk *walk, char name[NAME_MAX + 1])
{
    const char *begin = walk->rest + strspn(walk->rest, "/");
    size_t length = strcspn(begin, "/");
    if (length == 0 || length > NAME_MAX)
        return false;
    memcpy(name, begin, length);
    name[length] = '\0';
    memmove(walk->rest, begin + length, strlen(begin + length) + 1);
    return true;
}

static bool walk_on(struct walk *walk)
{
    char name[NAME_MAX + 1];
    while (next_name(walk, name)) {
        int fd = sys_open_entry(walk->at, name);
        if (fd < 0)
            return false;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
            move_to(walk, fd);
        else if (!path_walk_enter(walk, name, fd))
            return false;
    }
    return true;
}

bool path_walk(const char *path, bool (*visit)(void *context, int fd, const struct file_status *status),
               void *context)
{
    struct walk walk = {.visit = visit, .context = context};
    if (snprintf(walk.rest, sizeof(walk.rest), "%s", path) >= PATH_MAX)
        return false;
    walk.at = sys_open_root(path[0] == '/' ? "/" : ".");
    if (walk.at < 0)
        return false;
    bool is_whole = walk_on(&walk);
    sys_close(walk.at);
    return is_whole;
}
