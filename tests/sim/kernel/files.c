/* The tree of files, how paths lead through it, and how the clients' side changes it. */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/inotify.h>

#define LINKS_MAX 40
#define BLOCK     512

/* The kernel evicts what was not used lately; what somebody has open and may be sending, slowly, after a
 * while only. */
#define USED_LATELY_US (2 * SIM_S)
#define OPEN_LATELY_US (900 * SIM_S)

/* The page cache takes bytes in by parts of this size at least. */
#define CACHE_BLOCKS      64
#define CACHE_BLOCK_BYTES 65536

static struct inode *top;
static uint64_t inode_count;
static size_t inodes_alive;
static bool reads_whole;

static struct inode *new_inode(uint32_t mode, const char *path)
{
    struct inode *inode = kernel_alloc(sizeof(*inode) + strlen(path) + 1);
    inode->number = ++inode_count;
    inode->mode = mode;
    inode->references = 1;
    inode->modified_ns = inode->changed_ns = sim_wall_ns();
    list_init(&inode->names);
    list_init(&inode->watches);
    strcpy(inode->path, path);
    inodes_alive++;
    return inode;
}

struct inode *inode_ref(struct inode *inode)
{
    inode->references++;
    return inode;
}

static void free_name(struct name *name)
{
    list_remove(&name->link);
    if (name->inode)
        inode_unref(name->inode);
    kernel_free(name);
}

void inode_unref(struct inode *inode)
{
    if (--inode->references > 0)
        return;
    while (!list_is_empty(&inode->names))
        free_name(CONTAINER_OF(inode->names.next, struct name, link));
    inotify_forget_inode(inode);
    inodes_alive--;
    kernel_free(inode->bytes);
    kernel_free(inode);
}

/* A bit for each block that the range touches. */
static uint64_t blocks_of(const struct inode *inode, size_t offset, size_t length)
{
    size_t block = MAX((size_t)CACHE_BLOCK_BYTES, inode->size / CACHE_BLOCKS + 1);
    uint64_t blocks = 0;
    for (size_t i = offset / block; i < CACHE_BLOCKS && i * block < offset + length; i++)
        blocks |= UINT64_C(1) << i;
    return blocks;
}

bool inode_is_cached(const struct inode *inode, size_t offset, size_t length)
{
    return (inode->cold_blocks & blocks_of(inode, offset, length)) == 0;
}

void inode_cache(struct inode *inode, size_t offset, size_t length)
{
    if (reads_whole)
        inode->cold_blocks = 0;
    inode->cold_blocks &= ~blocks_of(inode, offset, length);
}

void files_read_whole(bool yes)
{
    reads_whole = yes;
}

struct inode *files_top(void)
{
    return top;
}

static struct name *add_name(struct inode *folder, const char *text, size_t length, struct inode *inode)
{
    struct name *name = kernel_alloc(sizeof(*name) + length + 1);
    memcpy(name->text, text, length);
    name->inode = inode;
    name->is_cached = true;
    list_init(&name->link);
    list_append(&folder->names, &name->link);
    return name;
}

void files_start(void)
{
    inode_count = inodes_alive = 0;
    mount_table_start();
    top = new_inode(S_IFDIR | 0755, "/");
    sim_folder_make(SIM_SITE);
}

void files_finish(void)
{
    inode_unref(top);
    top = NULL;
    assert(inodes_alive == 0);
}

void inode_status(const struct inode *inode, struct stat *ret_status)
{
    *ret_status = (struct stat){
        .st_dev = 1,
        .st_ino = inode->number,
        .st_mode = inode->mode,
        .st_nlink = inode->links,
        .st_size = S_ISDIR(inode->mode) ? 4096 : (off_t)inode->size,
        .st_blocks = (blkcnt_t)(inode->size / BLOCK + 1),
        .st_mtim = {inode->modified_ns / 1000000000, inode->modified_ns % 1000000000},
        .st_ctim = {inode->changed_ns / 1000000000, inode->changed_ns % 1000000000},
    };
}

