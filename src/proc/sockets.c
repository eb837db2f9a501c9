/* A table of descriptors: for each TCP listener one for each worker, for a Unix listener one. */
#include "proc/sockets.h"

#include "base/error.h"

#include <errno.h>
#include <stdlib.h>

static int *slot(const struct sockets *sockets, size_t listener, size_t worker)
{
    assert(listener < sockets->listener_count && worker < sockets->worker_count);
    return &sockets->fds[listener * sockets->worker_count + worker];
}

bool sockets_is_shared(const struct sockets *sockets, size_t listener)
{
    return sockets->bound[listener].any.sa_family == AF_UNIX;
}

int sockets_fd(const struct sockets *sockets, size_t listener, size_t worker)
{
    return *slot(sockets, listener, sockets_is_shared(sockets, listener) ? 0 : worker);
}

static int sockets_allocate(struct sockets *sockets, size_t listener_count, size_t worker_count)
{
    *sockets = (struct sockets){
        .listener_count = listener_count,
        .worker_count = worker_count,
        .bound = calloc(listener_count, sizeof(*sockets->bound)),
        .files = calloc(listener_count, sizeof(*sockets->files)),
        .fds = calloc(listener_count * worker_count, sizeof(*sockets->fds)),
    };
    if (sockets->bound == NULL || sockets->files == NULL || sockets->fds == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < listener_count * worker_count; i++)
        sockets->fds[i] = -1;
    return 0;
}

/* False where nothing was set. */
static bool read_id(struct slice text, uint32_t *ret_id)
{
    uint64_t number = 0;
    bool is_set = slice_to_u64(text, &number);
    *ret_id = (uint32_t)number;
    return is_set;
}

static struct socket_access access_of(const struct config *config)
{
    struct socket_access access = {0};
    access.sets_mode = read_id(config->unix_socket.mode, &access.mode);
    access.sets_owner = read_id(config->unix_socket.owner, &access.owner);
    access.sets_group = read_id(config->unix_socket.group, &access.group);
    return access;
}

static int sockets_open_listener(struct sockets *sockets, const struct config *config, size_t listener)
{
    struct listen_address wanted;
    if (address_parse(config->listeners[listener].address, &wanted) != ADDRESS_OK)
        return ERROR_SYNTAX;
    wanted.access = access_of(config);
    struct address *bound = &sockets->bound[listener];
    int fd = sys_listen(&wanted, bound);
    if (fd < 0)
        return fd;
    *slot(sockets, listener, 0) = fd;
    sockets->files[listener] = sys_socket_file(bound);
    for (size_t i = 1; i < sockets->worker_count && !sockets_is_shared(sockets, listener); i++) {
        int again = sys_listen_again(fd, bound);
        if (again < 0)
            return again;
        *slot(sockets, listener, i) = again;
    }
    return 0;
}

int sockets_open(struct sockets *sockets, const struct config *config, size_t worker_count,
                 size_t *ret_failed)
{
    size_t failed = 0;
    int error = sockets_allocate(sockets, config->listener_count, worker_count);
    for (size_t i = 0; i < config->listener_count && error == 0; i++) {
        failed = i;
        error = sockets_open_listener(sockets, config, i);
    }
    if (error < 0) {
        sockets_close(sockets, true);
        *ret_failed = failed;
    }
    return error;
}

static void close_slot(int *fd)
{
    if (*fd >= 0)
        sys_close(*fd);
    *fd = -1;
}

void sockets_close(struct sockets *sockets, bool remove_files)
{
    for (size_t i = 0; i < sockets->listener_count && sockets->fds; i++) {
        if (remove_files && sockets->files)
            sys_socket_file_remove(&sockets->bound[i], sockets->files[i]);
        for (size_t j = 0; j < sockets->worker_count; j++)
            close_slot(slot(sockets, i, j));
    }
    free(sockets->bound);
    free(sockets->files);
    free(sockets->fds);
    *sockets = (struct sockets){0};
}
