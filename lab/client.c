/* The system calls that accept a client, and move its bytes. Read lab_client_receive and lab_client_send
 * first: each is one system call and what it means for the session. */
#include "lab/client.h"

#include "lab/site_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* On the stack of whoever receives: a thread's is small. */
#define RECEIVE_BYTES 16384

/* Pieces of memory that leave by one call. */
#define SEND_PIECES_MAX 16

/* Most bytes of a file per call: see LOOP_CALL_BYTES_MAX in loop/internal.h. */
#define SENDFILE_BYTES (64u << 10)

/* ---- life ---- */

static int reserve_fd = -1;

/* Where several threads accept, none of them may take the descriptor that another has just given up. */
static pthread_mutex_t accepting = PTHREAD_MUTEX_INITIALIZER;

void lab_reserve_descriptor(void)
{
    if (reserve_fd < 0)
        reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void give_up_reserve(void)
{
    if (reserve_fd >= 0)
        close(reserve_fd);
    reserve_fd = -1;
}

static void count(atomic_uint_least64_t *number)
{
    atomic_fetch_add_explicit(number, 1, memory_order_relaxed);
}

void *lab_client_create(struct lab_site *site, int fd, size_t size)
{
    struct lab_client *client = calloc(1, size);
    if (client == NULL) {
        close(fd);
        return NULL;
    }
    client->fd = fd;
    list_init(&client->link);
    lab_session_init(&client->session, site);
    count(&site->counts->accepted);
    return client;
}

static int accept_one(int listening_fd, int flags)
{
    int fd;
    do
        fd = accept4(listening_fd, NULL, NULL, flags | SOCK_CLOEXEC);
    while (fd < 0 && (errno == EINTR || errno == ECONNABORTED));
    return fd;
}

/* Whether a client waits to be accepted; if the socket blocks, waits for one. */
static bool wait_for_client(int listening_fd)
{
    bool is_blocking = (fcntl(listening_fd, F_GETFL) & O_NONBLOCK) == 0;
    struct pollfd waiting = {.fd = listening_fd, .events = POLLIN};
    return poll(&waiting, 1, is_blocking ? -1 : 0) > 0;
}

/* accept4(2) takes a descriptor before it looks for a client, so it fails with EMFILE also while nobody
 * waits: with the reserve given up, it would then block, and the next client would be closed although there
 * is room for it by then. So this waits first, and if there is room when the client is there, it is served:
 * the reserve could be taken again. */
static int accept_by_reserve(struct lab_site *site, int listening_fd, int flags)
{
    if (!wait_for_client(listening_fd))
        return -1;
    give_up_reserve();
    int fd = accept_one(listening_fd, flags);
    lab_reserve_descriptor();
    if (fd < 0 || reserve_fd >= 0)
        return fd;
    count(&site->counts->accepted);
    count(&site->counts->refused);
    count(&site->counts->closed);
    close(fd);
    lab_reserve_descriptor();
    return -1;
}

void *lab_accept(struct lab_site *site, int listening_fd, int flags, size_t size)
{
    pthread_mutex_lock(&accepting);
    lab_reserve_descriptor();
    int fd = accept_one(listening_fd, flags);
    if (fd < 0 && (errno == EMFILE || errno == ENFILE))
        fd = accept_by_reserve(site, listening_fd, flags);
    pthread_mutex_unlock(&accepting);
    return fd < 0 ? NULL : lab_client_create(site, fd, size);
}

void lab_client_destroy(struct lab_client *client)
{
    count(&client->session.site->counts->closed);
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

/* ---- receiving and sending ---- */

/* True on EAGAIN. After EINTR (a signal, a debugger, Ctrl-Z) the call is repeated; any other error ends the
 * session. */
static bool would_block(struct lab_client *client)
{
    if (errno == EINTR)
        return false;
    if (errno == EAGAIN)
        return true;
    lab_session_break(&client->session);
    return false;
}

enum lab_received lab_client_receive(struct lab_client *client)
{
    char buffer[RECEIVE_BYTES];
    ssize_t count = recv(client->fd, buffer, sizeof(buffer), 0);
    if (count < 0)
        return would_block(client) ? LAB_RECEIVED_NOTHING : LAB_RECEIVED_SOME;
    if (count == 0)
        lab_session_end(&client->session);
    else
        lab_session_receive(&client->session, slice_make(buffer, (size_t)count));
    return count < (ssize_t)sizeof(buffer) ? LAB_RECEIVED_ALL : LAB_RECEIVED_SOME;
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
        return !would_block(client);
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

void lab_set_blocking(int fd, bool is_blocking)
{
    int flags = fcntl(fd, F_GETFL);
    fcntl(fd, F_SETFL, is_blocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK);
}
