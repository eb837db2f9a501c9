/* The master opens for workers what the configuration names, and nothing else, whatever a worker asks for. */
#include "../test.h"

#include "base/error.h"
#include "conf/load.h"
#include "proc/file_opener.h"
#include "sys/output.h"
#include "sys/private_file.h"
#include "sys/process.h"
#include "sys/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[] = "/tmp/vif-opener-XXXXXX";
static char log_path[64], other_path[64];
static struct file_opener opener;
static struct config *config;
static size_t lost_root_of;
static unsigned lines;

enum { WORKERS = 3, ASKS = 1, NOW_MS = 5000 };

static void count_lines(struct log *log, enum log_level level, struct slice line)
{
    (void)log, (void)level, (void)line;
    lines++;
}

static void note_root(void *context, size_t worker)
{
    (void)context;
    lost_root_of = worker;
}

static struct config *load(const char *path)
{
    char text[256];
    struct diagnostics diagnostics;
    struct config *loaded = NULL;
    diagnostics_init(&diagnostics);
    snprintf(text, sizeof(text), "log: {access: %s}\nsites: [{routes: {/: {files: %s}}}]\n", path, folder);
    int error = config_load(SLICE("test"), slice_from(text), SLICE("/"), &diagnostics, &loaded);
    diagnostics_finish(&diagnostics);
    assert_int_equal(error, 0);
    return loaded;
}

static int make_world(void **state)
{
    static struct log log = {.write = count_lines, .level = LOG_LEVEL_ERROR};
    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(log_path, sizeof(log_path), "%s/access.log", folder);
    snprintf(other_path, sizeof(other_path), "%s/other", folder);
    config = load(log_path);
    opener = (struct file_opener){.log = &log, .on_root = note_root};
    assert_int_equal(file_opener_reserve(&opener, WORKERS), 0);
    return 0;
}

static int end_world(void **state)
{
    (void)state;
    file_opener_end(&opener);
    config_destroy(config);
    unlink(log_path);
    unlink(other_path);
    return rmdir(folder);
}

/* What the master does in one turn; waits until a worker wants something. */
static void turn(const struct config *current, uint64_t now_ms)
{
    struct pollfd fds[WORKERS];
    size_t count = file_opener_poll_set(&opener, fds, now_ms);
    assert_int_not_equal(sys_poll(fds, count, 10000), 0);
    file_opener_take_ready(&opener, fds, count, current, NULL, now_ms);
}

static pid_t start_worker(int (*work)(const void *context), const void *context)
{
    assert_int_equal(file_opener_open(&opener, ASKS), 0);
    pid_t pid = fork();
    if (pid == 0) {
        file_opener_use(&opener, ASKS);
        _exit(work(context));
    }
    file_opener_forked(&opener, ASKS);
    return pid;
}

/* Of those that looked at files. */
static void take_ends(void)
{
    struct process_change change = {.fate = PROCESS_EXITED};
    while ((change.pid = waitpid(-1, NULL, 0)) > 0)
        assert_true(file_opener_take_change(&opener, &change));
}

/* Until the worker has ended, and with it the way to it; returns its status. */
static int serve_worker(pid_t pid, const struct config *current)
{
    int status;
    while (opener.workers[ASKS].ends.pipe_fd >= 0)
        turn(current, NOW_MS);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    take_ends();
    return WEXITSTATUS(status);
}

struct question {
    enum opener_kind kind;
    const char *path;
};

static int ask_it(const void *context)
{
    const struct question *question = context;
    int result = sys_opener_ask(question->kind, question->path, NULL);
    return result < 0 ? -result : 0;
}

/* A worker that asks, while the master answers: the result is what it got, as an errno. */
static int ask(enum opener_kind kind, const char *path, const struct config *current)
{
    struct question question = {kind, path};
    return serve_worker(start_worker(ask_it, &question), current);
}

static void logs_of_the_configuration_are_opened(void **state)
{
    (void)state;
    assert_int_equal(ask(OPENER_APPEND, log_path, config), 0);
    assert_int_equal(access(log_path, F_OK), 0);
    assert_int_equal(ask(OPENER_APPEND, other_path, config), EACCES);
    assert_int_equal(access(other_path, F_OK), -1);
}

static void logs_of_earlier_settings_are_opened_anew(void **state)
{
    struct config *later = load("/dev/null");
    (void)state;
    assert_int_equal(ask(OPENER_APPEND, log_path, config), 0);
    assert_int_equal(ask(OPENER_APPEND, log_path, later), 0);
    config_destroy(later);
}

static void other_files_are_not_read(void **state)
{
    (void)state;
    assert_int_equal(ask(OPENER_READ, "/etc/passwd", config), EACCES);
    assert_int_equal(ask(OPENER_READ, log_path, config), EACCES);
    assert_int_equal(ask(OPENER_STATUS, "/etc/passwd", config), EACCES);
    assert_int_equal(ask(OPENER_READ, "", config), EACCES);
}

