/* Reading of the lines that upgrade_offer.c writes, and of what the service manager says. */
#include "proc/inheritance.h"

#include "base/error.h"
#include "sys/address.h"
#include "sys/file.h"
#include "sys/message.h"
#include "sys/process.h"
#include "sys/program.h"

#include <errno.h>
#include <stdlib.h>

/* Of sd_listen_fds(3). */
#define FIRST_ACTIVATED 3

static bool read_number(struct slice text, int *ret_number)
{
    uint64_t number;
    if (!slice_to_u64(text, &number) || number > INT32_MAX)
        return false;
    *ret_number = (int)number;
    return true;
}

static bool take_descriptor(struct slice text, int *ret_fd)
{
    int fd;
    if (!read_number(text, &fd) || sys_descriptor_take(fd) < 0)
        return false;
    *ret_fd = fd;
    return true;
}

/* ---- sockets ---- */

static struct inherited_listener *inherit_listener(struct inheritance *inheritance, struct slice text)
{
    if (inheritance->listener_count == LISTENERS_MAX)
        return NULL;
    struct inherited_listener *listener = &inheritance->listeners[inheritance->listener_count++];
    *listener = (struct inherited_listener){.text = text, .first = inheritance->fd_count};
    return listener;
}

/* A descriptor that is no listening socket is closed. */
static int inherit_socket(struct inheritance *inheritance, struct inherited_listener *listener, int fd)
{
    int error = sys_listen_adopt(fd, &listener->bound);
    int *fds = error == 0 ? realloc(inheritance->fds, (inheritance->fd_count + 1) * sizeof(*fds)) : NULL;
    if (fds == NULL) {
        sys_close(fd);
        return error < 0 ? error : -ENOMEM;
    }
    inheritance->fds = fds;
    fds[inheritance->fd_count++] = fd;
    listener->count++;
    return 0;
}

/* ---- of the former master ---- */

static void close_number(int *fd)
{
    if (*fd >= 0)
        sys_close(*fd);
    *fd = -1;
}

/* Maps of another layout are of no use to this vif. */
static void inherit_shield(struct inheritance *inheritance, struct slice word, struct slice rest)
{
    struct xdp *xdp = &inheritance->shield;
    int number = -1;
    if (slice_equal(word, SLICE("link")))
        (void)take_descriptor(rest, &xdp->link_fd);
    else if (slice_equal(word, SLICE("blocked-" XDP_LAYOUT)))
        (void)take_descriptor(rest, &xdp->blocked_fd);
    else if (slice_equal(word, SLICE("ports-" XDP_LAYOUT)))
        (void)take_descriptor(rest, &xdp->ports_fd);
    else if (slice_equal(word, SLICE("totals-" XDP_LAYOUT)))
        (void)take_descriptor(rest, &xdp->totals_fd);
    else if (slice_equal(word, SLICE("interface")) && read_number(rest, &number))
        xdp->interface = (unsigned)number;
    else if (slice_equal(word, SLICE("mode")))
        xdp->mode = slice_equal(rest, SLICE("native")) ? XDP_NATIVE : XDP_GENERIC;
    else if (take_descriptor(rest, &number))
        close_number(&number);
}

static void read_line_of_former(struct inheritance *inheritance, struct slice word, struct slice rest)
{
    size_t count = inheritance->listener_count;
    struct inherited_listener *last = count > 0 ? &inheritance->listeners[count - 1] : NULL;
    int fd = -1;
    if (slice_equal(word, SLICE("listener")))
        (void)inherit_listener(inheritance, rest);
    else if (slice_equal(word, SLICE("activated")) && last)
        last->is_activated = true;
    else if (slice_equal(word, SLICE("socket")) && last && take_descriptor(rest, &fd))
        (void)inherit_socket(inheritance, last, fd);
    else if (slice_equal(word, SLICE("channel")))
        (void)take_descriptor(rest, &inheritance->channel_fd);
    else if (slice_equal(word, SLICE("standard-error")))
        (void)take_descriptor(rest, &inheritance->standard_error);
    else if (slice_equal(word, SLICE("tickets")))
        (void)take_descriptor(rest, &inheritance->tickets_fd);
    else if (slice_equal(word, SLICE("tickets-bytes")) && read_number(rest, &fd))
        inheritance->tickets_bytes = (size_t)fd;
    else if (slice_starts_with(word, SLICE("shield-")))
        inherit_shield(inheritance, slice_skip(word, sizeof("shield-") - 1), rest);
}

static int read_text_of_former(struct inheritance *inheritance, int fd)
{
    char bytes[4096];
    ssize_t got;
    off_t offset = 0;
    while ((got = sys_read_at(fd, bytes, sizeof(bytes), offset, false)) > 0) {
        offset += got;
        if (!buffer_append(&inheritance->text, slice_make(bytes, (size_t)got)))
            return -ENOMEM;
    }
    return (int)got;
}

static int take_from_former(struct inheritance *inheritance, int fd)
{
    int error = sys_descriptor_take(fd);
    if (error == 0)
        error = read_text_of_former(inheritance, fd);
    if (error < 0)
        return error;
    sys_close(fd);
    struct slice rest = buffer_slice(&inheritance->text), line;
    while (slice_next(&rest, '\n', &line)) {
        size_t space = slice_find(line, ' ');
        read_line_of_former(inheritance, slice_take(line, space),
                            slice_skip(line, MIN(space + 1, line.length)));
    }
    return 0;
}

