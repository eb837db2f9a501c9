/* `vif password`: makes a line of a password file. At a terminal the password is asked for twice and does not
 * show; otherwise standard input is the password, as one line. It is in no argument: others could read that
 * in the list of processes.
 *
 * While it is typed, signals wait in a descriptor beside the terminal, so that none leaves a terminal behind
 * that shows nothing. They take effect when it shows again. */
#include "cli/commands.h"
#include "cli/print.h"
#include "cli/session.h"

#include "base/error.h"
#include "sys/file.h"
#include "sys/output.h"
#include "sys/password.h"
#include "sys/process.h"
#include "sys/signal.h"
#include "sys/socket.h"
#include "sys/terminal.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

/* One byte more than a password: to see that it is too long. And its line feed. */
struct typed_line {
    char text[PASSWORD_BYTES_MAX + 3];
    size_t length;
};

static int password_fail(const char *why, const char *detail)
{
    fprintf(stderr, "vif: %s%s\n", why, detail);
    return EXIT_FAILED;
}

/* ---- reading ---- */

/* Reads to the end of a line, or of the input. Returns 0 or -errno; -EINTR if there is a signal. */
static int read_typed_line(int signal_fd, struct typed_line *line)
{
    struct pollfd fds[] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = signal_fd, .events = POLLIN}};
    while (line->length < sizeof(line->text) && memchr(line->text, '\n', line->length) == NULL) {
        int ready = sys_poll(fds, ARRAY_LENGTH(fds), -1);
        if (ready < 0 || fds[1].revents != 0)
            return ready < 0 ? ready : -EINTR;
        ssize_t count = sys_read(STDIN_FILENO, line->text + line->length, sizeof(line->text) - line->length);
        if (count <= 0)
            return (int)count;
        line->length += (size_t)count;
    }
    return 0;
}

/* What was typed, without its line end; data is NULL if it is no password, which is told. NUL-terminated. */
static struct slice take_typed_line(struct typed_line *line)
{
    struct slice text = slice_make(line->text, line->length);
    const char *fault = NULL;
    if (slice_ends_with(text, SLICE("\n")))
        text.length--;
    if (slice_ends_with(text, SLICE("\r")))
        text.length--;
    for (size_t i = 0; i < text.length; i++) {
        if ((unsigned char)text.data[i] < ' ' || text.data[i] == 0x7f)
            fault = "a password is one line, without control characters";
    }
    if (text.length > PASSWORD_BYTES_MAX)
        fault = "a password can have 511 bytes";
    if (text.length == 0)
        fault = "the password is empty";
    if (fault) {
        password_fail(fault, "");
        return (struct slice){0};
    }
    line->text[text.length] = '\0';
    return text;
}

static int ask_hidden(int signal_fd, const char *prompt, struct typed_line *line)
{
    fputs(prompt, stderr);
    fflush(stderr);
    return read_typed_line(signal_fd, line);
}

/* Both lines, with signals waiting and nothing showing. */
static int ask_twice_hidden(struct typed_line *first, struct typed_line *second)
{
    sigset_t before, signals = sys_signal_set(SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, 0);
    sys_signal_block(&signals, &before);
    int signal_fd = sys_signal_open(&signals);
    int error = signal_fd < 0 ? signal_fd : sys_terminal_set_echo(STDIN_FILENO, false);
    if (error == 0) {
        error = ask_hidden(signal_fd, "Password: ", first);
        if (error == 0)
            error = ask_hidden(signal_fd, "Again: ", second);
        int shown = sys_terminal_set_echo(STDIN_FILENO, true);
        error = error ? error : shown;
    }
    if (signal_fd >= 0)
        sys_close(signal_fd);
    sys_signal_restore(&before);
    return error;
}

static int read_password(struct typed_line *line)
{
    struct typed_line again = {.length = 0};
    int error = sys_is_terminal(STDIN_FILENO) ? ask_twice_hidden(line, &again) : read_typed_line(-1, line);
    bool differs = sys_is_terminal(STDIN_FILENO) &&
                   (line->length != again.length || memcmp(line->text, again.text, line->length) != 0);
    explicit_bzero(&again, sizeof(again));
    if (error < 0)
        return password_fail("cannot read the password: ", error_text(error));
    return differs ? password_fail("the two passwords differ", "") : EXIT_GOOD;
}

/* ---- the line ---- */

static bool is_user_name(struct slice name)
{
    for (size_t i = 0; i < name.length; i++) {
        if ((unsigned char)name.data[i] < ' ' || name.data[i] == 0x7f || name.data[i] == ':')
            return false;
    }
    return name.length > 0;
}

static int print_password_line(struct slice name, struct typed_line *line)
{
    char hash[PASSWORD_HASH_BYTES];
    struct buffer text;
    struct slice password = take_typed_line(line);
    if (password.data == NULL)
        return EXIT_FAILED;
    int error = password_hash(password.data, hash);
    if (error == -ENOTSUP)
        return password_fail("it was built without libcrypt, and cannot hash passwords", "");
    if (error < 0)
        return password_fail("cannot hash the password: ", error_text(error));
    buffer_init(&text, PASSWORD_HASH_BYTES + 4096);
    buffer_printf(&text, "%.*s:%s\n", SLICE_ARGS(name), hash);
    return print_finish(&text, text.failed ? -ENAMETOOLONG : 0);
}

static int run_password(struct session *session)
{
    struct slice name = session->arguments.operand.text;
    struct typed_line line = {.length = 0};
    if (!is_user_name(name)) {
        fputs("vif: vif password: expected the user's name, without colons; try \"vif password admin\"\n",
              stderr);
        return EXIT_MISTAKE;
    }
    int exit_code = read_password(&line);
    if (exit_code == EXIT_GOOD)
        exit_code = print_password_line(name, &line);
    explicit_bzero(&line, sizeof(line));
    return exit_code;
}

int command_password(char *const *words)
{
    return session_run(FLAG_OF_PASSWORD, words, run_password);
}
