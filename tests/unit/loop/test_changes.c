/* WATCH_CHANGES: told of POLLPRI and nothing else, by urgent data and by the mount table itself. */
#include "chosen_backend.h"

#include "loop/watch.h"
#include "stream_owner.h"
#include "sys/file.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>

#define QUIET_TURNS 3

struct changes {
    struct watch watch;
    unsigned told;
};

static void on_changes(struct watch *watch, unsigned events)
{
    assert_true(events & WATCH_PRIORITY);
    assert_false(events & (WATCH_READABLE | WATCH_WRITABLE));
    CONTAINER_OF(watch, struct changes, watch)->told++;
}

static const struct watch_events changes_events = {.on_ready = on_changes};

/* What is still on its way may come; then nothing does. */
static void run_quietly(struct loop *loop, const struct changes *changes, unsigned told)
{
    for (unsigned i = 0; i < QUIET_TURNS; i++)
        assert_int_equal(loop_run_once(loop, 1), 0);
    assert_int_equal(changes->told, told);
}

/* What is readable and writable all the time is told of nothing else than a change: here urgent data. */
static void changes_are_told_and_nothing_else(void **state)
{
    (void)state;
    /* It passes over wakes for POLLPRI that name other events, too. Those of the mount table name none. */
    if (chosen_backend() == LOOP_BACKEND_IO_URING)
        return;
    struct loop *loop = make_loop();
    int ends[2];
    connect_tcp(ends);
    struct changes changes = {.watch = {.events = &changes_events, .fd = ends[0]}};
    assert_int_equal(watch_start(loop, &changes.watch, WATCH_CHANGES), 0);
    assert_int_equal(send(ends[1], "readable", 8, 0), 8);
    run_quietly(loop, &changes, 0);
    for (unsigned round = 1; round <= 2; round++) {
        changes.told = 0;
        assert_int_equal(send(ends[1], "!", 1, MSG_OOB), 1);
        while (changes.told == 0)
            assert_int_equal(loop_run_once(loop, 100), 0);
        char byte;
        assert_int_equal(recv(ends[0], &byte, 1, MSG_OOB), 1);
        run_quietly(loop, &changes, changes.told);
    }
    watch_stop(loop, &changes.watch);
    assert_int_equal(send(ends[1], "!", 1, MSG_OOB), 1);
    run_quietly(loop, &changes, changes.told);
    loop_destroy(loop);
    close(ends[0]);
    close(ends[1]);
}

/* In a mount namespace of a child's own; false where the kernel does not let us have one. */
static bool hide_mounts(void)
{
    return (unshare(CLONE_NEWNS) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0) &&
           mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

#define NO_MOUNTS 77

static void mount_and_see(void)
{
    char folder[] = "/tmp/vif-mount-XXXXXX";
    if (mkdtemp(folder) == NULL || !hide_mounts())
        _exit(NO_MOUNTS);
    struct loop *loop = make_loop();
    struct changes changes = {.watch = {.events = &changes_events, .fd = sys_open_mount_table()}};
    assert_int_equal(watch_start(loop, &changes.watch, WATCH_CHANGES), 0);
    run_quietly(loop, &changes, 0);
    for (unsigned told = 1; told <= 6; told++) {
        if (told % 2 == 1 ? mount("none", folder, "tmpfs", 0, NULL) != 0 : umount(folder) != 0)
            _exit(NO_MOUNTS);
        while (changes.told < told)
            assert_int_equal(loop_run_once(loop, 100), 0);
        run_quietly(loop, &changes, told);
    }
    watch_stop(loop, &changes.watch);
    sys_close(changes.watch.fd);
    loop_destroy(loop);
    rmdir(folder);
    _exit(0);
}

static void each_mount_is_told_once(void **state)
{
    (void)state;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        mount_and_see();
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == NO_MOUNTS)
        skip();
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes_are_told_and_nothing_else),
        cmocka_unit_test(each_mount_is_told_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
