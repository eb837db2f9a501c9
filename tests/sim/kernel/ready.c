/* epoll(7), poll(2), select(2), with the manners of Linux:
 *
 * A registration comes to its epoll's ready list when its file says that something changed, once; a wait
 * takes it from there, asks the file what holds by now, and puts it back behind the others only where it is
 * level-triggered. So an edge is told once, with everything that holds at the time of the wait, in the order
 * in which the files changed. */
#include "internal.h"

#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>

int __wrap_epoll_create1(int flags);
int __wrap_epoll_ctl(int epoll_fd, int operation, int fd, struct epoll_event *event);
int __wrap_epoll_wait(int epoll_fd, struct epoll_event *events, int events_max, int timeout_ms);
int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout_ms);
int __wrap_select(int fd_end, fd_set *readable, fd_set *writable, fd_set *changed, struct timeval *timeout);

struct epoll {
    struct open_file file;
    struct list items; /* struct epoll_item: all of them */
    struct list ready; /* struct epoll_item */
};

struct epoll_item {
    struct list of_file;  /* in the file's items */
    struct list of_epoll; /* in the epoll's items */
    struct list ready;
    struct epoll *epoll;
    struct open_file *file;
    int fd;
    struct epoll_event event;
};

static unsigned epoll_mask(struct open_file *file)
{
    (void)file;
    sim_fail("an epoll descriptor is waited for");
}

static void free_item(struct epoll_item *item)
{
    list_remove(&item->of_file);
    list_remove(&item->of_epoll);
    list_remove(&item->ready);
    kernel_free(item);
}

static void epoll_release(struct open_file *file)
{
    struct epoll *epoll = CONTAINER_OF(file, struct epoll, file);
    while (!list_is_empty(&epoll->items))
        free_item(CONTAINER_OF(epoll->items.next, struct epoll_item, of_epoll));
    kernel_free(epoll);
}

const struct file_class epoll_class = {.name = "an epoll", .mask = epoll_mask, .release = epoll_release};

void ready_wake(struct open_file *file, unsigned events)
{
    LIST_FOREACH(link, &file->items) {
        struct epoll_item *item = CONTAINER_OF(link, struct epoll_item, of_file);
        if ((events == 0 || events & item->event.events) && list_is_empty(&item->ready))
            list_append(&item->epoll->ready, &item->ready);
    }
}

void ready_forget(struct open_file *file)
{
    while (!list_is_empty(&file->items))
        free_item(CONTAINER_OF(file->items.next, struct epoll_item, of_file));
}

static int fail_with(int error)
{
    errno = error;
    return -1;
}

int __wrap_epoll_create1(int flags)
{
    (void)flags;
    call_begin();
    int error = fault_for(CALL_epoll_create1, (struct call_target){0});
    if (error)
        return fail_with(error);
    struct epoll *epoll = kernel_alloc(sizeof(*epoll));
    open_file_init(&epoll->file, &epoll_class);
    list_init(&epoll->items);
    list_init(&epoll->ready);
    int fd = descriptor_install(&epoll->file);
    return fd < 0 ? fail_with(-fd) : fd;
}

static struct epoll_item *find_item(const struct open_file *file, const struct epoll *epoll)
{
    LIST_FOREACH(link, &file->items) {
        struct epoll_item *item = CONTAINER_OF(link, struct epoll_item, of_file);
        if (item->epoll == epoll)
            return item;
    }
    return NULL;
}

/* What holds already is ready at once. */
static void set_event(struct epoll_item *item, const struct epoll_event *event)
{
    item->event = *event;
    item->event.events |= EPOLLERR | EPOLLHUP;
    if (item->file->class->mask(item->file) & item->event.events && list_is_empty(&item->ready))
        list_append(&item->epoll->ready, &item->ready);
}