/* ---- paths ---- */

static struct name *find_name(const struct inode *folder, const char *text, size_t length)
{
    LIST_FOREACH(link, &folder->names) {
        struct name *name = CONTAINER_OF(link, struct name, link);
        if (strncmp(name->text, text, length) == 0 && name->text[length] == '\0')
            return name;
    }
    return NULL;
}

struct walk {
    struct inode *began;
    struct inode *at;
    unsigned flags;
    unsigned links;
};

static int go_up(struct walk *walk)
{
    if (walk->flags & WALK_BENEATH && walk->at == walk->began)
        return -EXDEV;
    if (walk->at->parent)
        walk->at = walk->at->parent;
    return 0;
}

static int walk_path(struct walk *walk, const char *path, bool follows_last);

static int follow(struct walk *walk, const struct inode *link)
{
    if (walk->flags & WALK_NO_SYMLINKS || ++walk->links > LINKS_MAX)
        return -ELOOP;
    if (link->bytes[0] == '/') {
        if (walk->flags & WALK_BENEATH)
            return -EXDEV;
        walk->at = top;
    }
    return walk_path(walk, link->bytes, true);
}

/* What is not in the cache of names has to be read; the absence of a name is remembered as well. */
static int look_up(struct walk *walk, const char *text, size_t length, struct name **ret_name)
{
    struct name *name = find_name(walk->at, text, length);
    if (name == NULL || !name->is_cached) {
        if (walk->flags & WALK_CACHED)
            return -EAGAIN;
        files_wait_for_disk("open", walk->at->path);
        if (name == NULL)
            name = add_name(walk->at, text, length, NULL);
        name->is_cached = true;
    }
    *ret_name = name;
    return name->inode ? 0 : -ENOENT;
}

static int enter(struct walk *walk, struct inode *inode)
{
    if (inode->mounted && walk->flags & WALK_STAY)
        return -EXDEV;
    walk->at = inode->mounted ? inode->mounted : inode;
    return 0;
}

static int walk_part(struct walk *walk, const char *text, size_t length, bool follows)
{
    if (!S_ISDIR(walk->at->mode))
        return -ENOTDIR;
    if (length > NAME_MAX)
        return -ENAMETOOLONG;
    if (length == 0 || (length == 1 && text[0] == '.'))
        return 0;
    if (length == 2 && text[0] == '.' && text[1] == '.')
        return go_up(walk);
    struct name *name;
    int error = look_up(walk, text, length, &name);
    if (error < 0)
        return error;
    if (S_ISLNK(name->inode->mode) && follows)
        return follow(walk, name->inode);
    return enter(walk, name->inode);
}

static int walk_path(struct walk *walk, const char *path, bool follows_last)
{
    if (*path == '\0')
        return -ENOENT;
    for (;;) {
        size_t length = strcspn(path, "/");
        bool is_last = path[length] == '\0';
        int error = walk_part(walk, path, length, follows_last || !is_last);
        if (error < 0 || is_last)
            return error;
        path += length + 1;
    }
}

int files_walk(struct inode *from, const char *path, unsigned flags, struct inode **ret_inode)
{
    struct walk walk = {.began = from, .at = from, .flags = flags};
    if (strlen(path) >= PATH_MAX)
        return -ENAMETOOLONG;
    if (path[0] == '/' && flags & WALK_BENEATH)
        return -EXDEV;
    if (path[0] == '/')
        walk.at = top;
    int error = walk_path(&walk, path, !(flags & WALK_NO_FOLLOW));
    /* With RESOLVE_NO_SYMLINKS a link at the end counts too, unless the link itself is wanted. */
    if (error == 0)
        *ret_inode = walk.at;
    return error;
}

/* ---- changes from the clients' side ---- */

