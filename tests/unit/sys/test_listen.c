/* Listening sockets: exclusive to strangers, shared among our own, and the files of Unix sockets. */
#include "../test.h"

#include "sys/listen.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct listen_address parse(const char *text)
{
    struct listen_address address;
    assert_int_equal(address_parse(slice_from(text), &address), ADDRESS_OK);
    return address;
}

static int listen_on(const char *text, struct address *ret_bound)
{
    struct listen_address address = parse(text);
    return sys_listen(&address, ret_bound);
}

static int connect_to(const struct address *address)
{
    int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    if (connect(fd, &address->any, address->length) < 0) {
        int error = -errno;
        sys_close(fd);
        return error;
    }
    return fd;
}

static void chooses_a_port_and_keeps_it(void **state)
{
    (void)state;
    struct address bound, other;
    int fd = listen_on("127.0.0.1:0", &bound);
    assert_true(fd >= 0);
    assert_int_not_equal(address_port(&bound), 0);
    char text[ADDRESS_TEXT_BYTES_MAX];
    address_format(&bound, text);
    assert_int_equal(listen_on(text, &other), -EADDRINUSE);

    /* Nor does the second one get in once the first shares with its own. */
    int again = sys_listen_again(fd, &bound);
    assert_true(again >= 0);
    assert_int_equal(listen_on(text, &other), -EADDRINUSE);
    sys_close(again);
    sys_close(fd);

    /* And a port that is free again can be had at once. */
    fd = listen_on(text, &other);
    assert_true(fd >= 0);
    sys_close(fd);
}

static unsigned count_accepted(int fd)
{
    unsigned count = 0;
    struct address peer;
    for (int accepted; (accepted = sys_accept(fd, &peer)) >= 0; count++) {
        int value = 0;
        socklen_t length = sizeof(value);
        assert_int_equal(getsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &value, &length), 0);
        assert_int_equal(value, 1);
        sys_close(accepted);
    }
    return count;
}

static void spreads_connections(void **state)
{
    (void)state;
    enum { CLIENTS = 200 };
    struct address bound;
    int first = listen_on("127.0.0.1:0", &bound);
    assert_true(first >= 0);
    int second = sys_listen_again(first, &bound);
    assert_true(second >= 0);
    int clients[CLIENTS];
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = connect_to(&bound);
        assert_true(clients[i] >= 0);
        assert_int_equal(write(clients[i], "x", 1), 1);
    }
    unsigned to_first = count_accepted(first), to_second = count_accepted(second);
    assert_int_equal(to_first + to_second, CLIENTS);
    assert_in_range(to_first, CLIENTS / 4, CLIENTS * 3 / 4);
    for (int i = 0; i < CLIENTS; i++)
        sys_close(clients[i]);
    sys_close(first);
    sys_close(second);
}

static void listens_to_both_families(void **state)
{
    (void)state;
    struct address bound;
    int fd = listen_on(":0", &bound);
    assert_true(fd >= 0);
    int again = sys_listen_again(fd, &bound);
    assert_true(again >= 0);
    char text[64];
    snprintf(text, sizeof(text), "127.0.0.1:%u", address_port(&bound));
    struct listen_address v4 = parse(text);
    int client = connect_to(&v4.address);
    assert_true(client >= 0);
    sys_close(client);
    if (bound.any.sa_family == AF_INET6) {
        snprintf(text, sizeof(text), "[::1]:%u", address_port(&bound));
        struct listen_address v6 = parse(text);
        client = connect_to(&v6.address);
        assert_true(client >= 0);
        sys_close(client);
    }
    sys_close(again);
    sys_close(fd);
}

/* The kernel hands a connection over together with its first request. */
static void waits_for_the_first_bytes(void **state)
{
    (void)state;
    struct address bound;
    int fd = listen_on("127.0.0.1:0", &bound);
    int seconds = 0;
    socklen_t length = sizeof(seconds);
    assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, &length), 0);
    assert_true(seconds > 0);
    sys_close(fd);
}

static void refuses_after_the_end(void **state)
{
    (void)state;
    struct address bound;
    int fd = listen_on("127.0.0.1:0", &bound);
    assert_true(fd >= 0);
    sys_listen_end(fd);
    assert_int_equal(connect_to(&bound), -ECONNREFUSED);
    sys_close(fd);
}

static void reports_addresses_of_others(void **state)
{
    (void)state;
    struct address bound;
    assert_int_equal(listen_on("203.0.113.7:8080", &bound), -EADDRNOTAVAIL);
}

static void replaces_only_stale_socket_files(void **state)
{
    (void)state;
    char folder[] = "/tmp/vif-test-XXXXXX", path[64], text[80];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/socket", folder);
    snprintf(text, sizeof(text), "unix:%s", path);
    struct address bound;

    int fd = listen_on(text, &bound);
    assert_true(fd >= 0);
    char again[ADDRESS_TEXT_BYTES_MAX];
    address_format(&bound, again);
    assert_string_equal(again, text);
    assert_int_equal(listen_on(text, &bound), -EADDRINUSE);
    sys_close(fd); /* the file stays, as after a crash */

    fd = listen_on(text, &bound);
    assert_true(fd >= 0);
    struct socket_file file = sys_socket_file(&bound);
    assert_int_not_equal(file.inode, 0);
    sys_socket_file_remove(&bound, (struct socket_file){.device = file.device, .inode = file.inode + 1});
    assert_int_equal(access(path, F_OK), 0);
    sys_socket_file_remove(&bound, file);
    assert_int_equal(access(path, F_OK), -1);
    sys_close(fd);

    FILE *other = fopen(path, "w");
    assert_non_null(other);
    fclose(other);
    assert_int_equal(listen_on(text, &bound), -EEXIST);
    unlink(path);
    rmdir(folder);
    assert_int_equal(listen_on(text, &bound), -ENOENT);
}

static void gives_the_file_its_access_first(void **state)
{
    (void)state;
    char folder[] = "/tmp/vif-test-XXXXXX", path[64], text[80];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/socket", folder);
    snprintf(text, sizeof(text), "unix:%s", path);
    struct listen_address wanted = parse(text);
    wanted.access =
        (struct socket_access){.sets_mode = true, .mode = 0620, .sets_group = true, .group = getegid()};
    struct address bound;
    int fd = sys_listen(&wanted, &bound);
    assert_true(fd >= 0);
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0620);
    assert_int_equal(status.st_gid, getegid());
    assert_int_equal(status.st_uid, geteuid());
    sys_close(fd);
    unlink(path);

    /* The group is given away by root alone: what was made by then is removed. */
    wanted.access.group = 4242;
    fd = sys_listen(&wanted, &bound);
    assert_int_equal(geteuid() == 0 ? 0 : -EPERM, fd < 0 ? fd : 0);
    if (fd >= 0) {
        assert_int_equal(stat(path, &status), 0);
        assert_int_equal(status.st_gid, 4242);
        sys_close(fd);
        unlink(path);
    }
    assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chooses_a_port_and_keeps_it),     cmocka_unit_test(spreads_connections),
        cmocka_unit_test(listens_to_both_families),        cmocka_unit_test(refuses_after_the_end),
        cmocka_unit_test(reports_addresses_of_others),     cmocka_unit_test(replaces_only_stale_socket_files),
        cmocka_unit_test(gives_the_file_its_access_first), cmocka_unit_test(waits_for_the_first_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
