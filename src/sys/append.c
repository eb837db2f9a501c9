/* write(2) under a lock of the open file description (F_OFD_SETLK), which ends with the process at the
 * latest. */
#include "sys/append.h"

#include "sys/clock.h"
#include "sys/output.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* A lock is held for microseconds, unless its owner is stopped or its disk is slow. Whoever may read a file
 * can lock it, so one who has waited in vain does not wait again for a minute: nobody is held up at each
 * line. That is noted by descriptor; two that share an entry are both not waited for. */
#define LOCK_NO_WAIT_MS 60000
#define LOCK_LOOK_US    200
#define FILES_NOTED     64

static int set_lock(int fd, short type)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET};
    return fcntl(fd, F_OFD_SETLK, &lock) < 0 ? -errno : 0;
}

static bool is_held_by_another(int error)
{
    return error == -EAGAIN || error == -EACCES;
}

static int wait_for_lock(int fd, unsigned wait_ms)
{
    const struct timespec pause = {.tv_nsec = LOCK_LOOK_US * 1000L};
    uint64_t deadline_ms = sys_monotonic_ms() + wait_ms;
    int error;
    do {
        nanosleep(&pause, NULL);
        error = set_lock(fd, F_WRLCK);
    } while (is_held_by_another(error) && sys_monotonic_ms() < deadline_ms);
    return error;
}

static bool lock_file(int fd, unsigned wait_ms)
{
    static _Atomic uint64_t noted[FILES_NOTED];
    _Atomic uint64_t *waits_from_ms = &noted[fd % FILES_NOTED];
    int error = set_lock(fd, F_WRLCK);
    if (is_held_by_another(error) && sys_monotonic_ms() >= *waits_from_ms) {
        error = wait_for_lock(fd, wait_ms);
        if (is_held_by_another(error))
            *waits_from_ms = sys_monotonic_ms() + LOCK_NO_WAIT_MS;
    }
    if (error == 0 && *waits_from_ms != 0)
        *waits_from_ms = 0;
    return error == 0;
}

static bool append_is_same_file(const struct stat *file, int fd)
{
    struct stat other;
    return fstat(fd, &other) == 0 && other.st_dev == file->st_dev && other.st_ino == file->st_ino;
}

/* Removes the last `length` bytes, which are the part of a line that this descriptor has just written. */
static bool remove_end(int fd, size_t length)
{
    struct stat status;
    off_t end = lseek(fd, 0, SEEK_CUR); /* of the last write */
    return end >= (off_t)length && fstat(fd, &status) == 0 && status.st_size == end &&
           !append_is_same_file(&status, STDOUT_FILENO) && !append_is_same_file(&status, STDERR_FILENO) &&
           ftruncate(fd, end - (off_t)length) == 0;
}

static size_t complete_lines(struct slice bytes)
{
    const char *end = memrchr(bytes.data, '\n', bytes.length);
    return end ? (size_t)(end + 1 - bytes.data) : 0;
}

/* Returns 0 or -errno; in both cases `written` is what was written. */
static int append_write_all(int fd, struct slice lines, size_t *written)
{
    for (*written = 0; *written < lines.length;) {
        ssize_t count = sys_write(fd, slice_skip(lines, *written));
        if (count <= 0)
            return count < 0 ? (int)count : -EIO;
        *written += (size_t)count;
    }
    return 0;
}

ssize_t sys_append_lines(int fd, struct slice lines, unsigned wait_ms)
{
    bool is_locked = lock_file(fd, wait_ms);
    size_t written;
    int error = append_write_all(fd, lines, &written);
    size_t complete = complete_lines(slice_take(lines, written));
    if (complete < written && is_locked && remove_end(fd, written - complete))
        written = complete;
    if (is_locked)
        (void)set_lock(fd, F_UNLCK);
    return written > 0 ? (ssize_t)written : error;
}