/* The folder of `path`, which has to be there, and the last part. */
static struct inode *parent_of(const char *path, const char **ret_last)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL || path[0] != '/')
        sim_fail("%s is no absolute path", path);
    struct inode *at = top;
    for (const char *part = path + 1; part <= slash;) {
        size_t length = strcspn(part, "/");
        struct name *name = find_name(at, part, length);
        if (name == NULL || name->inode == NULL || !S_ISDIR(name->inode->mode))
            sim_fail("what is above %s is not there", path);
        at = name->inode->mounted ? name->inode->mounted : name->inode;
        part += length + 1;
    }
    *ret_last = slash + 1;
    return at;
}

static struct name *name_at(const char *path, struct inode **ret_folder)
{
    const char *last;
    struct inode *folder = parent_of(path, &last);
    if (ret_folder)
        *ret_folder = folder;
    return find_name(folder, last, strlen(last));
}

static struct inode *inode_at(const char *path)
{
    const struct name *name = name_at(path, NULL);
    if (name == NULL || name->inode == NULL)
        sim_fail("%s is not there", path);
    return name->inode;
}

bool sim_exists(const char *path)
{
    const struct name *name = name_at(path, NULL);
    return name && name->inode;
}

static uint32_t folder_bit(const struct inode *inode)
{
    return S_ISDIR(inode->mode) ? IN_ISDIR : 0;
}

/* The way up from the volume leads past the folder that it covers. */
bool sim_mount(const char *path, const char *volume)
{
    struct inode *covered = inode_at(path), *inode = inode_at(volume);
    assert(covered->mounted == NULL && S_ISDIR(covered->mode) && S_ISDIR(inode->mode));
    sim_trace("%s is mounted over %s", volume, path);
    covered->mounted = inode;
    inode->parent = covered->parent;
    return mount_table_tell();
}

bool sim_unmount(const char *path)
{
    struct inode *covered = inode_at(path);
    assert(covered->mounted);
    sim_trace("%s is unmounted", path);
    covered->mounted = NULL;
    return mount_table_tell();
}

static void touch(struct inode *inode)
{
    inode->modified_ns = inode->changed_ns = sim_wall_ns();
}

/* Takes the inode's name away from it; whoever has it open keeps it. */
static void unlink_inode(struct name *name)
{
    struct inode *inode = name->inode;
    name->inode = NULL;
    inode->links--;
    inode->changed_ns = sim_wall_ns();
    inode->parent = NULL;
    if (inode->links == 0)
        inotify_tell_deleted(inode);
    else
        inotify_tell(inode, IN_ATTRIB, NULL);
    inode_unref(inode);
}

/* Puts `inode`, whose reference is taken over, at `path`, in place of what is there. */
static void link_at(const char *path, struct inode *inode, uint32_t told)
{
    const char *last;
    struct inode *folder = parent_of(path, &last);
    struct name *name = find_name(folder, last, strlen(last));
    if (name == NULL)
        name = add_name(folder, last, strlen(last), NULL);
    struct inode *before = name->inode ? inode_ref(name->inode) : NULL;
    if (before)
        unlink_inode(name);
    name->inode = inode;
    name->is_cached = true;
    inode->links++;
    if (S_ISDIR(inode->mode))
        inode->parent = folder;
    touch(folder);
    inotify_tell(folder, told | folder_bit(inode), last);
    if (before)
        inode_unref(before);
}

static struct inode *new_file(const char *path, struct slice bytes, int64_t modified_ns)
{
    struct inode *inode = new_inode(S_IFREG | 0644, path);
    inode->bytes = kernel_alloc(bytes.length + 1);
    inode->size = bytes.length;
    if (bytes.length)
        memcpy(inode->bytes, bytes.data, bytes.length);
    if (modified_ns)
        inode->modified_ns = modified_ns;
    return inode;
}

void sim_file_put(const char *path, struct slice bytes, int64_t modified_ns)
{
    sim_trace("%s is put, %zu bytes", path, bytes.length);
    link_at(path, new_file(path, bytes, modified_ns), IN_MOVED_TO);
}

