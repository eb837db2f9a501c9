/* A table of descriptors: for each TCP listener one for each worker, for a Unix listener one. */
#include "proc/sockets.h"

#include "base/error.h"
#include "proc/inheritance.h"

#include <errno.h>
#include <stdlib.h>

static size_t place_of(const struct sockets *sockets, size_t listener, size_t worker)
{
    assert(listener < sockets->listener_count && worker < sockets->worker_count);
    return listener * sockets->worker_count + worker;
}

static int *slot(const struct sockets *sockets, size_t listener, size_t worker)
{
    return &sockets->fds[place_of(sockets, listener, worker)];
}

bool sockets_is_shared(const struct sockets *sockets, size_t listener)
{
    return sockets->bound[listener].any.sa_family == AF_UNIX || sockets->activated[listener];
}

int sockets_fd(const struct sockets *sockets, size_t listener, size_t worker)
{
    return *slot(sockets, listener, sockets_is_shared(sockets, listener) ? 0 : worker);
}

static void sockets_free(struct sockets *sockets)
{
    free(sockets->bound);
    free(sockets->files);
    free(sockets->activated);
    free(sockets->fds);
    free(sockets->since);
    *sockets = (struct sockets){0};
}

int sockets_allocate(struct sockets *sockets, size_t listener_count, size_t worker_count)
{
    *sockets = (struct sockets){
        .listener_count = listener_count,
        .worker_count = worker_count,
        .bound = calloc(listener_count, sizeof(*sockets->bound)),
        .files = calloc(listener_count, sizeof(*sockets->files)),
        .activated = calloc(listener_count, sizeof(*sockets->activated)),
        .fds = calloc(listener_count * worker_count, sizeof(*sockets->fds)),
        .since = calloc(listener_count * worker_count, sizeof(*sockets->since)),
    };
    bool is_there = sockets->bound && sockets->files && sockets->activated && sockets->fds && sockets->since;
    for (size_t i = 0; is_there && i < listener_count * worker_count; i++)
        sockets->fds[i] = -1;
    if (!is_there)
        sockets_free(sockets);
    return is_there ? 0 : -ENOMEM;
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
    return 0;
}

/* The first worker's socket is open; opens those of the others that are not. */
static int sockets_open_for_workers(struct sockets *sockets, size_t listener)
{
    int first = *slot(sockets, listener, 0);
    for (size_t i = 1; i < sockets->worker_count && !sockets_is_shared(sockets, listener); i++) {
        int *fd = slot(sockets, listener, i);
        if (*fd >= 0)
            continue;
        *fd = sys_listen_again(first, &sockets->bound[listener]);
        if (*fd < 0)
            return *fd;
    }
    return 0;
}

static int sockets_open_missing(struct sockets *sockets, const struct config *config, unsigned generation,
                                size_t *ret_failed)
{
    int error = 0;
    for (size_t i = 0; i < config->listener_count && error == 0; i++) {
        for (size_t j = 0; j < sockets->worker_count; j++)
            sockets->since[place_of(sockets, i, j)] =
                *slot(sockets, i, j) < 0 ? generation : sockets->since[place_of(sockets, i, j)];
        *ret_failed = i;
        if (*slot(sockets, i, 0) < 0)
            error = sockets_open_listener(sockets, config, i);
        if (error == 0)
            error = sockets_open_for_workers(sockets, i);
    }
    return error;
}

/* ---- inherited sockets ---- */

static size_t sockets_most_inherited(const struct inheritance *inheritance)
{
    size_t most = 0;
    for (size_t i = 0; i < inheritance->listener_count; i++)
        most = MAX(most, inheritance->listeners[i].count);
    return most;
}

/* A socket that the service manager has opened is the only one: beside it, another user may open none. */
static void sockets_inherit(struct sockets *sockets, const struct config *config,
                            struct inheritance *inheritance)
{
    for (size_t i = 0; i < config->listener_count; i++) {
        struct inherited_listener *from = inheritance_find(inheritance, config->listeners[i].address);
        if (from == NULL)
            continue;
        from->is_taken = true;
        sockets->bound[i] = from->bound;
        sockets->activated[i] = from->is_activated;
        for (size_t j = 0; j < from->count; j++)
            *slot(sockets, i, j) = inheritance->fds[from->first + j];
    }
}

void sockets_own(struct sockets *sockets)
{
    for (size_t i = 0; i < sockets->listener_count; i++) {
        if (!sockets->activated[i])
            sockets->files[i] = sys_socket_file(&sockets->bound[i]);
    }
}

