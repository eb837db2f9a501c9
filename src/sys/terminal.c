/* tcsetattr(3). */
#include "sys/terminal.h"

#include <errno.h>
#include <termios.h>

int sys_terminal_set_echo(int fd, bool shows)
{
    struct termios state;
    if (tcgetattr(fd, &state) < 0)
        return -errno;
    if (shows)
        state.c_lflag = (state.c_lflag | ECHO) & ~(tcflag_t)ECHONL;
    else
        state.c_lflag = (state.c_lflag & ~(tcflag_t)ECHO) | ECHONL;
    return tcsetattr(fd, TCSAFLUSH, &state) < 0 ? -errno : 0;
}
