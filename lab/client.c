/* The system calls that move bytes, and those around them. */
#include "lab/client.h"

#include "lab/site_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

/* On the stack of whoever receives: a thread's is small. */
#define RECEIVE_BYTES 16384

/* Pieces of memory that leave by one call. */
#define SEND_PIECES_MAX 16

/* Most bytes of a file per call: see LOOP_CALL_BYTES_MAX in loop/internal.h. */
#define SENDFILE_BYTES (64u << 10)

/* Most operations for one client before others have their turn: about a megabyte of a file. */
#define MOVES_MAX 16

/* ---- life ---- */

static int reserve_fd = -1; /* one for each process: one thread accepts */

static void take_reserve(void)
{
    if (reserve_fd < 0)
        reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void count(atomic_uint_least64_t *number)
{
    atomic_fetch_add_explicit(number, 1, memory_order_relaxed);
}

static void turn_one_away(struct lab_site *site, int listening_fd)
{
    if (reserve_fd >= 0)
        close(reserve_fd);
    reserve_fd = -1;
    int fd = accept4(listening_fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0) {
        count(&site->counts->accepted);
        count(&site->counts->refused);
        count(&site->counts->closed);
        close(fd);
    }
    take_reserve();
}

struct lab_client *lab_client_create(struct lab_site *site, int fd)
{
    take_reserve();
    struct lab_client *client = malloc(sizeof(*client));
    if (client == NULL) {
        close(fd);
        return NULL;
    }
    *client = (struct lab_client){.fd = fd};
    list_init(&client->queue);
    list_init(&client->link);
    lab_session_init(&client->session, site);
    count(&site->counts->accepted);
    return client;
}

struct lab_client *lab_accept(struct lab_site *site, int listening_fd, int flags)
{
    int fd;
    do
        fd = accept4(listening_fd, NULL, NULL, flags | SOCK_CLOEXEC);
    while (fd < 0 && (errno == EINTR || errno == ECONNABORTED));
    if (fd < 0 && (errno == EMFILE || errno == ENFILE))
        turn_one_away(site, listening_fd);
    return fd < 0 ? NULL : lab_client_create(site, fd);
}

void lab_client_destroy(struct lab_client *client)
{
    count(&client->session.site->counts->closed);
    list_remove(&client->queue);
    list_remove(&client->link);
    lab_session_finish(&client->session);
    close(client->fd);
    free(client);
}

void lab_client_refuse(struct lab_client *client)
{
    count(&client->session.site->counts->refused);
    lab_client_destroy(client);
}

/* ---- two moves ---- */

/* True where there is nothing to do but to wait. */
static bool would_wait(struct lab_client *client)
{
    if (errno == EINTR)
        return false;
    if (errno == EAGAIN)
        return true;
    lab_session_break(&client->session);
    return false;
}

bool lab_client_receive(struct lab_client *client)
{
    char buffer[RECEIVE_BYTES];
    ssize_t count = recv(client->fd, buffer, sizeof(buffer), 0);
    if (count < 0)
        return !would_wait(client);
    client->is_drained = count < (ssize_t)sizeof(buffer);
    if (count == 0)
        lab_session_end(&client->session);
    else
        lab_session_receive(&client->session, slice_make(buffer, (size_t)count));
    return true;
}

/* Pieces of memory, up to the next file. */
static ssize_t send_memory(int fd, const struct segment *segments, size_t count)
{
    struct iovec pieces[SEND_PIECES_MAX];
    size_t used = 0;
    for (; used < MIN(count, (size_t)SEND_PIECES_MAX) && segments[used].data; used++)
        pieces[used] = (struct iovec){(char *)segments[used].data, segments[used].length};
    struct msghdr message = {.msg_iov = pieces, .msg_iovlen = used};
    /* MSG_MORE: more data follows, so the kernel does not send a small packet for the head alone. */
    return sendmsg(fd, &message, MSG_NOSIGNAL | (used < count ? MSG_MORE : 0));
}

/* A recently changed file may change again, and data that sendfile(2) put into the socket would change with
 * it. */
static ssize_t send_copy(struct lab_client *client, const struct segment *segment)
{
    char buffer[RECEIVE_BYTES];
    ssize_t count = pread(segment->fd, buffer, MIN(sizeof(buffer), segment->length), segment->offset);
    if (count <= 0 || !lab_session_may_send_file(&client->session))
        return count;
    return send(client->fd, buffer, (size_t)count, MSG_NOSIGNAL);
}

static ssize_t send_file(struct lab_client *client, const struct segment *segment)
{
    if (segment->is_copied)
        return send_copy(client, segment);
    if (!lab_session_may_send_file(&client->session))
        return 0;
    off_t offset = segment->offset;
    return sendfile(client->fd, segment->fd, &offset, MIN(segment->length, (size_t)SENDFILE_BYTES));
}

bool lab_client_send(struct lab_client *client)
{
    struct lab_session *session = &client->session;
    size_t segment_count;
    const struct segment *segments = lab_session_segments(session, &segment_count);
    bool is_file = segments[0].data == NULL;
    ssize_t sent =
        is_file ? send_file(client, &segments[0]) : send_memory(client->fd, segments, segment_count);
    if (sent < 0)
        return !would_wait(client);
    if (sent == 0)
        lab_session_break(session); /* the file has become shorter */
    if (lab_session_need(session) != LAB_NEEDS_ROOM)
        return true;
    lab_session_sent(session, (size_t)sent);
    return true;
}

void lab_client_shut_down(struct lab_client *client)
{
    shutdown(client->fd, SHUT_WR);
    lab_session_did_shut_down(&client->session);
}

/* ---- on a socket that blocks ---- */

void lab_client_set_patience(struct lab_client *client, unsigned patience_ms)
{
    struct timeval patience = {.tv_sec = patience_ms / 1000, .tv_usec = patience_ms % 1000 * 1000};
    setsockopt(client->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    setsockopt(client->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
}

void lab_client_serve(struct lab_client *client)
{
    struct lab_session *session = &client->session;
    bool is_there = true;
    while (is_there) {
        switch (lab_session_need(session)) {
        case LAB_NEEDS_BYTES: is_there = lab_client_receive(client); break;
        case LAB_NEEDS_ROOM: is_there = lab_client_send(client); break;
        case LAB_NEEDS_WORK:
            lab_session_work(session);
            lab_session_worked(session);
            break;
        case LAB_NEEDS_SHUTDOWN: lab_client_shut_down(client); break;
        case LAB_NEEDS_CLOSE: is_there = false; break;
        }
    }
}

/* ---- on a socket that does not block ---- */

static bool move(struct lab_client *client)
{
    switch (lab_session_need(&client->session)) {
    case LAB_NEEDS_BYTES: return (!client->is_drained || client->peer_ended) && lab_client_receive(client);
    case LAB_NEEDS_ROOM: return lab_client_send(client);
    case LAB_NEEDS_SHUTDOWN: lab_client_shut_down(client); return true;
    case LAB_NEEDS_WORK:
    case LAB_NEEDS_CLOSE: return false;
    }
    UNREACHABLE();
}

enum lab_need lab_client_go_on(struct lab_client *client)
{
    unsigned moves = 0;
    client->is_drained = false;
    while (moves < MOVES_MAX && move(client))
        moves++;
    client->has_more = moves == MOVES_MAX;
    return lab_session_need(&client->session);
}

enum lab_need lab_client_go_on_here(struct lab_client *client)
{
    enum lab_need need;
    while ((need = lab_client_go_on(client)) == LAB_NEEDS_WORK) {
        lab_session_work(&client->session);
        lab_session_worked(&client->session);
    }
    return need;
}

/* ---- who has been silent for too long ---- */

void lab_crowd_init(struct lab_crowd *crowd, struct lab_site *site)
{
    list_init(&crowd->clients);
    crowd->site = site;
}

void lab_crowd_note(struct lab_crowd *crowd, struct lab_client *client)
{
    client->last_active_ms = loop_now_ms(crowd->site->loop);
    list_remove(&client->link);
    list_append(&crowd->clients, &client->link);
}

struct lab_client *lab_crowd_next_silent(struct lab_crowd *crowd)
{
    lab_site_tick(crowd->site);
    if (list_is_empty(&crowd->clients))
        return NULL;
    struct lab_client *client = CONTAINER_OF(crowd->clients.next, struct lab_client, link);
    bool is_silent = loop_now_ms(crowd->site->loop) >= client->last_active_ms + LAB_PATIENCE_MS;
    return is_silent ? client : NULL;
}

/* ---- small things ---- */

void lab_set_blocking(int fd, bool is_blocking)
{
    int flags = fcntl(fd, F_GETFL);
    fcntl(fd, F_SETFL, is_blocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK);
}
