/* Looks for the sockets in the run folder, and asks each server what it serves. */
#include "cli/control_client.h"

#include "base/error.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/glob.h"
#include "sys/path.h"
#include "sys/run_folder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* To say what it serves, a server needs no time. */
#define TITLE_MS_MAX 2000

#define SERVERS_MAX 64

/* While one vif takes the place of another, both may be found, and the new one answers when the old one has
 * left; one that is busy may not have answered. On a busy machine that takes a while. */
#define NEXT_LOOK_MS 300
#define LOOKS_MS_MAX 4500

struct control_search {
    char folder[SYS_RUN_FOLDER_BYTES];
    struct control_server servers[SERVERS_MAX];
    size_t count;
    unsigned silent; /* the process id of a server that has not said what it serves; 0: none */
    bool has_left;   /* one has ended since the folder was read */
};

/* ---- one question ---- */

static int receive_answer(int fd, int timeout_ms, struct buffer *out)
{
    char bytes[4096];
    for (;;) {
        struct pollfd wanted = {.fd = fd, .events = POLLIN};
        int ready = sys_poll(&wanted, 1, timeout_ms);
        if (ready == 0 && timeout_ms >= 0)
            return -ETIMEDOUT;
        ssize_t got = ready < 0 ? ready : sys_recv(fd, bytes, sizeof(bytes));
        if (got > 0 && !buffer_append(out, slice_make(bytes, (size_t)got)))
            return -ENOMEM;
        if (got <= 0 && got != -EAGAIN)
            return (int)got;
    }
}

int control_ask(const struct address *address, const char *command, int timeout_ms, struct buffer *out)
{
    int fd = sys_connect(address);
    if (fd < 0)
        return fd;
    struct iovec piece = {.iov_base = (char *)command, .iov_len = strlen(command)};
    ssize_t sent = sys_send(fd, &piece, 1, false);
    (void)sent; /* a server that does not want to hear it has answered before */
    int error = receive_answer(fd, timeout_ms, out);
    sys_close(fd);
    return error;
}

enum control_result control_take_result(struct slice *answer)
{
    size_t end = slice_find(*answer, '\n');
    struct slice word = slice_take(*answer, end);
    *answer = slice_skip(*answer, MIN(end + 1, answer->length));
    for (int i = 0; i < CONTROL_RESULT_COUNT; i++) {
        if (slice_equal(word, slice_from(control_result_words[i])))
            return (enum control_result)i;
    }
    return CONTROL_FAILED;
}

/* ---- finding it ---- */

/* Returns false if it does not answer. */
static bool ask_title(struct control_server *server)
{
    struct buffer answer;
    buffer_init(&answer, CONTROL_ANSWER_BYTES_MAX);
    int error = control_ask(&server->address, "title\n", TITLE_MS_MAX, &answer);
    struct slice text = buffer_slice(&answer);
    bool is_known = error == 0 && control_take_result(&text) == CONTROL_DONE;
    struct slice title = is_known ? slice_take(text, slice_find(text, '\n')) : SLICE("?");
    snprintf(server->title, sizeof(server->title), "%.*s", SLICE_ARGS(title));
    buffer_finish(&answer);
    return is_known;
}

/* A socket that nobody listens on was left by a server that was killed. */
static bool server_runs(const struct address *address)
{
    int fd = sys_connect(address);
    if (fd >= 0)
        sys_close(fd);
    return fd >= 0 || fd == -EAGAIN;
}

/* It takes its socket away first. */
static bool server_has_left(const char *path)
{
    struct file_status status;
    return sys_path_status(path, &status) == -ENOENT;
}

static void consider(struct control_search *search, const char *path)
{
    struct address address = {.length = sizeof(address.unix_path)};
    uint64_t pid;
    struct slice name = slice_skip(slice_from(path), strlen(search->folder) + 1);
    bool is_socket = slice_to_u64(slice_take(name, slice_find(name, '.')), &pid) &&
                     strlen(path) < sizeof(address.unix_path.sun_path);
    if (!is_socket || search->count == SERVERS_MAX)
        return;
    address.unix_path.sun_family = AF_UNIX;
    snprintf(address.unix_path.sun_path, sizeof(address.unix_path.sun_path), "%s", path);
    if (!server_runs(&address)) {
        search->has_left |= server_has_left(path);
        return;
    }
    struct control_server *server = &search->servers[search->count++];
    *server = (struct control_server){.pid = (unsigned)pid, .address = address};
    if (!ask_title(server))
        search->silent = server->pid;
}

