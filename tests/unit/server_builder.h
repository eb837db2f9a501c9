/* A server on a loop of its own with a folder to serve, and clients that share its thread: whoever waits for
 * something lets the loop run until it is there. */
#ifndef TESTS_UNIT_SERVER_BUILDER_H
#define TESTS_UNIT_SERVER_BUILDER_H

#include "tests/unit/tree_builder.h"
#include "tests/unit/watch_builder.h"

#include "base/buffer.h"
#include "front/admission.h"
#include "loop/loop.h"
#include "loop/wheel.h"
#include "server/server_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>

/* What has not come by then will not come. */
#define PATIENCE_MS 10000

#define ROUTES_MAX 8

struct world {
    void (*on_loop)(struct world *world); /* there is one now, and no server yet; NULL: nobody asks */
    struct certificates *certificates;    /* NULL: there are none */
    struct tree tree;
    struct loop *loop;
    struct settings *settings;
    struct server *server;
    struct counters counters;
    struct log log;
    struct slice any_host;
    struct site site;
    struct route routes[ROUTES_MAX];
    int listening_fd;
    struct sockaddr_in address;
    unsigned offload_queue;
    unsigned offload_threads; /* 0: one */
    enum loop_backend backend;
    const struct tls_listener *tls;
    bool is_unwatched;   /* the first request has the root's folder watched; else it is from the start */
    bool has_access_log; /* in JSON, in memory: see world_await_lines */
    struct access_log *access_log;
    int log_fd;
    struct timer tick;
    bool (*is_there)(void *context);
    void *context;
    uint64_t gives_up_ms;
    bool gave_up;
    unsigned drained_count;
};

static inline void world_log(struct log *log, enum log_level level, struct slice line)
{
    (void)log, (void)level, (void)line;
}

static inline void world_tick(struct timer *timer)
{
    struct world *world = CONTAINER_OF(timer, struct world, tick);
    world->gave_up = loop_now_ms(world->loop) >= world->gives_up_ms;
    if (world->gave_up || world->is_there(world->context))
        loop_stop(world->loop);
    else
        wheel_arm(loop_wheel(world->loop), timer, 1);
}

/* Lets the loop run until `is_there` says so; false when that takes longer than `limit_ms`. */
static inline bool world_wait(struct world *world, bool (*is_there)(void *context), void *context,
                              uint64_t limit_ms)
{
    world->is_there = is_there;
    world->context = context;
    world->gave_up = false;
    world->gives_up_ms = loop_clock_us(world->loop) / 1000 + limit_ms;
    wheel_arm(loop_wheel(world->loop), &world->tick, 1);
    assert_int_equal(loop_run(world->loop), 0);
    timer_disarm(&world->tick);
    const char *fault = admission_validate(&world->server->front);
    if (fault)
        fail_msg("%s", fault);
    return !world->gave_up;
}

static inline bool world_never(void *context)
{
    (void)context;
    return false;
}

static inline void world_run_for(struct world *world, uint64_t ms)
{
    (void)world_wait(world, world_never, NULL, ms);
}

#define world_expect(world, is_there, context) assert_true(world_wait(world, is_there, context, PATIENCE_MS))

/* ---- building ---- */

/* A copy of `path` that the settings own. */
static inline struct slice world_keep(struct world *world, const char *text)
{
    struct slice copy = arena_copy(&world->settings->arena, slice_from(text));
    assert_non_null(copy.data);
    return copy;
}

/* Settings with one site for every host and one route: the tree, at "/". */
static inline void world_init_settings(struct world *world)
{
    static struct slice indexes[] = {SLICE("index.html")};
    world->settings = settings_create();
    assert_non_null(world->settings);
    world->any_host = SLICE("*");
    world->site = (struct site){.hosts = &world->any_host, .host_count = 1, .routes = world->routes};
    world->settings->sites = &world->site;
    world->settings->site_count = 1;
    world->site.route_count = 1;
    world->routes[0] = (struct route){
        .prefix = SLICE("/"),
        .kind = ROUTE_FILES,
        .files = {.root = world_keep(world, world->tree.path),
                  .indexes = indexes,
                  .index_count = 1,
                  .listing = true,
                  .precompressed = true},
    };
}