void sockets_disown(struct sockets *sockets, uint64_t listeners)
{
    for (size_t i = 0; i < sockets->listener_count; i++) {
        if (listeners >> i & 1)
            sockets->files[i] = (struct socket_file){0};
    }
}

int sockets_open(struct sockets *sockets, const struct config *config, size_t worker_count,
                 struct inheritance *inheritance, size_t *ret_failed)
{
    size_t count = MAX(worker_count, sockets_most_inherited(inheritance));
    int error = sockets_allocate(sockets, config->listener_count, count);
    if (error == 0) {
        sockets_inherit(sockets, config, inheritance);
        error = sockets_open_missing(sockets, config, 1, ret_failed);
    }
    if (error < 0)
        sockets_close(sockets, true);
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
    sockets_free(sockets);
}

/* ---- another generation ---- */

void sockets_keep(struct sockets *sockets, const struct sockets *former,
                  const struct listener_numbers *numbers)
{
    for (size_t i = 0; i < former->listener_count; i++) {
        size_t now = numbers->now[i];
        if (now >= sockets->listener_count)
            continue;
        sockets->bound[now] = former->bound[i];
        sockets->files[now] = former->files[i];
        sockets->activated[now] = former->activated[i];
        for (size_t j = 0; j < MIN(former->worker_count, sockets->worker_count); j++) {
            *slot(sockets, now, j) = *slot(former, i, j);
            sockets->since[place_of(sockets, now, j)] = former->since[place_of(former, i, j)];
        }
    }
}

static bool sockets_have(const struct sockets *sockets, int fd)
{
    for (size_t i = 0; i < sockets->listener_count * sockets->worker_count; i++) {
        if (sockets->fds[i] == fd)
            return true;
    }
    return false;
}

/* What `other` has, too, is forgotten here. */
static void sockets_leave_to(struct sockets *sockets, const struct sockets *other)
{
    for (size_t i = 0; i < sockets->listener_count; i++) {
        if (*slot(sockets, i, 0) >= 0 && sockets_have(other, *slot(sockets, i, 0)))
            sockets->files[i] = (struct socket_file){0};
        for (size_t j = 0; j < sockets->worker_count; j++) {
            if (*slot(sockets, i, j) >= 0 && sockets_have(other, *slot(sockets, i, j)))
                *slot(sockets, i, j) = -1;
        }
    }
}

void sockets_give_up(const struct sockets *former, struct sockets *next)
{
    sockets_leave_to(next, former);
    sockets_close(next, true);
}

int sockets_change(const struct sockets *former, const struct settings *former_settings,
                   const struct config *next_config, size_t worker_count, unsigned generation,
                   struct sockets *ret_next, size_t *ret_failed)
{
    struct listener_numbers numbers = listener_numbers_between(former_settings, next_config->settings);
    int error =
        sockets_allocate(ret_next, next_config->listener_count, MAX(worker_count, former->worker_count));
    if (error < 0)
        return error;
    sockets_keep(ret_next, former, &numbers);
    error = sockets_open_missing(ret_next, next_config, generation, ret_failed);
    if (error < 0)
        sockets_give_up(former, ret_next);
    return error;
}

void sockets_replace(struct sockets *sockets, struct sockets *next, struct sockets *ret_left)
{
    *ret_left = *sockets;
    *sockets = *next;
    *next = (struct sockets){0};
    sockets_leave_to(ret_left, sockets);
}

void sockets_end(struct sockets *sockets)
{
    for (size_t i = 0; i < sockets->listener_count * sockets->worker_count; i++) {
        if (sockets->fds[i] >= 0 && !sockets->activated[i / sockets->worker_count])
            sys_listen_end(sockets->fds[i]);
    }
    sockets_close(sockets, true);
}

size_t sockets_first_since(const struct sockets *sockets, size_t listener, unsigned generation)
{
    size_t worker = 0;
    while (worker < sockets->worker_count &&
           (*slot(sockets, listener, worker) < 0 ||
            sockets->since[place_of(sockets, listener, worker)] <= generation))
        worker++;
    return worker;
}

bool sockets_put(struct sockets *sockets, size_t listener, size_t worker, const struct address *bound, int fd)
{
    if (listener >= sockets->listener_count || worker >= sockets->worker_count ||
        *slot(sockets, listener, worker) >= 0)
        return false;
    sockets->bound[listener] = *bound;
    *slot(sockets, listener, worker) = fd;
    return true;
}

bool sockets_are_complete(const struct sockets *sockets)
{
    bool is_complete = true;
    for (size_t i = 0; i < sockets->listener_count; i++) {
        for (size_t j = 0; j < sockets->worker_count; j++)
            is_complete &= sockets_fd(sockets, i, j) >= 0;
    }
    return is_complete;
}
