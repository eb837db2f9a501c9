/* The table of descriptors. To use one that is closed is a fault of the server's, never a result. */
#include "internal.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

int __wrap_close(int fd);
int __wrap_dup3(int fd, int old_fd, int flags);

/* 0 to 2 are the program's. */
#define FIRST 3
#define COUNT 1100

static struct open_file *files[COUNT];
static size_t limit; /* RLIMIT_NOFILE */
static size_t open_count;
static uint64_t refused_count;

void descriptors_start(size_t new_limit)
{
    assert(new_limit <= COUNT);
    memset(files, 0, sizeof(files));
    limit = new_limit;
    open_count = 0;
    refused_count = 0;
}

size_t descriptors_open(void)
{
    return open_count;
}

void open_file_init(struct open_file *file, const struct file_class *class)
{
    file->class = class;
    file->references = 0;
    list_init(&file->items);
}

static int lowest_free(void)
{
    for (size_t fd = FIRST; fd < limit; fd++) {
        if (files[fd] == NULL)
            return (int)fd;
    }
    return -EMFILE;
}

bool descriptor_is_free(void)
{
    return lowest_free() >= 0;
}

uint64_t descriptors_refused(void)
{
    return refused_count;
}

int descriptor_install(struct open_file *file)
{
    int fd = lowest_free();
    if (fd < 0) {
        refused_count++;
        file->class->release(file);
        return fd;
    }
    files[fd] = file;
    file->references++;
    open_count++;
    return fd;
}

void descriptor_replace(int fd, struct open_file *file)
{
    struct open_file *former = files[fd];
    assert(former->references == 1 && list_is_empty(&former->items));
    files[fd] = file;
    file->references++;
    former->class->release(former);
}

static struct open_file *find(int fd, const char *call)
{
    if (fd < 0 || fd >= COUNT || files[fd] == NULL)
        sim_fail("%s of %d, which is no open descriptor", call, fd);
    return files[fd];
}

struct open_file *descriptor_find(int fd)
{
    return fd < 0 || fd >= COUNT ? NULL : files[fd];
}

struct open_file *descriptor_get(int fd, const struct file_class *class, const char *call)
{
    struct open_file *file = find(fd, call);
    if (class && file->class != class)
        sim_fail("%s of %d, which is %s", call, fd, file->class->name);
    return file;
}

static void remove_descriptor(int fd)
{
    struct open_file *file = files[fd];
    files[fd] = NULL;
    open_count--;
    if (--file->references > 0)
        return;
    ready_forget(file);
    file->class->release(file);
}

void descriptors_finish(void)
{
    for (int fd = 0; fd < COUNT; fd++) {
        if (files[fd])
            remove_descriptor(fd);
    }
}

void descriptors_list(void)
{
    for (int fd = 0; fd < COUNT; fd++) {
        if (files[fd])
            sim_trace("descriptor %d is open: %s", fd, files[fd]->class->name);
    }
}

/* The descriptor is gone whatever close(2) says. */
int __wrap_close(int fd)
{
    call_begin();
    sim_trace("close(%d): %s", fd, find(fd, "close")->class->name);
    remove_descriptor(fd);
    call_got_on();
    int error = fault_for(CALL_close, (struct call_target){0});
    if (error)
        errno = error;
    return error ? -1 : 0;
}

int __wrap_dup3(int fd, int old_fd, int flags)
{
    (void)flags;
    call_begin();
    struct open_file *file = find(fd, "dup3");
    assert(fd != old_fd && old_fd < (int)limit);
    int error = fault_for(CALL_dup3, (struct call_target){0});
    if (error) {
        errno = error;
        return -1;
    }
    if (files[old_fd])
        remove_descriptor(old_fd);
    files[old_fd] = file;
    file->references++;
    open_count++;
    sim_trace("dup3(%d, %d)", fd, old_fd);
    return old_fd;
}