/* The tree and the settings: to be changed before world_start. */
static inline void world_init(struct world *world)
{
    *world = (struct world){.log = {.level = LOG_LEVEL_DEBUG, .write = world_log}, .listening_fd = -1};
    tree_init(&world->tree);
    timer_init(&world->tick, world_tick);
    world_init_settings(world);
}

static inline int world_listen(struct sockaddr_in *ret_address)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(fd, 128), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    *ret_address = address;
    return fd;
}

static inline void world_open_access_log(struct world *world)
{
    world->log_fd = memfd_create("access log", MFD_CLOEXEC);
    assert_true(world->log_fd >= 0);
    struct access_log_options options = {
        .loop = world->loop,
        .fd = dup(world->log_fd),
        .format = ACCESS_LOG_JSON,
        .counters = &world->counters,
        .errors = &world->log,
    };
    assert_int_equal(access_log_create(&options, &world->access_log), 0);
}

static inline void world_on_drained(void *context)
{
    struct world *world = context;
    world->drained_count++;
    loop_stop(world->loop);
}

/* So that the first request needs no job. */
static inline void world_watch_root(struct world *world)
{
    struct root *root = world->server->service.snapshot->route_entries[0].root;
    if (root)
        (void)cache_folders(world->server->files.cache, root, SLICE("file"));
}

static inline void world_start(struct world *world)
{
    tree_settle(&world->tree);
    struct loop_options loop_options = {.backend = world->backend,
                                        .offload_threads = MAX(world->offload_threads, 1u),
                                        .offload_queue = world->offload_queue};
    sys_ignore_broken_pipes();
    assert_int_equal(loop_create(&loop_options, &world->loop), 0);
    if (world->has_access_log)
        world_open_access_log(world);
    if (world->on_loop)
        world->on_loop(world);
    struct server_options options = {
        .loop = world->loop,
        .settings = world->settings,
        .counters = &world->counters,
        .log = &world->log,
        .access_log = world->access_log,
        .certificates = world->certificates,
        .on_drained = world_on_drained,
        .context = world,
    };
    assert_int_equal(server_create(&options, &world->server), 0);
    if (!world->is_unwatched)
        world_watch_root(world);
    world->listening_fd = world_listen(&world->address);
    assert_int_equal(server_listen(world->server, world->listening_fd, 0, world->tls), 0);
}

struct change_wait {
    bool is_done;
    int error;
};

static inline void change_note(void *context, const struct server_verdict *verdict)
{
    *(struct change_wait *)context = (struct change_wait){true, verdict->error};
}

static inline bool change_is_done(void *context)
{
    return ((struct change_wait *)context)->is_done;
}

/* Gives the server other settings, and waits for the verdict, whose error is returned. */
static inline int world_change(struct world *world, struct settings *settings)
{
    struct change_wait wait = {0};
    server_change(world->server, settings, change_note, &wait);
    world_expect(world, change_is_done, &wait);
    return wait.error;
}

/* The root of the first route. */
static inline struct root *world_root(struct world *world)
{
    return world->server->service.snapshot->route_entries[0].root;
}

/* What the access log has by now; valid until the next call. */
static inline const char *world_lines(const struct world *world)
{
    static char text[65536];
    ssize_t length = pread(world->log_fd, text, sizeof(text) - 1, 0);
    assert_true(length >= 0);
    text[length] = '\0';
    return text;
}

struct lines_wait {
    struct world *world;
    size_t count;
};

static inline bool world_has_lines(void *context)
{
    const struct lines_wait *wait = context;
    size_t count = 0;
    for (const char *at = world_lines(wait->world); (at = strchr(at, '\n')) != NULL; at++)
        count++;
    return count >= wait->count;
}

/* Waits until the access log has so many lines, and returns them. */
#define world_await_lines(world, count) \
    (world_expect(world, world_has_lines, (&(struct lines_wait){world, count})), world_lines(world))

/* The server ends at once, and the access log is written to its end. */
static inline void world_end_server(struct world *world)
{
    server_destroy(world->server);
    world->server = NULL;
    access_log_destroy(world->access_log);
    world->access_log = NULL;
}

