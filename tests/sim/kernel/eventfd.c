/* eventfd(2), and what reads and writes by descriptor alone: only these and inotify have that. */
#include "internal.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

int __wrap_eventfd(unsigned count, int flags);
ssize_t __wrap_write(int fd, const void *bytes, size_t length);
ssize_t __wrap_read(int fd, void *buffer, size_t size);

struct counter {
    struct open_file file;
    uint64_t count;
};

static struct counter *counter_of(struct open_file *file)
{
    return CONTAINER_OF(file, struct counter, file);
}

static unsigned counter_mask(struct open_file *file)
{
    return EPOLLOUT | (counter_of(file)->count ? EPOLLIN : 0u);
}

static void counter_release(struct open_file *file)
{
    kernel_free(counter_of(file));
}

static const struct file_class eventfd_class = {
    .name = "an eventfd", .mask = counter_mask, .release = counter_release};

static int fail_with(int error)
{
    errno = error;
    return -1;
}

int __wrap_eventfd(unsigned count, int flags)
{
    call_begin();
    assert(flags == (EFD_NONBLOCK | EFD_CLOEXEC));
    int error = fault_for(CALL_eventfd, (struct call_target){0});
    if (error)
        return fail_with(error);
    struct counter *counter = kernel_alloc(sizeof(*counter));
    open_file_init(&counter->file, &eventfd_class);
    counter->count = count;
    int fd = descriptor_install(&counter->file);
    if (fd < 0)
        shortage_of_descriptors("eventfd", NULL);
    return fd < 0 ? fail_with(-fd) : fd;
}

/* Also from the world's side: a signal, as it were. */
void eventfd_raise(int fd)
{
    struct counter *counter = counter_of(descriptor_get(fd, &eventfd_class, "write"));
    counter->count++;
    ready_wake(&counter->file, EPOLLIN);
}

ssize_t __wrap_write(int fd, const void *bytes, size_t length)
{
    call_begin();
    if (log_file_is(descriptor_get(fd, NULL, "write"))) {
        ssize_t written = log_file_write(bytes, length);
        return written < 0 ? fail_with((int)-written) : written;
    }
    assert(length == sizeof(uint64_t) && memcmp(bytes, &(uint64_t){1}, length) == 0);
    eventfd_raise(fd);
    sim_trace("write(%d)", fd);
    return (ssize_t)length;
}

static ssize_t read_counter(struct counter *counter, void *buffer, size_t size)
{
    assert(size == sizeof(uint64_t));
    if (counter->count == 0)
        return fail_with(EAGAIN);
    memcpy(buffer, &counter->count, size);
    counter->count = 0;
    call_got_on();
    return (ssize_t)size;
}

ssize_t __wrap_read(int fd, void *buffer, size_t size)
{
    call_begin();
    struct open_file *file = descriptor_get(fd, NULL, "read");
    if (file->class == &eventfd_class)
        return read_counter(counter_of(file), buffer, size);
    int error = fault_for(CALL_read, (struct call_target){0});
    ssize_t count = error ? -error : inotify_read(descriptor_get(fd, &inotify_class, "read"), buffer, size);
    sim_trace("read(%d, inotify) = %zd", fd, count);
    if (count < 0)
        return fail_with((int)-count);
    call_got_on();
    return count;
}