/* "PID FD". A variable that somebody else's parent has left behind is not for this process. */
static bool inheritance_find_former(int *ret_fd)
{
    const char *value = getenv(INHERITANCE_VARIABLE);
    struct slice text = slice_from(value);
    size_t space = slice_find(text, ' ');
    int pid = 0;
    bool is_ours = space < text.length && read_number(slice_take(text, space), &pid) &&
                   pid == sys_parent_id() && read_number(slice_skip(text, space + 1), ret_fd);
    unsetenv(INHERITANCE_VARIABLE);
    return is_ours;
}

/* ---- of the service manager ---- */

static int count_activated(void)
{
    int pid = 0, count = 0;
    bool is_ours = read_number(slice_from(getenv("LISTEN_PID")), &pid) && pid == sys_process_id() &&
                   read_number(slice_from(getenv("LISTEN_FDS")), &count);
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    return is_ours ? MIN(count, LISTENERS_MAX) : 0;
}

static void take_activated(struct inheritance *inheritance, int count)
{
    for (int fd = FIRST_ACTIVATED; fd < FIRST_ACTIVATED + count; fd++) {
        if (sys_descriptor_take(fd) < 0)
            continue;
        struct inherited_listener *listener = inherit_listener(inheritance, (struct slice){0});
        if (listener)
            listener->is_activated = inherit_socket(inheritance, listener, fd) == 0;
    }
}

/* ---- the whole ---- */

int inheritance_take(struct inheritance *inheritance)
{
    int fd;
    *inheritance =
        (struct inheritance){.channel_fd = -1, .standard_error = -1, .tickets_fd = -1, .shield = XDP_NONE};
    buffer_init(&inheritance->text, INHERITANCE_BYTES_MAX);
    take_activated(inheritance, count_activated());
    return inheritance_find_former(&fd) ? take_from_former(inheritance, fd) : 0;
}

/* [::] that is bound to every family is 0.0.0.0 where there is no IPv6. */
static bool is_address_of(const struct listen_address *wanted, const struct address *bound)
{
    const struct address *address = &wanted->address;
    if (wanted->every_family && bound->any.sa_family == AF_INET)
        return bound->v4.sin_addr.s_addr == htonl(INADDR_ANY) && bound->v4.sin_port == address->v6.sin6_port;
    if (address->any.sa_family != bound->any.sa_family)
        return false;
    switch (bound->any.sa_family) {
    case AF_INET:
        return address->v4.sin_port == bound->v4.sin_port &&
               address->v4.sin_addr.s_addr == bound->v4.sin_addr.s_addr;
    case AF_INET6:
        return address->v6.sin6_port == bound->v6.sin6_port &&
               memcmp(&address->v6.sin6_addr, &bound->v6.sin6_addr, sizeof(bound->v6.sin6_addr)) == 0;
    default:
        return strncmp(address->unix_path.sun_path, bound->unix_path.sun_path,
                       sizeof(bound->unix_path.sun_path)) == 0;
    }
}

struct inherited_listener *inheritance_find(struct inheritance *inheritance, struct slice text)
{
    struct listen_address wanted;
    bool is_known = address_parse(text, &wanted) == ADDRESS_OK;
    for (size_t i = 0; i < inheritance->listener_count; i++) {
        struct inherited_listener *listener = &inheritance->listeners[i];
        bool is_same = listener->text.length > 0 ? slice_equal(listener->text, text)
                                                 : is_known && is_address_of(&wanted, &listener->bound);
        if (is_same && !listener->is_taken && listener->count > 0)
            return listener;
    }
    return NULL;
}

size_t inheritance_drop_sockets(struct inheritance *inheritance)
{
    size_t activated = 0;
    for (size_t i = 0; i < inheritance->listener_count; i++) {
        struct inherited_listener *listener = &inheritance->listeners[i];
        if (listener->is_taken)
            continue;
        activated += listener->is_activated && listener->count > 0;
        for (size_t j = 0; j < listener->count; j++)
            sys_close(inheritance->fds[listener->first + j]);
        listener->count = 0;
    }
    free(inheritance->fds);
    inheritance->fds = NULL;
    inheritance->fd_count = 0;
    return activated;
}

void inheritance_tell_ready(struct inheritance *inheritance)
{
    struct buffer text;
    buffer_init(&text, 1024);
    buffer_printf(&text, "ready " VIF_VERSION);
    for (size_t i = 0; i < inheritance->listener_count; i++) {
        if (inheritance->listeners[i].is_taken)
            buffer_printf(&text, " %zu", i);
    }
    int error = sys_message_send(inheritance->channel_fd, buffer_slice(&text), NULL, 0);
    (void)error; /* a former master that is gone is seen when its answer is waited for */
    buffer_finish(&text);
}

bool inheritance_may_go_on(struct inheritance *inheritance)
{
    char bytes[64];
    int fds[SYS_MESSAGE_FDS_MAX];
    size_t count;
    ssize_t got = sys_message_receive(inheritance->channel_fd, bytes, sizeof(bytes), fds, &count);
    if (got == -EAGAIN)
        return false;
    close_number(&inheritance->channel_fd);
    return true;
}

void inheritance_leave(struct inheritance *inheritance)
{
    close_number(&inheritance->channel_fd);
    close_number(&inheritance->tickets_fd);
    sys_xdp_close(&inheritance->shield);
}

void inheritance_finish(struct inheritance *inheritance)
{
    inheritance_leave(inheritance);
    close_number(&inheritance->standard_error);
    (void)inheritance_drop_sockets(inheritance);
    buffer_finish(&inheritance->text);
}