static void tell_content(const char *path, struct inode *inode, uint32_t mask)
{
    const char *last;
    struct inode *folder = parent_of(path, &last);
    inotify_tell(folder, mask, last);
    inotify_tell(inode, mask, NULL);
}

static void resize(struct inode *inode, size_t size)
{
    inode->bytes = kernel_realloc(inode->bytes, size + 1);
    if (size > inode->size)
        memset(inode->bytes + inode->size, 0, size - inode->size);
    inode->size = size;
}

void sim_file_write_unseen(const char *path, size_t offset, struct slice bytes)
{
    struct inode *inode = inode_at(path);
    sim_trace("%s is written to, %zu bytes at %zu", path, bytes.length, offset);
    touch(inode);
    if (offset + bytes.length > inode->size)
        resize(inode, offset + bytes.length);
    if (bytes.length)
        memcpy(inode->bytes + offset, bytes.data, bytes.length);
}

void sim_file_write(const char *path, size_t offset, struct slice bytes)
{
    struct inode *inode = inode_at(path);
    sim_file_write_unseen(path, offset, bytes);
    tell_content(path, inode, IN_MODIFY);
    tell_content(path, inode, IN_CLOSE_WRITE);
}

void sim_file_date(const char *path, int64_t modified_ns)
{
    struct inode *inode = inode_at(path);
    sim_trace("%s gets another time", path);
    touch(inode);
    inode->modified_ns = modified_ns;
    tell_content(path, inode, IN_ATTRIB);
}

void sim_file_truncate(const char *path, size_t size)
{
    struct inode *inode = inode_at(path);
    sim_trace("%s is cut to %zu bytes", path, size);
    touch(inode);
    resize(inode, size);
    tell_content(path, inode, IN_MODIFY);
}

void sim_folder_make(const char *path)
{
    if (sim_exists(path))
        sim_fail("%s is there already", path);
    link_at(path, new_inode(S_IFDIR | 0755, path), IN_CREATE);
}

void sim_symlink_make(const char *path, const char *target)
{
    struct inode *inode = new_inode(S_IFLNK | 0777, path);
    inode->size = strlen(target);
    inode->bytes = kernel_alloc(inode->size + 1);
    memcpy(inode->bytes, target, inode->size);
    link_at(path, inode, IN_CREATE);
}

static bool has_names(const struct inode *folder)
{
    LIST_FOREACH(link, &folder->names) {
        if (CONTAINER_OF(link, struct name, link)->inode)
            return true;
    }
    return false;
}

void sim_remove(const char *path)
{
    struct inode *folder;
    struct name *name = name_at(path, &folder);
    struct inode *inode = inode_at(path);
    if (has_names(inode))
        sim_fail("%s is not empty", path);
    sim_trace("%s is removed", path);
    uint32_t mask = IN_DELETE | folder_bit(inode);
    unlink_inode(name);
    touch(folder);
    inotify_tell(folder, mask, name->text);
}

void sim_rename(const char *from, const char *to)
{
    struct inode *folder;
    struct name *name = name_at(from, &folder);
    struct inode *inode = inode_ref(inode_at(from));
    sim_trace("%s is renamed %s", from, to);
    name->inode = NULL;
    inode->links--;
    inode->changed_ns = sim_wall_ns();
    inode_unref(inode);
    touch(folder);
    inotify_tell(folder, IN_MOVED_FROM | folder_bit(inode), name->text);
    link_at(to, inode, IN_MOVED_TO);
    inotify_tell(inode, IN_MOVE_SELF, NULL);
}

void sim_file_chill(const char *path)
{
    struct name *name = name_at(path, NULL);
    struct inode *inode = inode_at(path);
    name->is_cached = false;
    uint64_t rest_us = inode->readers ? OPEN_LATELY_US : USED_LATELY_US;
    if (inode->used_us && sim_now_us() < inode->used_us + rest_us)
        return;
    sim_trace("%s is no longer in the page cache", path);
    inode->cold_blocks = UINT64_MAX;
}
