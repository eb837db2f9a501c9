/* Bookkeeping of channels. A channel lives as long as its worker's process; when that has ended, reading
 * reports it, or the next worker's channel replaces it. */
#include "proc/links.h"

#include "base/error.h"
#include "sys/socket.h"

#include <errno.h>
#include <stdlib.h>

int links_reserve(struct links *links, size_t count)
{
    if (count <= links->count)
        return 0;
    struct link *list = realloc(links->list, count * sizeof(*list));
    if (list == NULL)
        return -ENOMEM;
    for (size_t i = links->count; i < count; i++)
        list[i] = (struct link){.ends = MESSAGE_ENDS_NONE, .worker_ends = MESSAGE_ENDS_NONE};
    links->list = list;
    links->count = count;
    return 0;
}

int links_init(struct links *links, size_t count)
{
    *links = (struct links){0};
    return links_reserve(links, count);
}

void links_finish(struct links *links)
{
    for (size_t i = 0; links->list && i < links->count; i++) {
        sys_message_ends_close(&links->list[i].ends);
        sys_message_ends_close(&links->list[i].worker_ends);
    }
    free(links->list);
    *links = (struct links){0};
}

int links_open(struct links *links, size_t number, unsigned generation)
{
    struct link *link = &links->list[number];
    struct message_ends ends, of_worker;
    int error = sys_message_ends_open(&ends, &of_worker);
    if (error < 0)
        return error;
    sys_message_ends_close(&link->ends);
    *link = (struct link){.ends = ends, .worker_ends = of_worker, .taken = generation};
    return 0;
}

void links_forked(struct links *links, size_t number)
{
    sys_message_ends_close(&links->list[number].worker_ends);
}

struct message_ends links_become(struct links *links, size_t number)
{
    struct message_ends own = links->list[number].worker_ends;
    links->list[number].worker_ends = MESSAGE_ENDS_NONE;
    links_finish(links);
    return own;
}

int links_ask(struct links *links, size_t number, const struct channel_change *change, int memory_fd)
{
    struct link *link = &links->list[number];
    struct channel_message message = {.kind = CHANNEL_CHANGE, .change = *change};
    assert(link->asked == 0);
    int fd = link->ends.socket_fd;
    int error = fd >= 0 ? channel_send(fd, &message, &memory_fd, 1) : ERROR_CLOSED;
    if (error < 0)
        return error;
    link->asked = change->generation;
    link->asked_room = change->room;
    link->has_refused = false;
    return 0;
}

size_t links_poll_set(const struct links *links, struct pollfd *fds)
{
    size_t count = 0;
    for (size_t i = 0; i < links->count; i++) {
        if (links_has(links, i))
            fds[count++] = (struct pollfd){.fd = links->list[i].ends.pipe_fd, .events = POLLIN};
    }
    return count;
}

static void links_note(struct link *link, const struct channel_verdict *verdict, uint64_t now_ms)
{
    link->asked = 0;
    link->has_refused = verdict->error != 0;
    if (verdict->error == 0) {
        link->taken = verdict->generation;
        return;
    }
    link->retry_ms = now_ms + LINK_RETRY_MS;
    memcpy(link->why, verdict->text, sizeof(link->why));
    link->why[sizeof(link->why) - 1] = '\0';
    log_clean(link->why, strlen(link->why));
}

static int link_receive(const struct links *links, struct link *link, uint64_t now_ms)
{
    struct channel_message message;
    int error = channel_hear(link->ends.pipe_fd, &message);
    if (error < 0)
        return error;
    if (second_count_is_full(&link->answers, LINK_ANSWERS_PER_SECOND, now_ms))
        return -EPROTO;
    link->answers.count++;
    if (message.kind == CHANNEL_LOOK)
        return 0;
    if (message.kind == CHANNEL_OFFENCES && message.offences.count <= OFFENCES_MAX) {
        if (links->on_offences)
            links->on_offences(links->context, (size_t)(link - links->list), message.offences.list,
                               message.offences.count);
        return 0;
    }
    if (message.kind != CHANNEL_VERDICT || link->asked == 0 || message.verdict.generation != link->asked)
        return -EPROTO;
    links_note(link, &message.verdict, now_ms);
    return 0;
}

static bool link_take(const struct links *links, struct link *link, uint64_t now_ms)
{
    int error = 0;
    for (unsigned i = 0; i < LINK_ANSWERS_MAX && error == 0; i++)
        error = link_receive(links, link, now_ms);
    if (error == 0 || error == -EAGAIN)
        return true;
    sys_message_ends_close(&link->ends);
    link->asked = 0;
    return error == ERROR_CLOSED;
}

int links_take(struct links *links, int fd, uint64_t now_ms)
{
    for (size_t i = 0; i < links->count; i++) {
        struct link *link = &links->list[i];
        if (link->ends.pipe_fd == fd)
            return link_take(links, link, now_ms) ? -1 : (int)i;
    }
    return -1;
}

uint64_t links_rooms(const struct links *links)
{
    uint64_t rooms = 0;
    for (size_t i = 0; i < links->count; i++) {
        if (links->list[i].asked != 0)
            rooms |= UINT64_C(1) << links->list[i].asked_room;
    }
    return rooms;
}