static inline void world_finish(struct world *world)
{
    world_end_server(world);
    loop_destroy(world->loop);
    if (world->has_access_log)
        close(world->log_fd);
    settings_unref(world->settings);
    if (world->listening_fd >= 0)
        close(world->listening_fd);
    tree_finish(&world->tree);
}

/* A file whose byte at each place says where that is. */
static inline char world_byte_at(size_t place)
{
    return (char)('a' + (place * 2654435761u >> 13) % 26);
}

static inline void world_add_file(struct world *world, const char *name, size_t size)
{
    char *bytes = malloc(size + 1);
    assert_non_null(bytes);
    for (size_t i = 0; i < size; i++)
        bytes[i] = world_byte_at(i);
    int fd = openat(world->tree.fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, size), size);
    close(fd);
    free(bytes);
    tree_date(&world->tree, name, 1000000000);
}

/* ---- clients ---- */

struct client {
    struct world *world;
    int fd;
    bool is_deaf; /* what is received is not kept */
    struct buffer received;
    bool ended; /* FIN */
    bool reset; /* RST */
    size_t wanted;
    const char *pattern;
};

/* `receive_bytes`: how much its kernel takes for it; 0: as much as it likes. */
static inline void client_connect(struct client *client, struct world *world, int receive_bytes)
{
    *client = (struct client){.world = world};
    buffer_init(&client->received, SIZE_MAX);
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(client->fd >= 0);
    if (receive_bytes)
        setsockopt(client->fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof(receive_bytes));
    assert_int_equal(connect(client->fd, (struct sockaddr *)&world->address, sizeof(world->address)), 0);
    fcntl(client->fd, F_SETFL, O_NONBLOCK);
    int yes = 1;
    setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
}

static inline void client_close(struct client *client)
{
    if (client->fd >= 0)
        close(client->fd);
    client->fd = -1;
    buffer_finish(&client->received);
}

/* Closes with RST. */
static inline void client_abort(struct client *client)
{
    struct linger linger = {.l_onoff = 1};
    setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    client_close(client);
}

/* Sends what the socket takes at once; returns how much that was. */
static inline size_t client_offer(struct client *client, struct slice bytes)
{
    ssize_t sent = send(client->fd, bytes.data, bytes.length, MSG_NOSIGNAL);
    return sent > 0 ? (size_t)sent : 0;
}

static inline void client_send(struct client *client, struct slice bytes)
{
    assert_int_equal(client_offer(client, bytes), bytes.length);
}

static inline void client_say(struct client *client, const char *text)
{
    client_send(client, slice_from(text));
}

static inline void client_take(struct client *client)
{
    char bytes[65536];
    ssize_t count;
    while (!client->ended && !client->reset && (count = recv(client->fd, bytes, sizeof(bytes), 0)) != -1) {
        if (!client->is_deaf)
            buffer_append(&client->received, slice_make(bytes, (size_t)count));
        client->ended = count == 0;
    }
    client->reset |= !client->ended && (errno == ECONNRESET || errno == EPIPE);
}

static inline bool client_has_bytes(void *context)
{
    struct client *client = context;
    client_take(client);
    return client->received.length >= client->wanted || client->ended || client->reset;
}

static inline bool client_has_ended(void *context)
{
    struct client *client = context;
    client_take(client);
    return client->ended || client->reset;
}

static inline size_t client_count(const struct client *client, const char *pattern)
{
    size_t count = 0, length = strlen(pattern);
    const char *at = client->received.data;
    size_t left = client->received.length;
    while (left >= length && (at = memmem(at, left, pattern, length)) != NULL) {
        count++;
        at += length;
        left = (size_t)(client->received.data + client->received.length - at);
    }
    return count;
}

static inline bool client_has_pattern(void *context)
{
    struct client *client = context;
    client_take(client);
    return client_count(client, client->pattern) >= client->wanted || client->ended || client->reset;
}

/* Waits until so many bytes are here. */
static inline void client_await_bytes(struct client *client, size_t count)
{
    client->wanted = count;
    world_expect(client->world, client_has_bytes, client);
    assert_true(client->received.length >= count);
}

