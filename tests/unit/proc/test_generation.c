/* A configuration that one process builds is the same in another, which was there before. */
#include "../test.h"

#include "base/error.h"
#include "conf/load.h"
#include "conf/yaml.h"
#include "proc/channel.h"
#include "proc/generation.h"
#include "sys/process.h"
#include "sys/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>

static const char text[] =
    "listen: [8080]\nworkers: 3\n"
    "sites: [{hosts: [a.example], routes: {/: {respond: hello}, /old: {redirect: /}}}]\n";

static void build(struct generations *generations, int room, int fd)
{
    struct arena arena;
    struct diagnostics diagnostics;
    struct document document;
    struct config *config = NULL;
    struct generation_image *image = generation_begin(generations, room, fd, &arena);
    diagnostics_init(&diagnostics);
    if (image == NULL || document_init(&document) < 0)
        exit(1);
    const struct source_text *source =
        diagnostics_add_source(&diagnostics, SLICE("a"), slice_from(text), true);
    if (source == NULL || yaml_read(source, &diagnostics, &document) < 0 ||
        config_build_within(&document, SLICE("/"), &arena, &diagnostics, &config) < 0)
        exit(1);
    generation_put(image, config);
    image->is_made = true;
    config_destroy(config);
    document_finish(&document);
    diagnostics_finish(&diagnostics);
    exit(0);
}

/* The reader is a fork, as in the master; its heap is gone when the settings are looked at. */
static int build_in_a_child(struct generations *generations, int room)
{
    int fd = generation_create_memory();
    assert_true(fd >= 0);
    pid_t pid = sys_fork();
    if (pid == 0)
        build(generations, room, fd);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(generation_seal(fd), 0);
    return fd;
}

static void what_one_process_builds_another_has(void **state)
{
    (void)state;
    struct generations generations;
    struct config *config;
    assert_int_equal(generations_reserve(&generations), 0);
    int room = generations_find_room(&generations, 1);
    assert_int_equal(room, 1);
    int fd = build_in_a_child(&generations, room);
    assert_int_equal(generation_map(&generations, room, fd), 0);
    assert_int_equal(generation_map(&generations, room, fd), -EBUSY);
    assert_int_equal(generation_open(&generations, room, &config), 0);
    assert_int_equal(config->workers, 3);
    assert_true(slice_equal(config->listeners[0].address, SLICE(":8080")));
    const struct site *site = &config->settings->sites[0];
    assert_true(slice_equal(site->hosts[0], SLICE("a.example")));
    assert_int_equal(site->route_count, 2);
    assert_int_equal(site->routes[0].kind, ROUTE_REDIRECT);
    assert_true(slice_equal(site->routes[1].respond.body, SLICE("hello")));

    struct settings *kept = settings_ref(config->settings);
    config_destroy(config);
    assert_int_equal(generations_find_room(&generations, 1), 2); /* a request still uses it */
    assert_true(slice_equal(kept->sites[0].hosts[0], SLICE("a.example")));
    settings_unref(kept);
    assert_int_equal(generations_find_room(&generations, 1), 1);
    sys_close(fd);
    generations_release(&generations);
}

static void nobody_can_write_to_it(void **state)
{
    (void)state;
    struct generations generations;
    struct arena arena;
    assert_int_equal(generations_reserve(&generations), 0);
    int fd = build_in_a_child(&generations, 0);
    assert_null(generation_begin(&generations, 0, fd, &arena));
    sys_close(fd);
    generations_release(&generations);
}

static void there_are_as_many_rooms_as_bits(void **state)
{
    (void)state;
    struct generations generations = {.open = 1, .room_count = GENERATION_ROOMS};
    assert_int_equal(generations_find_room(&generations, ~UINT64_C(1)), -1);
    assert_int_equal(generations_find_room(&generations, ~UINT64_C(1) >> 1), 63);
}

