/* Background clients, and a server that answers each of them and closes where
 * the test wants it. */
#include "tests/unit/test.h"

#include "lab/run/background.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <unistd.h>

enum { CLIENTS = 4, TIMEOUT_MS = 10000 };

struct server {
    struct address address;
    int fd;
    int fds[CLIENTS]; /* of the connections, in their order */
    pthread_t thread;
};

static void *answer_all(void *context)
{
    struct server *server = context;
    struct slice answer = SLICE("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    char request[4096];
    for (size_t i = 0; i < CLIENTS; i++) {
        server->fds[i] = accept(server->fd, NULL, NULL);
        if (recv(server->fds[i], request, sizeof(request), 0) > 0)
            (void)!send(server->fds[i], answer.data, answer.length, MSG_NOSIGNAL);
    }
    return NULL;
}

static void start(struct server *server)
{
    *server = (struct server){
        .address = {.v4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)},
                    .length = sizeof(struct sockaddr_in)},
        .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0),
    };
    assert_int_equal(bind(server->fd, &server->address.any, server->address.length), 0);
    assert_int_equal(listen(server->fd, CLIENTS), 0);
    assert_int_equal(getsockname(server->fd, &server->address.any, &server->address.length), 0);
    assert_int_equal(pthread_create(&server->thread, NULL, answer_all, server), 0);
}

static void who_is_lost_is_held_no_more(void **state)
{
    (void)state;
    struct server server;
    struct watch watch = {.signal_fd = -1};
    start(&server);
    struct background *background = background_create(&server.address, BACKGROUND_IDLE, CLIENTS);
    assert_non_null(background);
    struct background_outcome outcome = background_grow(background, CLIENTS - 1, TIMEOUT_MS, &watch);
    assert_int_equal(outcome.answered, CLIENTS - 1);
    assert_int_equal(background_held(background), CLIENTS - 1);
    close(server.fds[0]);
    outcome = background_grow(background, 1, TIMEOUT_MS, &watch);
    assert_int_equal(outcome.answered, 1);
    assert_int_equal(outcome.lost, 1);
    assert_int_equal(background_held(background), CLIENTS - 1);
    pthread_join(server.thread, NULL);
    for (size_t i = 1; i < CLIENTS; i++)
        close(server.fds[i]);
    background_destroy(background);
    close(server.fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_lost_is_held_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