static int find_servers(struct control_search *search)
{
    struct glob_matches matches;
    char pattern[SYS_RUN_FOLDER_BYTES + 16];
    int error = sys_run_folder_find(search->folder);
    if (error < 0)
        return error;
    snprintf(pattern, sizeof(pattern), "%s/*.sock", search->folder);
    error = sys_glob(pattern, &matches);
    if (error < 0)
        return error;
    for (size_t i = 0; i < matches.list.gl_pathc; i++)
        consider(search, matches.list.gl_pathv[i]);
    sys_glob_free(&matches);
    return 0;
}

const char *given_value(const struct arguments *arguments, const char *name)
{
    const char *value = NULL;
    for (size_t i = 0; i < arguments->given_count; i++)
        if (strcmp(arguments->given[i].flag->name, name) == 0)
            value = arguments->given[i].value.text.data;
    return value;
}

/* The path that a server has as its title. */
static bool is_served_from(const struct control_server *server, const char *file)
{
    char path[PATH_MAX];
    char title[PATH_MAX];
    return file == NULL || (sys_real_path(file, path) == 0 && sys_real_path(server->title, title) == 0 &&
                            strcmp(path, title) == 0);
}

static void keep_wanted(struct control_search *search, const struct arguments *arguments)
{
    const char *pid = given_value(arguments, "pid");
    size_t count = 0;
    for (size_t i = 0; i < search->count; i++) {
        const struct control_server *server = &search->servers[i];
        if ((pid == NULL || server->pid == strtoul(pid, NULL, 10)) &&
            is_served_from(server, arguments->config))
            search->servers[count++] = *server;
    }
    search->count = count;
}

static void control_look(struct control_search *search, const struct arguments *arguments, int *ret_error)
{
    search->count = 0;
    search->silent = 0;
    search->has_left = false;
    *ret_error = find_servers(search);
    keep_wanted(search, arguments);
}

static void tell_choice(const struct control_search *search, int error)
{
    if (error < 0)
        fprintf(stderr, "vif: cannot look for running servers in %s: %s\n", search->folder,
                error_text(error));
    if (search->count == 0 && error == 0 && search->silent > 0)
        fprintf(stderr, "vif: process %u does not answer; no other vif that is meant runs\n", search->silent);
    else if (search->count == 0 && error == 0)
        fprintf(stderr, "vif: no such vif runs: its socket would be in %s; only its user and root find it\n",
                search->folder);
    if (search->count > 1)
        fprintf(stderr, "vif: %zu servers run: choose one of them with --pid or -c\n", search->count);
    for (size_t i = 0; i < search->count; i++)
        fprintf(stderr, "  --pid %u  %s\n", search->servers[i].pid, search->servers[i].title);
}

size_t control_find_servers(const struct control_server **ret_servers)
{
    static struct control_search search;
    search.count = 0;
    int error = find_servers(&search);
    *ret_servers = search.servers;
    return error < 0 ? 0 : search.count;
}

/* Whether two serve the same: one takes the place of the other, or they will be told apart by --pid. */
static bool has_succession(const struct control_search *search)
{
    for (size_t i = 1; i < search->count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (strcmp(search->servers[i].title, search->servers[j].title) == 0)
                return true;
        }
    }
    return false;
}

/* After so many looks. Where nobody was found, one may have gone, and another come, since the folder was
 * read: that one is found by the next look, unless it is gone by then, too, as others that are asked before
 * it may be slow. */
static bool is_worth_a_look(const struct control_search *search, unsigned looks, uint64_t until_ms)
{
    if (search->count == 1 || (looks > 1 && sys_monotonic_ms() >= until_ms))
        return false;
    return looks == 1 || (search->count == 0 && (search->silent > 0 || search->has_left)) ||
           has_succession(search);
}

static void pause_before_look(const struct control_search *search)
{
    struct pollfd nothing = {.fd = -1};
    if (search->count > 0 || search->silent > 0)
        (void)!sys_poll(&nothing, 1, NEXT_LOOK_MS);
}

const struct control_server *control_choose_server(const struct arguments *arguments)
{
    static struct control_search search; /* too large for some stacks */
    uint64_t until_ms = sys_monotonic_ms() + LOOKS_MS_MAX;
    int error;
    control_look(&search, arguments, &error);
    for (unsigned looks = 1; is_worth_a_look(&search, looks, until_ms); looks++) {
        pause_before_look(&search);
        control_look(&search, arguments, &error);
    }
    if (search.count == 1)
        return &search.servers[0];
    tell_choice(&search, error);
    return NULL;
}
