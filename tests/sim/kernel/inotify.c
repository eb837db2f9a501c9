/* inotify(7): watches of inodes, and a bounded queue of what happened to them. */
#include "files.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>

int __wrap_inotify_init1(int flags);
int __wrap_inotify_add_watch(int fd, const char *path, uint32_t mask);
int __wrap_inotify_rm_watch(int fd, int descriptor);

#define NAME_BYTES_MAX 256

/* The queue, mostly as long as Linux has it and sometimes so short that it overflows. */
#define EVENTS_MAX      16384
#define EVENTS_MAX_FEW  4
#define WATCHES_MAX_FEW 2

struct inotify {
    struct open_file file;
    struct list watches; /* struct inotify_watch */
    struct list events;  /* struct event */
    size_t event_count;
    size_t events_max;
    size_t watch_count;
    size_t watches_max;
    int last_descriptor;
};

struct inotify_watch {
    struct list of_inode;
    struct list of_inotify;
    struct inotify *inotify;
    struct inode *inode;
    int descriptor;
    uint32_t mask;
};

struct event {
    struct list link;
    int descriptor;
    uint32_t mask;
    char name[NAME_BYTES_MAX];
};

static struct inotify *inotify_of(struct open_file *file)
{
    return CONTAINER_OF(file, struct inotify, file);
}

static unsigned inotify_mask(struct open_file *file)
{
    return list_is_empty(&inotify_of(file)->events) ? 0 : EPOLLIN;
}

static void free_watch(struct inotify_watch *watch)
{
    watch->inotify->watch_count--;
    list_remove(&watch->of_inode);
    list_remove(&watch->of_inotify);
    kernel_free(watch);
}

static void free_event(struct inotify *inotify, struct event *event)
{
    list_remove(&event->link);
    inotify->event_count--;
    kernel_free(event);
}

static void inotify_release(struct open_file *file)
{
    struct inotify *inotify = inotify_of(file);
    while (!list_is_empty(&inotify->watches))
        free_watch(CONTAINER_OF(inotify->watches.next, struct inotify_watch, of_inotify));
    while (!list_is_empty(&inotify->events))
        free_event(inotify, CONTAINER_OF(inotify->events.next, struct event, link));
    kernel_free(inotify);
}

const struct file_class inotify_class = {
    .name = "an inotify", .mask = inotify_mask, .release = inotify_release};

static bool is_last(const struct inotify *inotify, int descriptor, uint32_t mask, const char *name)
{
    if (list_is_empty(&inotify->events))
        return false;
    const struct event *last = CONTAINER_OF(inotify->events.previous, struct event, link);
    return last->descriptor == descriptor && last->mask == mask && strcmp(last->name, name) == 0;
}

/* What repeats the last one is not told twice; what is too much becomes one event that says so. */
static void put_event(struct inotify *inotify, int descriptor, uint32_t mask, const char *name)
{
    if (inotify->event_count >= inotify->events_max) {
        descriptor = -1;
        mask = IN_Q_OVERFLOW;
        name = "";
    }
    if (is_last(inotify, descriptor, mask, name))
        return;
    struct event *event = kernel_alloc(sizeof(*event));
    event->descriptor = descriptor;
    event->mask = mask;
    assert(strlen(name) < NAME_BYTES_MAX);
    strcpy(event->name, name);
    list_init(&event->link);
    list_append(&inotify->events, &event->link);
    inotify->event_count++;
    ready_wake(&inotify->file, EPOLLIN);
}

void inotify_tell(struct inode *inode, uint32_t mask, const char *name)
{
    LIST_FOREACH(link, &inode->watches) {
        const struct inotify_watch *watch = CONTAINER_OF(link, struct inotify_watch, of_inode);
        if (watch->mask & mask & IN_ALL_EVENTS)
            put_event(watch->inotify, watch->descriptor, mask, name ? name : "");
    }
}

void inotify_forget_inode(struct inode *inode)
{
    while (!list_is_empty(&inode->watches)) {
        struct inotify_watch *watch = CONTAINER_OF(inode->watches.next, struct inotify_watch, of_inode);
        put_event(watch->inotify, watch->descriptor, IN_IGNORED, "");
        free_watch(watch);
    }
}

void inotify_tell_deleted(struct inode *inode)
{
    inotify_tell(inode, IN_DELETE_SELF, NULL);
    inotify_forget_inode(inode);
}

static int fail_with(int error)
{
    errno = error;
    return -1;
}