static void a_root_that_is_out_of_reach_is_noted(void **state)
{
    (void)state;
    assert_int_equal(ask(OPENER_ROOT, "/etc", config), EACCES);
    assert_int_equal(lost_root_of, 0); /* as before */
    assert_int_equal(ask(OPENER_ROOT, folder, config), 0);
    assert_int_equal(lost_root_of, ASKS);
}

/* ---- many threads ---- */

#define THREADS 40
#define ROUNDS  20

static char unnamed_path[4000]; /* a pipe has room for 16 such questions */

static void *ask_often(void *result)
{
    for (int i = 0; i < ROUNDS; i++) {
        int fd = sys_opener_ask(OPENER_APPEND, log_path, NULL);
        bool is_opened = fd >= 0 && write(fd, "x", 1) == 1 && close(fd) == 0;
        if (!is_opened || sys_opener_ask(OPENER_READ, unnamed_path, NULL) != -EACCES)
            return NULL;
    }
    return result;
}

static int ask_from_threads(const void *context)
{
    pthread_t threads[THREADS];
    size_t right = 0;
    for (size_t i = 0; i < THREADS; i++) {
        if (pthread_create(&threads[i], NULL, ask_often, &right) != 0)
            return 1;
    }
    for (size_t i = 0; i < THREADS; i++) {
        void *result;
        pthread_join(threads[i], &result);
        right += result != NULL;
    }
    (void)context;
    return right == THREADS ? 0 : 1;
}

static void each_thread_gets_its_own_reply(void **state)
{
    (void)state;
    unlink(log_path);
    memset(unnamed_path, '/', sizeof(unnamed_path) - 1);
    assert_int_equal(serve_worker(start_worker(ask_from_threads, NULL), config), 0);
    struct stat status;
    assert_int_equal(stat(log_path, &status), 0);
    assert_int_equal(status.st_size, THREADS * ROUNDS);
}

/* ---- certificates ---- */

static int watch_a_file(const void *certificate)
{
    struct question question = {OPENER_WATCH, certificate};
    if (ask_it(&question) == 0) /* there is no inotify descriptor yet */
        return 1;
    int fd = sys_opener_ask(OPENER_INOTIFY, "", NULL);
    if (fd < 0 || ask_it(&question) != 0)
        return 2;
    int written = open(certificate, O_WRONLY | O_APPEND);
    struct pollfd changed = {.fd = fd, .events = POLLIN};
    return written >= 0 && write(written, "x", 1) == 1 && sys_poll(&changed, 1, 10000) == 1 ? 0 : 3;
}

static void the_master_watches_by_a_descriptor_that_it_has_made(void **state)
{
    struct listener_settings listener = {.https = {.is_on = true, .client_ca = slice_from(other_path)}};
    struct settings settings = {.listeners = &listener, .listener_count = 1};
    struct config with_file = {.settings = &settings};
    (void)state;
    close(open(other_path, O_WRONLY | O_CREAT, 0600));
#ifdef HAVE_TLS
    assert_int_equal(serve_worker(start_worker(watch_a_file, other_path), &with_file), 0);
#else
    (void)with_file, (void)watch_a_file;
#endif
    unlink(other_path);
}

/* ---- workers that somebody has taken over ---- */

static struct message_ends take_over(void)
{
    assert_int_equal(file_opener_open(&opener, ASKS), 0);
    struct message_ends ends = opener.workers[ASKS].worker_ends;
    opener.workers[ASKS].worker_ends = MESSAGE_ENDS_NONE;
    return ends;
}

static void send_request(const struct message_ends *ends, enum opener_kind kind, const char *path)
{
    struct opener_request request = {.kind = kind};
    size_t length = offsetof(struct opener_request, path) + strlen(path) + 1;
    strcpy(request.path, path);
    assert_int_equal(sys_packet_send(ends->pipe_fd, slice_make((const char *)&request, length)), 0);
}

static void a_worker_ends_its_own_way_only(void **state)
{
    static const char garbage[64] = "garbage";
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct message_ends ends = take_over();
        if (i == 0)
            shutdown(ends.socket_fd, SHUT_RDWR);
        if (i <= 1)
            close(ends.pipe_fd);
        else
            assert_int_equal(sys_packet_send(ends.pipe_fd, slice_make(garbage, sizeof(garbage))), 0);
        turn(config, NOW_MS);
        struct pollfd fds[WORKERS];
        assert_int_equal(file_opener_poll_set(&opener, fds, NOW_MS), 0); /* nothing to turn for */
        assert_int_equal(file_opener_wait_ms(&opener, NOW_MS), -1);
        close(ends.socket_fd);
        if (i == 2)
            close(ends.pipe_fd);
        assert_int_equal(ask(OPENER_APPEND, log_path, config), 0);
    }
}

