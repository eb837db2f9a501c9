/* A root with a file, a secret beside it, and child processes that enter the sandbox of a worker there: each
 * makes one attempt, once as root (which becomes another user) and once as somebody who has no rights to
 * begin with. */
#ifndef TESTS_UNIT_PROC_SANDBOXED_H
#define TESTS_UNIT_PROC_SANDBOXED_H

#include "tests/unit/test.h"

#include "base/error.h"
#include "conf/load.h"
#include "proc/sandbox.h"
#include "sys/file.h"
#include "sys/privilege.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SOMEBODY 12345

static char folder[] = "/tmp/vif-sandbox-XXXXXX";
static char inside[64], outside[64], way_out[64];
static int root_fd = -1;
static int socket_pair[2];
static pid_t stranger;

/* ---- the world: a root with a file, and a secret beside it ---- */

static inline void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static inline int make_world(void **state)
{
    char root[64], under[64];
    (void)state;
    umask(022);
    assert_non_null(mkdtemp(folder));
    assert_int_equal(chmod(folder, 0755), 0);
    snprintf(root, sizeof(root), "%s/root", folder);
    snprintf(inside, sizeof(inside), "%s/root/page", folder);
    snprintf(outside, sizeof(outside), "%s/secret", folder);
    snprintf(way_out, sizeof(way_out), "%s/root/link", folder);
    snprintf(under, sizeof(under), "%s/root-evil", folder);
    assert_int_equal(mkdir(root, 0755), 0);
    assert_int_equal(mkdir(under, 0755), 0);
    write_file(inside, "page");
    write_file(outside, "secret");
    assert_int_equal(symlink(outside, way_out), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, socket_pair), 0);
    stranger = fork();
    if (stranger == 0) {
        pause();
        _exit(0);
    }
    return 0;
}

static inline int end_world(void **state)
{
    char command[128];
    (void)state;
    kill(stranger, SIGKILL);
    waitpid(stranger, NULL, 0);
    snprintf(command, sizeof(command), "rm -r %s", folder);
    return system(command);
}

/* ---- entering ---- */

static const char *options = ""; /* of the configuration */

static inline struct config *load(const char *more)
{
    char text[512];
    struct diagnostics diagnostics;
    struct config *config = NULL;
    diagnostics_init(&diagnostics);
    snprintf(text, sizeof(text), "%s\nsites: [{routes: {/: {files: %s/root}}%s]\n", options, folder, more);
    int error = config_load(SLICE("test"), slice_from(text), SLICE("/"), &diagnostics, &config);
    diagnostics_finish(&diagnostics);
    assert_int_equal(error, 0);
    return config;
}

static inline void write_nothing(struct log *log, enum log_level level, struct slice line)
{
    (void)log, (void)level, (void)line;
}

static bool (*confine_first)(void) = NULL; /* what is outside of the sandbox */

/* In a child: exits with what the attempt returns, an errno or 0. */
static inline _Noreturn void live_in_sandbox(int (*attempt)(void), const struct config *config,
                                             bool as_somebody)
{
    struct log log = {.write = write_nothing, .level = LOG_LEVEL_ERROR};
    char root[64];
    if (as_somebody && geteuid() == 0 && sys_become(SOMEBODY, SOMEBODY, 0) < 0)
        _exit(201);
    if (confine_first && !confine_first())
        _exit(204);
    struct worker_user user = config_worker_user(config);
    if (sandbox_enter(config, &user, &log) < 0)
        _exit(202);
    snprintf(root, sizeof(root), "%s/root", folder);
    root_fd = sys_open_root(root);
    if (root_fd < 0)
        _exit(203);
    _exit(attempt());
}

static inline int try_as(int (*attempt)(void), const char *more, bool as_somebody)
{
    struct config *config = load(more);
    int status;
    pid_t pid = fork();
    if (pid == 0)
        live_in_sandbox(attempt, config, as_somebody);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    config_destroy(config);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

#define NO_MORE    "}"
#define WITH_PROXY "}, {hosts: [a.example], routes: {/: {proxy: 'http://127.0.0.1:9'}}}"
#define WITH_UNIX  "}, {hosts: [a.example], routes: {/: {proxy: 'unix:/run/a.sock'}}}"

static inline void assert_result(const char *name, int (*attempt)(void), const char *more, int error)
{
    for (int as_somebody = 0; as_somebody < 2; as_somebody++) {
        int result = try_as(attempt, more, as_somebody);
        if (result != error)
            fail_msg("%s%s: %d (%s) instead of %d", name, as_somebody ? " as somebody" : "", result,
                     strerror(result), error);
    }
}
#define assert_allowed(attempt)      assert_result(#attempt, attempt, NO_MORE, 0)
#define assert_refused(attempt, why) assert_result(#attempt, attempt, NO_MORE, why)

static inline int of(long result)
{
    return result < 0 ? errno : 0;
}

static inline void skip_without(bool is_there)
{
    if (!is_there)
        skip();
}

/* ---- attempts ---- */

static inline int read_a_page(void)
{
    char bytes[4];
    int fd = sys_open_beneath(root_fd, "page", 0);
    return fd < 0 ? -fd : of(read(fd, bytes, sizeof(bytes)));
}

static inline int read_a_secret(void)
{
    return of(open(outside, O_RDONLY));
}

static inline int make_a_tcp_socket(void)
{
    return of(socket(AF_INET, SOCK_STREAM, 0));
}

#endif
