/* Stands in for the BSDs' <sys/event.h>, so that a compiler can check lab/kqueue.c on Linux: names, types and
 * the shape of struct kevent are those of FreeBSD's kqueue(2). Nothing here can be linked. */
#ifndef STAND_IN_SYS_EVENT_H
#define STAND_IN_SYS_EVENT_H

#include <stdint.h>
#include <time.h>

#define EVFILT_READ  (-1)
#define EVFILT_WRITE (-2)

#define EV_ADD    0x0001
#define EV_DELETE 0x0002
#define EV_CLEAR  0x0020
#define EV_ERROR  0x4000
#define EV_EOF    0x8000

struct kevent {
    uintptr_t ident;
    short filter;
    unsigned short flags;
    unsigned int fflags;
    int64_t data;
    void *udata;
    uint64_t ext[4];
};

#define EV_SET(event, new_ident, new_filter, new_flags, new_fflags, new_data, new_udata) \
    (*(event) = (struct kevent){                                                         \
         .ident = (new_ident),                                                           \
         .filter = (new_filter),                                                         \
         .flags = (new_flags),                                                           \
         .fflags = (new_fflags),                                                         \
         .data = (new_data),                                                             \
         .udata = (new_udata),                                                           \
     })

int kqueue(void);
int kevent(int queue, const struct kevent *changes, int change_count, struct kevent *events, int event_count,
           const struct timespec *timeout);

#endif
