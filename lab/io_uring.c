/* io_uring(7): not "tell me when I may", but "do it and tell me when it is done".
 *
 * Two rings lie in memory that the program shares with the kernel. Into the one it puts operations (accept,
 * receive, send, read), out of the other it takes their results; one system call hands over everything that
 * has gathered and waits for the next results. The readiness loops before this one need a call for each
 * receive and send; this one needs about one a turn, however many clients the turn serves. Linux has it
 * since 5.1 (2019), and what is used here since 6.1: accept that goes on by itself (multishot), and buffers
 * that the kernel takes from a ring of them only when bytes arrive, so that an idle connection holds none.
 * Seastar uses it, Tokio's tokio-uring, and PostgreSQL 18 for files; libuv had it for files and has switched
 * it off again by default. Windows has had the idea since NT 3.5 (completion ports).
 *
 * What it costs: order. Memory that an operation uses is the kernel's until its result is there, so nothing
 * can be freed just because a client went away. Here each client has exactly one operation under way at any
 * time; that makes its life as easy as in the other models. What it does not save is the work itself: copying
 * bytes and TCP.
 *
 * What breaks it: a handler that blocks, as in every loop; and machines that forbid it
 * (kernel.io_uring_disabled, containers' seccomp filters), since its many paths into the kernel have had
 * their share of holes. */
#include "lab/models.h"

#include <errno.h>

#ifdef HAVE_URING

#include "lab/idle_list.h"

#include <liburing.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define ENTRIES      4096
#define BUFFERS      1024 /* a power of two */
#define BUFFER_BYTES 4096
#define GROUP        0

/* Of a file, read and then sent: there is no sendfile here. */
#define FILE_BYTES (64u << 10)

#define PIECES_MAX 16

struct uring {
    struct io_uring ring;
    struct io_uring_buf_ring *buffer_ring;
    char *buffers;
    struct lab_idle_list idle;
    int listening_fd;
};

/* What a client has while it is sent something. */
struct sending {
    struct msghdr message;
    struct iovec pieces[PIECES_MAX];
    bool is_reading;  /* of a file */
    char *file_bytes; /* FILE_BYTES; NULL before the first file */
    size_t file_length, file_sent;
};

struct uring_client {
    struct lab_client base;
    struct sending *sending; /* NULL while nothing is sent */
};

/* The next free entry of the ring; if it is full, its entries are submitted first. */
static struct io_uring_sqe *next_entry(struct uring *uring)
{
    struct io_uring_sqe *entry;
    while ((entry = io_uring_get_sqe(&uring->ring)) == NULL)
        io_uring_submit(&uring->ring);
    return entry;
}

static void begin_to_accept(struct uring *uring)
{
    struct io_uring_sqe *entry = next_entry(uring);
    io_uring_prep_multishot_accept(entry, uring->listening_fd, NULL, NULL, SOCK_CLOEXEC);
    io_uring_sqe_set_data(entry, NULL);
}

/* Without free descriptors accept fails at once even without a new connection: so it polls the socket first.
 */
static void begin_to_wait_for_clients(struct uring *uring)
{
    struct io_uring_sqe *entry = next_entry(uring);
    io_uring_prep_poll_add(entry, uring->listening_fd, POLLIN);
    io_uring_sqe_set_data(entry, uring);
}

/* The kernel polls the socket first, as a client that was just answered has rarely sent a request yet. */
static void begin_to_receive(struct uring *uring, struct uring_client *client)
{
    struct io_uring_sqe *entry = next_entry(uring);
    io_uring_prep_recv(entry, client->base.fd, NULL, BUFFER_BYTES, 0);
    entry->ioprio |= IORING_RECVSEND_POLL_FIRST;
    entry->flags |= IOSQE_BUFFER_SELECT;
    entry->buf_group = GROUP;
    io_uring_sqe_set_data(entry, client);
}

static void send_memory(struct uring *uring, struct uring_client *client, const struct segment *segments,
                        size_t count)
{
    struct sending *sending = client->sending;
    size_t used = 0;
    for (; used < MIN(count, (size_t)PIECES_MAX) && segments[used].data; used++)
        sending->pieces[used] = (struct iovec){(char *)segments[used].data, segments[used].length};
    sending->message = (struct msghdr){.msg_iov = sending->pieces, .msg_iovlen = used};
    struct io_uring_sqe *entry = next_entry(uring);
    io_uring_prep_sendmsg(entry, client->base.fd, &sending->message,
                          MSG_NOSIGNAL | (used < count ? MSG_MORE : 0));
    io_uring_sqe_set_data(entry, client);
}