static int add_item(struct epoll *epoll, struct open_file *file, int fd, const struct epoll_event *event)
{
    if (find_item(file, epoll))
        return fail_with(EEXIST);
    int error = fault_for(CALL_epoll_ctl, (struct call_target){.socket = network_client_of(file)});
    if (error)
        return fail_with(error);
    struct epoll_item *item = kernel_alloc(sizeof(*item));
    *item = (struct epoll_item){.epoll = epoll, .file = file, .fd = fd};
    list_init(&item->ready);
    list_init(&item->of_file);
    list_init(&item->of_epoll);
    list_append(&file->items, &item->of_file);
    list_append(&epoll->items, &item->of_epoll);
    set_event(item, event);
    return 0;
}

int __wrap_epoll_ctl(int epoll_fd, int operation, int fd, struct epoll_event *event)
{
    call_begin();
    struct open_file *file = descriptor_get(fd, NULL, "epoll_ctl");
    struct epoll *epoll =
        CONTAINER_OF(descriptor_get(epoll_fd, &epoll_class, "epoll_ctl"), struct epoll, file);
    struct epoll_item *item = find_item(file, epoll);
    sim_trace("epoll_ctl(%s, %d, 0x%x)",
              operation == EPOLL_CTL_ADD   ? "ADD"
              : operation == EPOLL_CTL_MOD ? "MOD"
                                           : "DEL",
              fd, event ? event->events : 0);
    if (operation == EPOLL_CTL_ADD)
        return add_item(epoll, file, fd, event);
    if (item == NULL)
        return fail_with(ENOENT);
    if (operation == EPOLL_CTL_MOD)
        set_event(item, event);
    else
        free_item(item);
    return 0;
}

static int take_ready(struct epoll *epoll, struct epoll_event *events, int events_max)
{
    struct list taken;
    list_init(&taken);
    list_splice(&taken, &epoll->ready);
    int count = 0;
    while (!list_is_empty(&taken) && count < events_max) {
        struct epoll_item *item = CONTAINER_OF(taken.next, struct epoll_item, ready);
        list_remove(&item->ready);
        unsigned mask = item->file->class->mask(item->file) & item->event.events;
        if (mask == 0)
            continue;
        sim_trace("  %d (%s) is ready: 0x%x", item->fd, item->file->class->name, mask);
        events[count++] = (struct epoll_event){.events = mask, .data = item->event.data};
        if (!(item->event.events & EPOLLET))
            list_append(&epoll->ready, &item->ready);
    }
    /* There was no room for the rest: they are first in the next wait. */
    list_splice(&taken, &epoll->ready);
    list_splice(&epoll->ready, &taken);
    return count;
}

/* A wait that is under way. */
struct waiting {
    uint64_t began_us;
    uint64_t until_us;
};

static struct waiting begin_waiting(int64_t timeout_us)
{
    uint64_t now_us = sim_now_us();
    uint64_t until_us = timeout_us < 0 ? UINT64_MAX : now_us + (uint64_t)timeout_us;
    return (struct waiting){now_us, until_us};
}

/* Lets time pass up to the next event; false when the wait is over. */
static bool wait_on(const struct waiting *waiting)
{
    if (sim_now_us() >= waiting->until_us)
        return false;
    if (waiting->until_us == UINT64_MAX && time_next() == UINT64_MAX)
        sim_fail("the server waits for ever, and nothing is going to happen");
    time_wait(waiting->until_us);
    return true;
}

static void end_waiting(const struct waiting *waiting, bool begins_turn)
{
    if (begins_turn)
        call_began_turn();
    if (sim_now_us() > waiting->began_us)
        call_slept();
    call_woke();
}

int __wrap_epoll_wait(int epoll_fd, struct epoll_event *events, int events_max, int timeout_ms)
{
    call_begin();
    struct epoll *epoll =
        CONTAINER_OF(descriptor_get(epoll_fd, &epoll_class, "epoll_wait"), struct epoll, file);
    sim_trace("epoll_wait(%d ms)", timeout_ms);
    struct waiting waiting = begin_waiting(timeout_ms < 0 ? -1 : timeout_ms * INT64_C(1000));
    int error = fault_for(CALL_epoll_wait, (struct call_target){0});
    int count = 0;
    while (!error && (count = take_ready(epoll, events, events_max)) == 0 && wait_on(&waiting))
        continue;
    end_waiting(&waiting, error == 0);
    return error ? fail_with(error) : count;
}

