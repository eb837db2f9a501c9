/* Clients are served in the master's loop, so nothing here waits: an answer is written by one call, which the
 * socket's buffer has room for. */
#include "proc/control.h"

#include "base/error.h"
#include "sys/process.h"
#include "sys/run_folder.h"
#include "sys/socket.h"

#include <errno.h>
#include <stdio.h>

const char *const control_result_words[CONTROL_RESULT_COUNT] = {
    [CONTROL_DONE] = "done",
    [CONTROL_PARTLY] = "partly",
    [CONTROL_FAILED] = "failed",
    [CONTROL_REVERTED] = "reverted",
};

static int control_listen(struct control *control)
{
    char folder[SYS_RUN_FOLDER_BYTES];
    int error = sys_run_folder_find(folder);
    if (error == 0)
        error = sys_run_folder_prepare(folder);
    if (error < 0)
        return error;
    struct listen_address wanted = {.access = {.sets_mode = true, .mode = 0600}};
    struct sockaddr_un *path = &wanted.address.unix_path;
    path->sun_family = AF_UNIX;
    snprintf(path->sun_path, sizeof(path->sun_path), "%s/%d.sock", folder, (int)sys_process_id());
    wanted.address.length = sizeof(*path);
    int fd = sys_listen(&wanted, &control->bound);
    if (fd >= 0)
        sys_refuse_descriptors(fd);
    return fd;
}

void control_open(struct control *control, struct log *log)
{
    control->log = log;
    for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
        control->clients[i].fd = -1;
    control->fd = control_listen(control);
    if (control->fd < 0) {
        log_info(log, "no control socket: vif reload, status, stop and reopen will not find this server: %s",
                 error_text(control->fd));
        control->fd = -1;
        return;
    }
    control->file = sys_socket_file(&control->bound);
}

static void control_client_close(struct control_client *client)
{
    sys_close(client->fd);
    *client = (struct control_client){.fd = -1};
}

/* Closing with bytes unread would reset the connection, and the client would not get its answer. */
static void drop_command(int fd)
{
    char bytes[4096];
    ssize_t got = sys_recv(fd, bytes, sizeof(bytes));
    (void)got;
}

void control_answer(struct control_client *client, enum control_result result, struct slice text)
{
    const char *word = control_result_words[result];
    struct iovec pieces[] = {
        {.iov_base = (char *)word, .iov_len = strlen(word)},
        {.iov_base = "\n", .iov_len = 1},
        {.iov_base = (char *)text.data, .iov_len = text.length},
    };
    ssize_t sent = sys_send(client->fd, pieces, ARRAY_LENGTH(pieces), false);
    (void)sent; /* a client that is gone is no concern */
    drop_command(client->fd);
    control_client_close(client);
}

/* ---- clients ---- */

static struct control_client *find_free_client(struct control *control)
{
    for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        if (control->clients[i].fd < 0)
            return &control->clients[i];
    }
    return NULL;
}

/* A client waits for its answer. Whoever is gone may have been a worker that has been waited for already. */
static bool control_may_command(const struct control *control, pid_t process)
{
    return process == 0 || (sys_process_exists(process) && !control->is_worker(control->context, process));
}

static void control_accept(struct control *control, uint64_t now_ms)
{
    struct address peer;
    uid_t user;
    pid_t process;
    int fd = sys_accept(control->fd, &peer);
    if (fd < 0)
        return;
    struct control_client *client = find_free_client(control);
    bool is_own = sys_peer(fd, &user, &process) == 0 && sys_is_own_user(user);
    struct control_client refused = {.fd = fd};
    if (!is_own)
        control_answer(&refused, CONTROL_FAILED,
                       SLICE("only the user that vif runs as, and root, may do that\n"));
    else if (!control_may_command(control, process))
        control_answer(&refused, CONTROL_FAILED, SLICE("a worker process may not do that\n"));
    else if (client == NULL)
        control_answer(&refused, CONTROL_FAILED, SLICE("too many commands at once: try again\n"));
    else
        *client = (struct control_client){.fd = fd, .deadline_ms = now_ms + CONTROL_MS_MAX};
}

/* Of a client that waits, the end is all that can come. */
static void control_read(struct control *control, struct control_client *client)
{
    char *at = client->line + client->length;
    size_t room = sizeof(client->line) - client->length;
    ssize_t got = client->waits_for ? sys_recv(client->fd, client->line, sizeof(client->line))
                                    : sys_recv(client->fd, at, room);
    if (got == -EAGAIN)
        return;
    if (got <= 0) {
        control_client_close(client);
        return;
    }
    if (client->waits_for)
        return;
    client->length += (size_t)got;
    struct slice line = slice_make(client->line, client->length);
    size_t end = slice_find(line, '\n');
    if (end < line.length)
        control->on_command(control->context, client, slice_take(line, end));
    else if (client->length == sizeof(client->line))
        control_answer(client, CONTROL_FAILED, SLICE("the command is too long\n"));
}

static struct control_client *find_client(struct control *control, int fd)
{
    for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        if (control->clients[i].fd == fd)
            return &control->clients[i];
    }
    return NULL;
}

/* ---- the master's loop ---- */

size_t control_poll_set(const struct control *control, struct pollfd *fds)
{
    size_t count = 0;
    if (control->fd < 0)
        return 0;
    for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        if (control->clients[i].fd >= 0)
            fds[count++] = (struct pollfd){.fd = control->clients[i].fd, .events = POLLIN};
    }
    fds[count++] = (struct pollfd){.fd = control->fd, .events = POLLIN};
    return count;
}

void control_take_ready(struct control *control, const struct pollfd *fds, size_t count, uint64_t now_ms)
{
    for (size_t i = 0; i < count; i++) {
        struct control_client *client = fds[i].revents ? find_client(control, fds[i].fd) : NULL;
        if (client)
            control_read(control, client);
        else if (fds[i].revents && fds[i].fd == control->fd)
            control_accept(control, now_ms);
    }
}

int control_wait_ms(const struct control *control, uint64_t now_ms)
{
    int wait_ms = -1;
    for (size_t i = 0; control->fd >= 0 && i < CONTROL_CLIENTS_MAX; i++) {
        const struct control_client *client = &control->clients[i];
        if (client->fd < 0 || client->waits_for)
            continue;
        int due_ms = client->deadline_ms > now_ms ? (int)(client->deadline_ms - now_ms) : 0;
        wait_ms = wait_ms < 0 ? due_ms : MIN(wait_ms, due_ms);
    }
    return wait_ms;
}

void control_expire(struct control *control, uint64_t now_ms)
{
    for (size_t i = 0; control->fd >= 0 && i < CONTROL_CLIENTS_MAX; i++) {
        struct control_client *client = &control->clients[i];
        if (client->fd >= 0 && !client->waits_for && now_ms >= client->deadline_ms)
            control_answer(client, CONTROL_FAILED, SLICE("no command came\n"));
    }
}

void control_leave(struct control *control)
{
    if (control->fd < 0)
        return;
    for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        if (control->clients[i].fd >= 0)
            control_client_close(&control->clients[i]);
    }
    sys_close(control->fd);
    control->fd = -1;
}

void control_close(struct control *control)
{
    if (!control_is_opened(control) || control->fd < 0)
        return;
    sys_socket_file_remove(&control->bound, control->file);
    control_leave(control);
}
