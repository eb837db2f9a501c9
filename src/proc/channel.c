/* Both sides are the same program, since workers are forks of the master: messages are the structs
 * themselves. */
#include "proc/channel.h"

#include "base/error.h"
#include "sys/socket.h"

#include <errno.h>

static_assert(sizeof(struct channel_message) <= SYS_PACKET_BYTES_MAX, "an answer is one packet");

int channel_send(int fd, const struct channel_message *message, const int *fds, size_t fd_count)
{
    return sys_message_send(fd, slice_make((const char *)message, sizeof(*message)), fds, fd_count);
}

int channel_answer(int fd, const struct channel_message *message)
{
    return sys_packet_send(fd, slice_make((const char *)message, sizeof(*message)));
}

int channel_hear(int fd, struct channel_message *ret_message)
{
    char packet[SYS_PACKET_BYTES_MAX];
    ssize_t length = sys_packet_receive(fd, packet, sizeof(packet));
    if (length <= 0)
        return length == 0 ? ERROR_CLOSED : (int)length;
    if (length != (ssize_t)sizeof(*ret_message))
        return -EPROTO;
    memcpy(ret_message, packet, sizeof(*ret_message));
    return 0;
}

int channel_receive(int fd, struct channel_received *ret_received)
{
    ssize_t length = sys_message_receive(fd, &ret_received->message, sizeof(ret_received->message),
                                         ret_received->fds, &ret_received->fd_count);
    if (length == (ssize_t)sizeof(ret_received->message))
        return 0;
    if (length < 0)
        return (int)length;
    channel_drop(ret_received);
    return length == 0 ? ERROR_CLOSED : -EPROTO;
}

void channel_drop(struct channel_received *received)
{
    for (size_t i = 0; i < received->fd_count; i++)
        sys_close(received->fds[i]);
    received->fd_count = 0;
}