int __wrap_inotify_init1(int flags)
{
    call_begin();
    assert(flags == (IN_NONBLOCK | IN_CLOEXEC));
    int error = fault_for(CALL_inotify_init1, (struct call_target){0});
    if (error)
        return fail_with(error);
    struct sim_chance chance = sim_chance_for("inotify", 0);
    struct inotify *inotify = kernel_alloc(sizeof(*inotify));
    open_file_init(&inotify->file, &inotify_class);
    list_init(&inotify->watches);
    list_init(&inotify->events);
    inotify->events_max = sim_one_in(&chance, 8) ? EVENTS_MAX_FEW : EVENTS_MAX;
    inotify->watches_max = sim_one_in(&chance, 16) ? WATCHES_MAX_FEW : SIZE_MAX;
    int fd = descriptor_install(&inotify->file);
    return fd < 0 ? fail_with(-fd) : fd;
}

static struct inotify_watch *find_watch(const struct inotify *inotify, const struct inode *inode)
{
    LIST_FOREACH(link, &inode->watches) {
        struct inotify_watch *watch = CONTAINER_OF(link, struct inotify_watch, of_inode);
        if (watch->inotify == inotify)
            return watch;
    }
    return NULL;
}

/* Only ever by the magic link of a descriptor. Linux visits every name that it has cached of a folder. */
int __wrap_inotify_add_watch(int fd, const char *path, uint32_t mask)
{
    call_begin();
    struct inotify *inotify = inotify_of(descriptor_get(fd, &inotify_class, "inotify_add_watch"));
    struct inode *inode = descriptor_inode(magic_link_target(path), "inotify_add_watch");
    files_wait_for_disk("inotify_add_watch", inode->path);
    int error = fault_for(CALL_inotify_add_watch, (struct call_target){.path = inode->path});
    if (!files_have_magic_links())
        error = ENOENT;
    if (error == 0 && !S_ISDIR(inode->mode) && mask & IN_ONLYDIR)
        error = ENOTDIR;
    struct inotify_watch *watch = find_watch(inotify, inode);
    if (error == 0 && watch == NULL && inotify->watch_count >= inotify->watches_max)
        error = ENOSPC;
    if (error)
        return fail_with(error);
    if (watch) {
        watch->mask = mask & IN_MASK_ADD ? watch->mask | mask : mask;
        return watch->descriptor;
    }
    watch = kernel_alloc(sizeof(*watch));
    *watch = (struct inotify_watch){
        .inotify = inotify, .inode = inode, .descriptor = ++inotify->last_descriptor, .mask = mask};
    list_init(&watch->of_inode);
    list_init(&watch->of_inotify);
    list_append(&inode->watches, &watch->of_inode);
    list_append(&inotify->watches, &watch->of_inotify);
    inotify->watch_count++;
    sim_trace("inotify watch %d: %s", watch->descriptor, inode->path);
    return watch->descriptor;
}

/* The server does this in the order of a hash table, which may differ between two runs: so no trace, and no
 * chance. */
int __wrap_inotify_rm_watch(int fd, int descriptor)
{
    struct inotify *inotify = inotify_of(descriptor_get(fd, &inotify_class, "inotify_rm_watch"));
    LIST_FOREACH_SAFE(link, &inotify->watches) {
        struct inotify_watch *watch = CONTAINER_OF(link, struct inotify_watch, of_inotify);
        if (watch->descriptor == descriptor) {
            put_event(inotify, descriptor, IN_IGNORED, "");
            free_watch(watch);
            return 0;
        }
    }
    return fail_with(EINVAL);
}

/* The name is filled up with NULs to a multiple of the header's size. */
static size_t name_room(const struct event *event)
{
    size_t length = strlen(event->name);
    size_t unit = sizeof(struct inotify_event);
    return length == 0 ? 0 : (length + 1 + unit - 1) / unit * unit;
}

static size_t write_event(const struct event *event, char *out)
{
    size_t room = name_room(event);
    struct inotify_event header = {.wd = event->descriptor, .mask = event->mask, .len = (uint32_t)room};
    memcpy(out, &header, sizeof(header));
    memset(out + sizeof(header), 0, room);
    memcpy(out + sizeof(header), event->name, strlen(event->name));
    return sizeof(header) + room;
}

ssize_t inotify_read(struct open_file *file, void *buffer, size_t size)
{
    struct inotify *inotify = inotify_of(file);
    size_t used = 0;
    if (list_is_empty(&inotify->events))
        return -EAGAIN;
    while (!list_is_empty(&inotify->events)) {
        struct event *event = CONTAINER_OF(inotify->events.next, struct event, link);
        if (used + sizeof(struct inotify_event) + name_room(event) > size)
            break;
        used += write_event(event, (char *)buffer + used);
        free_event(inotify, event);
    }
    return used ? (ssize_t)used : -EINVAL;
}