/* Returns what the reply says, and closes what comes with it. */
static int take_reply(const struct message_ends *ends)
{
    struct pollfd replied = {.fd = ends->socket_fd, .events = POLLIN};
    struct opener_reply reply;
    int fds[SYS_MESSAGE_FDS_MAX];
    size_t fd_count;
    assert_int_equal(sys_poll(&replied, 1, 10000), 1);
    ssize_t length = sys_message_receive(ends->socket_fd, &reply, sizeof(reply), fds, &fd_count);
    assert_int_equal(length, sizeof(reply));
    for (size_t i = 0; i < fd_count; i++)
        close(fds[i]);
    return reply.error;
}

static int ask_for_file(const struct message_ends *ends)
{
    struct listener_settings listener = {.https = {.is_on = true, .client_ca = slice_from(other_path)}};
    struct settings settings = {.listeners = &listener, .listener_count = 1};
    struct config with_file = {.settings = &settings};
    send_request(ends, OPENER_READ, other_path);
    turn(&with_file, NOW_MS);
    return take_reply(ends);
}

/* A place is free when its process was waited for, also if there is another process with the same id then. */
static void a_worker_has_so_many_processes(void **state)
{
    struct process_change change = {.pid = getpid(), .fate = PROCESS_STOPPED};
    (void)state;
    close(open(other_path, O_WRONLY | O_CREAT, 0600));
    struct message_ends ends = take_over();
    for (int i = 0; i < FILE_OPENER_PROCESSES_OF_WORKER; i++)
        opener.processes[i] = (struct file_opener_process){.pid = change.pid, .worker = ASKS};
    assert_int_equal(ask_for_file(&ends), -EAGAIN);
    assert_true(file_opener_take_change(&opener, &change));
    assert_int_equal(ask_for_file(&ends), -EAGAIN);
    change.fate = PROCESS_KILLED;
    for (int i = 0; i < FILE_OPENER_PROCESSES_OF_WORKER; i++)
        assert_true(file_opener_take_change(&opener, &change));
    assert_false(file_opener_take_change(&opener, &change));
    for (int i = 0; i < FILE_OPENER_PROCESSES_OF_WORKER; i++)
        assert_int_equal(ask_for_file(&ends), 0);
    assert_int_equal(ask_for_file(&ends), -EAGAIN);
    take_ends();
    assert_int_equal(ask_for_file(&ends), 0);
    take_ends();
    sys_message_ends_close(&ends);
    unlink(other_path);
}

static void requests_for_other_files_are_told_once_in_a_second(void **state)
{
    (void)state;
    struct message_ends ends = take_over();
    opener.refused = (struct line_limit){0};
    lines = 0;
    for (uint64_t i = 0; i < 300; i++) {
        send_request(&ends, OPENER_READ, "/etc/shadow");
        turn(config, NOW_MS + i * 10);
        assert_int_equal(take_reply(&ends), -EACCES);
    }
    assert_int_equal(lines, 3);
    sys_message_ends_close(&ends);
}

static void a_worker_has_so_many_requests_in_a_second(void **state)
{
    struct pollfd fds[WORKERS];
    (void)state;
    struct message_ends ends = take_over();
    for (int i = 0; i < FILE_OPENER_REQUESTS_PER_SECOND; i++) {
        assert_int_equal(file_opener_poll_set(&opener, fds, NOW_MS), 1);
        send_request(&ends, OPENER_APPEND, log_path);
        turn(config, NOW_MS);
    }
    assert_int_equal(file_opener_poll_set(&opener, fds, NOW_MS + 990), 0);
    assert_int_equal(file_opener_wait_ms(&opener, NOW_MS + 990), 10);
    assert_int_equal(file_opener_poll_set(&opener, fds, NOW_MS + 1000), 1);
    sys_message_ends_close(&ends);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logs_of_the_configuration_are_opened),
        cmocka_unit_test(logs_of_earlier_settings_are_opened_anew),
        cmocka_unit_test(other_files_are_not_read),
        cmocka_unit_test(a_root_that_is_out_of_reach_is_noted),
        cmocka_unit_test(each_thread_gets_its_own_reply),
        cmocka_unit_test(the_master_watches_by_a_descriptor_that_it_has_made),
        cmocka_unit_test(a_worker_ends_its_own_way_only),
        cmocka_unit_test(a_worker_has_so_many_processes),
        cmocka_unit_test(requests_for_other_files_are_told_once_in_a_second),
        cmocka_unit_test(a_worker_has_so_many_requests_in_a_second),
    };
    return cmocka_run_group_tests(tests, make_world, end_world);
}