static void messages_carry_descriptors(void **state)
{
    (void)state;
    struct message_ends master, worker;
    int pipe_fds[2];
    struct channel_received received;
    assert_int_equal(sys_message_ends_open(&master, &worker), 0);
    assert_int_equal(channel_receive(worker.socket_fd, &received), -EAGAIN);
    assert_int_equal(sys_pipe(pipe_fds), 0);
    struct channel_message message = {.kind = CHANNEL_CHANGE, .change = {.generation = 7, .room = 3}};
    assert_int_equal(channel_send(master.socket_fd, &message, &pipe_fds[1], 1), 0);
    assert_int_equal(channel_receive(worker.socket_fd, &received), 0);
    assert_int_equal(received.message.change.generation, 7);
    assert_int_equal(received.fd_count, 1);
    sys_pipe_put(received.fds[0]);
    assert_true(sys_pipe_take(pipe_fds[0]));
    channel_drop(&received);
    sys_close(pipe_fds[0]);
    sys_close(pipe_fds[1]);
    sys_message_ends_close(&master);
    assert_int_equal(channel_receive(worker.socket_fd, &received), ERROR_CLOSED);
    sys_message_ends_close(&worker);
}

/* To close one that a worker has chosen could take as long as the worker wants. */
static void the_master_gets_no_descriptors(void **state)
{
    (void)state;
    struct message_ends master, worker;
    int pipe_fds[2];
    char byte = 0;
    struct channel_message message = {.kind = CHANNEL_VERDICT};
    assert_int_equal(sys_message_ends_open(&master, &worker), 0);
    assert_int_equal(sys_pipe(pipe_fds), 0);
    assert_int_equal(channel_send(worker.socket_fd, &message, &pipe_fds[1], 1), -EPIPE);
    assert_int_equal(channel_send(worker.pipe_fd, &message, &pipe_fds[1], 1), -ENOTSOCK);
    sys_close(pipe_fds[1]);
    assert_int_equal(read(pipe_fds[0], &byte, 1), 0);
    sys_close(pipe_fds[0]);
    sys_message_ends_close(&master);
    sys_message_ends_close(&worker);
}

/* Whatever a worker does with its ends. */
static void the_master_is_not_made_to_wait(void **state)
{
    (void)state;
    struct message_ends master, worker;
    struct channel_message message;
    uint32_t length = sizeof(message);
    assert_int_equal(sys_message_ends_open(&master, &worker), 0);
    assert_int_equal(fcntl(worker.pipe_fd, F_SETFL, 0), 0);
    assert_int_equal(fcntl(worker.socket_fd, F_SETFL, 0), 0);
    assert_int_equal(channel_hear(master.pipe_fd, &message), -EAGAIN);
    assert_int_equal(write(worker.pipe_fd, &length, sizeof(length)), sizeof(length)); /* and nothing more */
    assert_int_equal(channel_hear(master.pipe_fd, &message), -EPROTO);
    sys_message_ends_close(&worker);
    assert_int_equal(channel_hear(master.pipe_fd, &message), ERROR_CLOSED);
    sys_message_ends_close(&master);
}

static void who_does_not_read_is_not_waited_for(void **state)
{
    (void)state;
    struct message_ends master, worker;
    int error = 0;
    struct channel_message message = {.kind = CHANNEL_CHANGE};
    assert_int_equal(sys_message_ends_open(&master, &worker), 0);
    for (int i = 0; i < 100000 && error == 0; i++)
        error = channel_send(master.socket_fd, &message, NULL, 0);
    assert_int_equal(error, -EAGAIN);
    for (error = 0; error == 0;)
        error = channel_answer(worker.pipe_fd, &message);
    assert_int_equal(error, -EAGAIN);
    sys_message_ends_close(&master);
    sys_message_ends_close(&worker);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_one_process_builds_another_has),
        cmocka_unit_test(nobody_can_write_to_it),
        cmocka_unit_test(there_are_as_many_rooms_as_bits),
        cmocka_unit_test(messages_carry_descriptors),
        cmocka_unit_test(who_does_not_read_is_not_waited_for),
        cmocka_unit_test(the_master_gets_no_descriptors),
        cmocka_unit_test(the_master_is_not_made_to_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