/* Waits until the text was received so many times. */
static inline void client_await(struct client *client, const char *pattern, size_t times)
{
    client->pattern = pattern;
    client->wanted = times;
    world_expect(client->world, client_has_pattern, client);
    if (client_count(client, pattern) < times)
        fail_msg("\"%s\" came %zu times, not %zu (%s): %.*s", pattern, client_count(client, pattern), times,
                 client->ended   ? "end"
                 : client->reset ? "reset"
                                 : "time out",
                 (int)MIN(client->received.length, (size_t)2000), client->received.data);
}

/* Waits until the server has ended the connection; a reset is none of its ways. */
static inline void client_await_end(struct client *client)
{
    world_expect(client->world, client_has_ended, client);
    assert_false(client->reset);
}

/* ---- looking inside ---- */

static inline struct connection *world_connection(struct world *world)
{
    struct list *lists = world->server->front.by_state;
    struct connection *found = NULL;
    for (size_t i = 0; i < ARRAY_LENGTH(world->server->front.by_state); i++) {
        LIST_FOREACH(link, &lists[i]) {
            assert_null(found); /* there is but one */
            found = CONTAINER_OF(link, struct connection, client.link);
        }
    }
    return found;
}

/* The one connection, of HTTP/1. */
static inline struct h1_connection *world_h1(struct world *world)
{
    return CONTAINER_OF(world_connection(world), struct h1_connection, base);
}

struct state_wait {
    struct world *world;
    enum client_state state;
};

static inline bool world_is_in_state(void *context)
{
    const struct state_wait *wait = context;
    struct connection *connection = world_connection(wait->world);
    return connection ? connection->client.state == wait->state : wait->state == CLIENT_CLOSED;
}

/* Waits until the one connection is in the state; CLOSED: until it is gone. */
static inline void world_await_state(struct world *world, enum client_state state)
{
    struct state_wait wait = {world, state};
    if (!world_wait(world, world_is_in_state, &wait, PATIENCE_MS)) {
        struct connection *connection = world_connection(world);
        fail_msg("the connection is in state %d, not %d", connection ? connection->client.state : -1, state);
    }
}

struct open_wait {
    const struct world *world;
    uint64_t count;
};

static inline bool world_has_open(void *context)
{
    const struct open_wait *wait = context;
    return wait->world->counters.connections_open == wait->count;
}

/* Waits until so many connections are open. */
static inline void world_await_open(struct world *world, uint64_t count)
{
    world_expect(world, world_has_open, (&(struct open_wait){world, count}));
}

/* ---- work that does not end before it is told to ---- */

struct plug {
    struct job job;
    int pipe[2];
    atomic_bool is_in; /* the thread has it, and the queue no longer */
    bool is_done;
};

static inline void plug_work(struct job *job)
{
    struct plug *plug = CONTAINER_OF(job, struct plug, job);
    char byte;
    atomic_store(&plug->is_in, true);
    ssize_t count = read(plug->pipe[0], &byte, 1);
    (void)count;
}

static inline void plug_done(struct job *job)
{
    CONTAINER_OF(job, struct plug, job)->is_done = true;
}

/* Keeps the one thread of the offload pool busy: every job that comes behind waits. */
static inline void plug_put(struct plug *plug, struct world *world)
{
    *plug = (struct plug){.job = {.work = plug_work, .done = plug_done}};
    assert_int_equal(pipe(plug->pipe), 0);
    assert_int_equal(offload_submit(world->loop, &plug->job), 0);
}

static inline bool plug_is_in(void *context)
{
    return atomic_load(&((struct plug *)context)->is_in);
}

static inline bool plug_is_out(void *context)
{
    return ((struct plug *)context)->is_done;
}

/* Lets the jobs go on. */
static inline void plug_pull(struct plug *plug, struct world *world)
{
    assert_int_equal(write(plug->pipe[1], "", 1), 1);
    world_expect(world, plug_is_out, plug);
    close(plug->pipe[0]);
    close(plug->pipe[1]);
}

#endif
