/* Roots. The descriptor's number never changes, so that jobs on the offload pool may hold on to it. */
#include "disk/root.h"

#include "sys/file.h"
#include "sys/socket.h"

#include <stdatomic.h>

#define LOOK_INTERVAL_MS 1000

int root_open(struct root *root, const struct files_settings *settings)
{
    int fd = sys_open_root(settings->root.data);
    if (fd < 0)
        return fd;
    struct file_status status;
    int error = sys_file_status(fd, &status);
    if (error < 0) {
        sys_close(fd);
        return error;
    }
    *root = (struct root){
        .settings = settings,
        .fd = fd,
        .is_local = sys_is_local_file_system(fd),
        .device = status.device,
        .inode = status.inode,
    };
    root_renew(root);
    job_queue_init(&root->local_jobs, JOB_QUEUE_FILE_SYSTEM_MAX);
    job_queue_init(&root->remote_jobs, JOB_QUEUE_FILE_SYSTEM_MAX);
    return 0;
}

/* The lab has servers on several threads. */
void root_renew(struct root *root)
{
    static atomic_uint_fast64_t last;
    root->serial = atomic_fetch_add(&last, 1) + 1;
}

void root_close(struct root *root)
{
    job_queue_finish(&root->local_jobs);
    job_queue_finish(&root->remote_jobs);
    sys_close(root->fd);
}

/* What a local path leads through is watched; as long as it cannot be, it is looked at again in the next
 * millisecond. */
void root_note_look(struct root *root, uint64_t now_ms)
{
    bool is_unwatched = root->is_local && !root->is_path_watched;
    root->look_due_ms = now_ms + (is_unwatched ? 1 : LOOK_INTERVAL_MS);
}

struct root_look root_prepare_look(const struct root *root)
{
    return (struct root_look){
        .path = root->settings->root.data,
        .device = root->device,
        .inode = root->inode,
        .fd = -1,
    };
}

/* The status is asked for first: as a rule nothing has changed, and nothing needs to be opened. */
void root_make_look(struct root_look *look)
{
    struct file_status status;
    if (sys_path_status(look->path, &status) < 0 ||
        (status.device == look->device && status.inode == look->inode))
        return;
    int fd = sys_open_root(look->path);
    if (fd < 0)
        return;
    if (sys_file_status(fd, &status) < 0) {
        sys_close(fd);
        return;
    }
    look->fd = fd;
    look->device = status.device;
    look->inode = status.inode;
}

void root_take(struct root *root, struct root_look *look)
{
    int fd = look->fd;
    look->fd = -1;
    if (sys_replace(fd, root->fd) < 0) {
        sys_close(fd);
        return;
    }
    root->device = look->device;
    root->inode = look->inode;
    root->is_local = sys_is_local_file_system(root->fd);
    root->look_due_ms = root->path_due_ms = 0;
}