static int look_at(struct pollfd *fds, nfds_t count)
{
    int ready = 0;
    for (nfds_t i = 0; i < count; i++) {
        fds[i].revents = 0;
        if (fds[i].fd < 0)
            continue;
        struct open_file *file = descriptor_get(fds[i].fd, NULL, "poll");
        unsigned wanted = (unsigned)fds[i].events | POLLERR | POLLHUP;
        fds[i].revents = (short)(file->class->mask(file) & wanted);
        ready += fds[i].revents != 0;
    }
    return ready;
}

/* In the midst of a turn the server asks about a connection, or about the changes of files and of mounts. The
 * loop itself waits for more than that. */
#define QUESTION_FDS_MAX 2

int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
    call_begin();
    sim_trace("poll(%lu, %d ms)", (unsigned long)count, timeout_ms);
    bool is_question = count <= QUESTION_FDS_MAX && timeout_ms == 0;
    struct waiting waiting = begin_waiting(timeout_ms < 0 ? -1 : timeout_ms * INT64_C(1000));
    int error = fault_for(CALL_poll, (struct call_target){0});
    int ready = 0;
    while (!error && (ready = look_at(fds, count)) == 0 && wait_on(&waiting))
        continue;
    end_waiting(&waiting, error == 0 && !is_question);
    for (nfds_t i = 0; i < count && ready > 0; i++) {
        if (fds[i].revents)
            sim_trace("  %d is ready: 0x%x", fds[i].fd, (unsigned)fds[i].revents);
    }
    return error ? fail_with(error) : ready;
}

struct sets {
    fd_set reading, writing, changing;
};

static int select_now(int fd_end, const struct sets *wanted, fd_set *readable, fd_set *writable,
                      fd_set *changed)
{
    const fd_set *reading = &wanted->reading, *writing = &wanted->writing, *changing = &wanted->changing;
    int bits = 0;
    FD_ZERO(readable);
    FD_ZERO(writable);
    FD_ZERO(changed);
    for (int fd = 0; fd < fd_end; fd++) {
        if (!FD_ISSET(fd, reading) && !FD_ISSET(fd, writing) && !FD_ISSET(fd, changing))
            continue;
        struct open_file *file = descriptor_get(fd, NULL, "select");
        unsigned mask = file->class->mask(file);
        if (FD_ISSET(fd, reading) && mask & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
            FD_SET(fd, readable);
            bits++;
        }
        if (FD_ISSET(fd, writing) && mask & (EPOLLOUT | EPOLLERR)) {
            FD_SET(fd, writable);
            bits++;
        }
        if (FD_ISSET(fd, changing) && mask & EPOLLPRI) {
            FD_SET(fd, changed);
            bits++;
        }
    }
    return bits;
}

int __wrap_select(int fd_end, fd_set *readable, fd_set *writable, fd_set *changed, struct timeval *timeout)
{
    call_begin();
    int64_t timeout_us = timeout ? timeout->tv_sec * INT64_C(1000000) + timeout->tv_usec : -1;
    sim_trace("select(%d, %lld us)", fd_end, (long long)timeout_us);
    struct waiting waiting = begin_waiting(timeout_us);
    struct sets wanted = {*readable, *writable, *changed};
    int error = fault_for(CALL_select, (struct call_target){0});
    int bits = 0;
    while (!error && (bits = select_now(fd_end, &wanted, readable, writable, changed)) == 0 &&
           wait_on(&waiting))
        continue;
    end_waiting(&waiting, error == 0);
    return error ? fail_with(error) : bits;
}
