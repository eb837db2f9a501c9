/* Roots. The number of a root's descriptor never changes, so that jobs on the offload pool may keep using
 * it. */
#include "disk/root.h"

#include "disk/root_table.h"
#include "sys/file.h"
#include "sys/opener.h"
#include "sys/socket.h"

#include <stdatomic.h>

#define LOOK_INTERVAL_MS 1000

struct root_spec root_spec_of(const struct files_settings *settings)
{
    return (struct root_spec){
        .path = settings->root,
        .follows_out = settings->follow_links,
        .with_siblings = settings->precompressed,
        .with_lone_siblings = settings->precompressed_alone,
    };
}

/* Atomic, because the lab runs servers on several threads. */
void root_renew(struct root *root)
{
    static atomic_uint_fast64_t last;
    root->serial = atomic_fetch_add(&last, 1) + 1;
}

/* The links of a local path are watched; if they cannot be, the path is looked at again after a
 * millisecond. */
void root_note_look(struct root *root, uint64_t now_ms)
{
    bool is_unwatched = root->is_local && !root->is_path_watched;
    root->look_due_ms = now_ms + (is_unwatched ? 1 : LOOK_INTERVAL_MS);
}

bool root_is_unmoved(const struct root *root)
{
    struct file_status status;
    int fd = sys_open_root_cached(root->spec.path.data);
    if (fd < 0)
        return false;
    int error = sys_file_status(fd, &status);
    sys_close(fd);
    return error == 0 && status.device == root->device && status.inode == root->inode;
}

struct root_look root_prepare_look(const struct root *root)
{
    assert(root->fd >= 0);
    return (struct root_look){
        .path = root->spec.path.data,
        .device = root->device,
        .inode = root->inode,
        .fd = -1,
    };
}

/* A worker in its sandbox cannot read a folder that was not there when it started. The former one stays in
 * use until the master has started workers that can. */
static bool root_is_confined(const struct root_look *look, int fd)
{
    if (!sys_opener_is_used() || !sys_folder_is_confined(fd))
        return false;
    int error = sys_opener_ask(OPENER_ROOT, look->path, NULL);
    (void)error; /* the next look asks again */
    return true;
}

static int open_other(struct root_look *look)
{
    assert(look->fd < 0);
    struct file_status status;
    int fd = sys_open_root(look->path);
    if (fd < 0)
        return fd;
    if (root_is_confined(look, fd)) {
        sys_close(fd);
        return 0;
    }
    int error = sys_file_status(fd, &status);
    if (error < 0) {
        sys_close(fd);
        return error;
    }
    look->fd = fd;
    look->is_local = sys_is_local_file_system(fd);
    look->device = status.device;
    look->inode = status.inode;
    return 0;
}

/* Gets the status first: usually nothing has changed, and nothing needs to be opened. */
void root_make_look(struct root_look *look)
{
    assert(look->fd < 0);
    struct file_status status;
    look->error = sys_path_status(look->path, &status);
    if (look->error == 0 && (status.device != look->device || status.inode != look->inode))
        look->error = open_other(look);
}

void root_take(struct root *root, struct root_look *look)
{
    assert(look->fd >= 0);
    int fd = look->fd;
    look->fd = -1;
    if (sys_replace(fd, root->fd) < 0) {
        sys_close(fd);
        return;
    }
    root->device = look->device;
    root->inode = look->inode;
    root->is_local = look->is_local;
    root_want_look(root);
    root_table_move_jobs(root);
}