/* Reads a part of the file, or sends what was read. */
static void read_or_send_file(struct uring *uring, struct uring_client *client, const struct segment *segment)
{
    struct sending *sending = client->sending;
    struct io_uring_sqe *entry = next_entry(uring);
    sending->is_reading = sending->file_sent == sending->file_length;
    if (sending->is_reading) {
        sending->file_sent = sending->file_length = 0;
        size_t length = MIN(segment->length, (size_t)FILE_BYTES);
        io_uring_prep_read(entry, segment->fd, sending->file_bytes, (unsigned)length,
                           (uint64_t)segment->offset);
    } else {
        io_uring_prep_send(entry, client->base.fd, sending->file_bytes + sending->file_sent,
                           sending->file_length - sending->file_sent, MSG_NOSIGNAL);
    }
    io_uring_sqe_set_data(entry, client);
}

/* What is kept while a client is sent something. */
static bool prepare(struct uring_client *client, bool is_file)
{
    if (client->sending == NULL)
        client->sending = calloc(1, sizeof(struct sending));
    struct sending *sending = client->sending;
    if (sending && is_file && sending->file_bytes == NULL)
        sending->file_bytes = malloc(FILE_BYTES);
    return sending && (!is_file || sending->file_bytes);
}

static void forget(struct uring_client *client)
{
    struct sending *sending = client->sending;
    if (sending)
        free(sending->file_bytes);
    free(sending);
    client->sending = NULL;
}

static void drop(struct uring_client *client)
{
    forget(client);
    lab_client_destroy(&client->base);
}

static void begin_to_send(struct uring *uring, struct uring_client *client)
{
    size_t count;
    const struct segment *segments = lab_session_segments(&client->base.session, &count);
    if (!prepare(client, segments[0].data == NULL))
        drop(client);
    else if (segments[0].data)
        send_memory(uring, client, segments, count);
    else
        read_or_send_file(uring, client, &segments[0]);
}

/* Begins the one operation that the session needs next. */
static void begin_next(struct uring *uring, struct uring_client *client)
{
    while (lab_session_need(&client->base.session) == LAB_NEEDS_JOB) {
        lab_session_run_job(&client->base.session);
        lab_session_complete_job(&client->base.session);
    }
    if (lab_session_need(&client->base.session) == LAB_NEEDS_SHUTDOWN)
        lab_client_shut_down(&client->base);
    switch (lab_session_need(&client->base.session)) {
    case LAB_NEEDS_ROOM: begin_to_send(uring, client); return;
    case LAB_NEEDS_BYTES:
        forget(client);
        begin_to_receive(uring, client);
        lab_idle_list_touch(&uring->idle, &client->base);
        return;
    case LAB_NEEDS_CLOSE:
    case LAB_NEEDS_JOB:
    case LAB_NEEDS_SHUTDOWN: drop(client);
    }
}

static void give_buffer_back(struct uring *uring, unsigned number)
{
    io_uring_buf_ring_add(uring->buffer_ring, uring->buffers + (size_t)number * BUFFER_BYTES, BUFFER_BYTES,
                          (unsigned short)number, io_uring_buf_ring_mask(BUFFERS), 0);
    io_uring_buf_ring_advance(uring->buffer_ring, 1);
}

static void on_received(struct uring *uring, struct uring_client *client, const struct io_uring_cqe *result)
{
    if (result->res > 0) {
        unsigned number = result->flags >> IORING_CQE_BUFFER_SHIFT;
        const char *bytes = uring->buffers + (size_t)number * BUFFER_BYTES;
        lab_session_receive(&client->base.session, slice_make(bytes, (size_t)result->res));
        give_buffer_back(uring, number);
    } else if (result->res == 0) {
        lab_session_end(&client->base.session);
    } else if (result->res != -ENOBUFS) { /* then others hold all of them: asked for once more */
        lab_session_break(&client->base.session);
    }
}

static void on_sent(struct uring_client *client, int result)
{
    struct sending *sending = client->sending;
    bool is_file = sending->file_sent < sending->file_length;
    if (result <= 0) {
        lab_session_break(&client->base.session);
    } else if (sending->is_reading) {
        sending->is_reading = false;
        sending->file_length = (size_t)result;
        if (!lab_session_may_send_file(&client->base.session))
            return;
    } else {
        sending->file_sent += is_file ? (size_t)result : 0;
        lab_session_sent(&client->base.session, (size_t)result);
    }
}

