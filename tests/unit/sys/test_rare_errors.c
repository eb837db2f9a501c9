/* Errors that the kernel makes seldom: the linker puts these calls in the place of the C library's. */
#include "../test.h"

#include "sys/folder.h"
#include "sys/socket.h"

#include <errno.h>
#include <fcntl.h>

static char some_folder; /* is only passed on */

#define FOLDER ((DIR *)(void *)&some_folder)

static int errors[8]; /* of the next calls; 0: it succeeds */
static unsigned calls;

static int next_error(void)
{
    assert_in_range(calls, 0, ARRAY_LENGTH(errors) - 1);
    return errors[calls++];
}

static int begin(void **state)
{
    (void)state;
    memset(errors, 0, sizeof(errors));
    calls = 0;
    return 0;
}

int __wrap_accept4(int fd, struct sockaddr *ret_peer, socklen_t *length, int flags);
struct dirent *__wrap_readdir(DIR *folder);
struct dirent *__wrap_readdir64(DIR *folder); /* what the C library calls it where offsets have 64 bits */

int __wrap_accept4(int fd, struct sockaddr *ret_peer, socklen_t *length, int flags)
{
    (void)fd;
    assert_int_equal(flags, SOCK_NONBLOCK | SOCK_CLOEXEC);
    errno = next_error();
    if (errno)
        return -1;
    ret_peer->sa_family = AF_UNIX;
    *length = sizeof(ret_peer->sa_family);
    return 42;
}

struct dirent *__wrap_readdir(DIR *folder)
{
    static struct dirent entry;
    static const char *const names[] = {".", "one", "..", "two"};
    assert_ptr_equal(folder, FOLDER);
    int error = next_error();
    if (error || calls > ARRAY_LENGTH(names)) {
        errno = error ? error : errno; /* the end leaves it as it was */
        return NULL;
    }
    strcpy(entry.d_name, names[calls - 1]);
    return &entry;
}

struct dirent *__wrap_readdir64(DIR *folder)
{
    return __wrap_readdir(folder);
}

static void a_signal_is_no_error_of_accept(void **state)
{
    (void)state;
    struct address peer;
    errors[0] = errors[1] = EINTR;
    assert_int_equal(sys_accept(3, &peer), 42);
    assert_int_equal(calls, 3);
    assert_int_equal(peer.any.sa_family, AF_UNIX);
    errors[3] = EINTR;
    errors[4] = ECONNABORTED;
    assert_int_equal(sys_accept(3, &peer), -ECONNABORTED);
    assert_int_equal(calls, 5);
}

static void a_folder_has_an_end(void **state)
{
    (void)state;
    const char *name;
    errno = ENOENT; /* of something else */
    assert_int_equal(sys_folder_next(FOLDER, &name), 1);
    assert_string_equal(name, "one");
    assert_int_equal(sys_folder_next(FOLDER, &name), 1);
    assert_string_equal(name, "two");
    assert_int_equal(sys_folder_next(FOLDER, &name), 0);
}

static void or_it_cannot_be_read_further(void **state)
{
    (void)state;
    const char *name;
    errors[2] = EIO;
    assert_int_equal(sys_folder_next(FOLDER, &name), 1);
    assert_int_equal(sys_folder_next(FOLDER, &name), -EIO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_signal_is_no_error_of_accept, begin),
        cmocka_unit_test_setup(a_folder_has_an_end, begin),
        cmocka_unit_test_setup(or_it_cannot_be_read_further, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
