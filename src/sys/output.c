/* open(2), write(2), poll(2) for output. */
#include "sys/output.h"

#include "sys/opener.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

static_assert(SYS_PIPE_ATOMIC_BYTES == PIPE_BUF, "as pipe(7) says");

int sys_open_for_append(const char *path)
{
    if (sys_opener_is_used())
        return sys_opener_ask(OPENER_APPEND, path, NULL);
    /* O_NONBLOCK: opening a FIFO must not wait for its reader. */
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
    return fd < 0 ? -errno : fd;
}

int sys_fill_standard_streams(void)
{
    for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; stream++) {
        if (fcntl(stream, F_GETFD) >= 0)
            continue;
        int fd = open("/dev/null", O_RDWR); /* the lowest that is free, which is this one */
        if (fd < 0)
            return -errno;
        assert(fd == stream);
    }
    return 0;
}

int sys_duplicate(int fd)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    return copy < 0 ? -errno : copy;
}

ssize_t sys_write(int fd, struct slice bytes)
{
    ssize_t written;
    do
        written = write(fd, bytes.data, bytes.length);
    while (written < 0 && errno == EINTR);
    return written < 0 ? -errno : written;
}

int sys_wait_writable(int fd, int timeout_ms)
{
    struct pollfd pollfd = {.fd = fd, .events = POLLOUT};
    return poll(&pollfd, 1, timeout_ms) > 0 ? 0 : -EAGAIN;
}

bool sys_is_regular_file(int fd)
{
    struct stat status;
    return fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

bool sys_is_terminal(int fd)
{
    return isatty(fd) == 1;
}

int sys_cut(int fd)
{
    return ftruncate(fd, 0) == 0 || errno == EINVAL ? 0 : -errno;
}

void sys_terminal_size(int fd, unsigned *rows, unsigned *columns)
{
    struct winsize size;
    if (ioctl(fd, TIOCGWINSZ, &size) < 0 || size.ws_row == 0 || size.ws_col == 0)
        return;
    *rows = size.ws_row;
    *columns = size.ws_col;
}