static void on_accepted(struct uring *uring, const struct io_uring_cqe *result)
{
    struct uring_client *client = NULL;
    bool is_full = result->res == -EMFILE || result->res == -ENFILE;
    if (result->res >= 0)
        client = lab_client_create(uring->idle.site, result->res, sizeof(*client));
    else if (is_full)
        client = lab_accept(uring->idle.site, uring->listening_fd, 0, sizeof(*client)); /* turns one away */
    if (client)
        begin_next(uring, client);
    if (is_full)
        begin_to_wait_for_clients(uring);
    else if (!(result->flags & IORING_CQE_F_MORE))
        begin_to_accept(uring);
}

/* The one operation of a client is done. */
static void on_operation(struct uring *uring, struct uring_client *client, const struct io_uring_cqe *result)
{
    if (lab_session_need(&client->base.session) == LAB_NEEDS_BYTES)
        on_received(uring, client, result);
    else
        on_sent(client, result->res);
    begin_next(uring, client);
}

static void on_result(struct uring *uring, const struct io_uring_cqe *result)
{
    void *subject = io_uring_cqe_get_data(result);
    if (subject == NULL)
        on_accepted(uring, result);
    else if (subject == uring)
        begin_to_accept(uring);
    else
        on_operation(uring, subject, result);
}

static void take_results(struct uring *uring)
{
    unsigned head, count = 0;
    struct io_uring_cqe *result;
    io_uring_for_each_cqe(&uring->ring, head, result)
    {
        on_result(uring, result);
        count++;
    }
    io_uring_cq_advance(&uring->ring, count);
}

/* The operation of a silent client ends with its socket, and the client with the operation. */
static void drop_expired(struct uring *uring)
{
    struct lab_client *client;
    while ((client = lab_idle_list_next_expired(&uring->idle)) != NULL) {
        shutdown(client->fd, SHUT_RDWR);
        lab_idle_list_touch(&uring->idle, client);
    }
}

static int provide_buffers(struct uring *uring)
{
    void *memory;
    const size_t size = BUFFERS * (sizeof(struct io_uring_buf) + BUFFER_BYTES);
    if (posix_memalign(&memory, 4096, size) != 0)
        return -ENOMEM;
    /* They take turns, so all of them are used soon, by however few clients: better now, when nobody takes it
     * for memory that a client costs. */
    memset(memory, 0, size);
    uring->buffer_ring = memory;
    uring->buffers = (char *)memory + BUFFERS * sizeof(struct io_uring_buf);
    struct io_uring_buf_reg registration = {
        .ring_addr = (uintptr_t)memory,
        .ring_entries = BUFFERS,
        .bgid = GROUP,
    };
    int error = io_uring_register_buf_ring(&uring->ring, &registration, 0);
    io_uring_buf_ring_init(uring->buffer_ring);
    for (unsigned number = 0; number < BUFFERS && error == 0; number++)
        give_buffer_back(uring, number);
    return error;
}

/* One thread has the ring, and the kernel does its part of the work when that thread asks for results, rather
 * than in the middle of something else. */
static int open_ring(struct io_uring *ring)
{
    struct io_uring_params params = {.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN};
    return io_uring_queue_init_params(ENTRIES, ring, &params);
}

int lab_serve_io_uring(struct lab_site *site, int listening_fd)
{
    static struct uring uring;
    uring.listening_fd = listening_fd;
    lab_idle_list_init(&uring.idle, site);
    int error = lab_site_open(site);
    if (error == 0)
        error = open_ring(&uring.ring);
    if (error == 0)
        error = provide_buffers(&uring);
    if (error < 0)
        return error;
    lab_reserve_descriptor();
    begin_to_accept(&uring);
    for (;;) {
        struct __kernel_timespec second = {.tv_sec = 1};
        struct io_uring_cqe *result;
        io_uring_submit_and_wait_timeout(&uring.ring, &result, 1, &second, NULL);
        take_results(&uring);
        drop_expired(&uring);
    }
}

const char *lab_io_uring_unavailable(void)
{
    struct io_uring ring;
    int error = open_ring(&ring);
    if (error == 0)
        io_uring_queue_exit(&ring);
    switch (-error) {
    case 0: return NULL;
    case ENOSYS: return "this kernel has no io_uring";
    case EPERM: return "io_uring is forbidden here: see kernel.io_uring_disabled, or the container's filter";
    case EINVAL: return "this kernel's io_uring is older than 6.1";
    default: return "io_uring cannot be opened here: there may not be enough memory";
    }
}

#else

int lab_serve_io_uring(struct lab_site *site, int listening_fd)
{
    (void)site, (void)listening_fd;
    return -ENOSYS;
}

const char *lab_io_uring_unavailable(void)
{
    return "this vif was built without liburing";
}

#endif
