/* `vif top`: asks the running vif for its figures every second, and shows what has changed. On a terminal it
 * has the screen to itself until Ctrl+C; elsewhere, and with --once, it prints one page. */
#include "cli/commands.h"
#include "cli/control_client.h"
#include "cli/print.h"
#include "cli/session.h"
#include "cli/terminal.h"
#include "cli/top_page.h"

#include "base/error.h"
#include "conf/quantity.h"
#include "sys/output.h"
#include "sys/signal.h"
#include "sys/socket.h"

#include <stdio.h>
#include <unistd.h>

#define INTERVAL_MS     1000
#define INTERVAL_MS_MIN 100
#define INTERVAL_MS_MAX 60000

/* To count, a server needs no time. */
#define ANSWER_MS_MAX 5000

/* Another screen, which the terminal forgets afterwards, without a cursor. */
#define SCREEN_BEGIN "\033[?1049h\033[?25l"
#define SCREEN_END   "\033[?25h\033[?1049l"

/* From the top, each line up to its end, then the rest of the screen: nothing flickers. */
#define SCREEN_HOME      "\033[H"
#define SCREEN_LINE_END  "\033[K\r\n"
#define SCREEN_REST_GONE "\033[J"

struct top {
    const struct arguments *arguments;
    struct address server;
    uint64_t interval_ms;
    int signal_fd; /* -1: one page only */
    struct top_sample samples[2];
    unsigned newest;
    bool has_two; /* samples, of the same process */
};

/* ---- figures ---- */

static bool top_find(struct top *top)
{
    const struct control_server *server = control_choose_server(top->arguments);
    if (server)
        top->server = server->address;
    return server != NULL;
}

static bool top_ask(struct top *top, struct top_sample *sample)
{
    struct buffer answer;
    buffer_init(&answer, CONTROL_ANSWER_BYTES_MAX);
    int error = control_ask(&top->server, "figures\n", ANSWER_MS_MAX, &answer);
    struct slice text = buffer_slice(&answer);
    bool is_read = error == 0 && control_take_result(&text) == CONTROL_DONE && top_sample_read(sample, text);
    buffer_finish(&answer);
    return is_read;
}

/* After an upgrade another process answers, on another socket. */
static bool top_take_sample(struct top *top)
{
    unsigned next = 1 - top->newest;
    bool had_one = top->samples[top->newest].now_ms > 0;
    if (!top_ask(top, &top->samples[next]) && !(top_find(top) && top_ask(top, &top->samples[next])))
        return false;
    top->has_two = had_one && top->samples[next].pid == top->samples[top->newest].pid;
    top->newest = next;
    return true;
}

static void top_print(const struct top *top, const struct top_page *page, struct buffer *out)
{
    const struct top_sample *now = &top->samples[top->newest];
    top_page_print(page, top->has_two ? &top->samples[1 - top->newest] : now, now, out);
}

/* ---- waiting ---- */

/* Waits for the next sample; false: it is over. The window may get another size meanwhile. */
static bool top_wait(const struct top *top, bool *ret_is_resized)
{
    struct pollfd pollfd = {.fd = top->signal_fd, .events = POLLIN};
    struct signal_seen seen;
    *ret_is_resized = false;
    if (sys_poll(&pollfd, 1, (int)top->interval_ms) <= 0 || top->signal_fd < 0)
        return true;
    while (sys_signal_next(top->signal_fd, &seen)) {
        if (seen.number != SIGWINCH)
            return false;
        *ret_is_resized = true;
    }
    return true;
}

/* ---- a page, and the screen ---- */

static int top_once(struct top *top)
{
    struct top_page page = {.rows = UINT32_MAX, .columns = UINT32_MAX};
    struct buffer out;
    bool is_resized;
    buffer_init(&out, 1u << 20);
    bool is_there = top_take_sample(top) && top_wait(top, &is_resized) && top_take_sample(top);
    if (is_there)
        top_print(top, &page, &out);
    int exit_code = is_there ? print_finish(&out, 0) : EXIT_FAILED;
    buffer_finish(&out);
    return exit_code;
}

static void put_on_screen(struct slice text)
{
    struct slice line;
    fputs(SCREEN_HOME, stdout);
    while (text.length > 0) {
        size_t end = slice_find(text, '\n');
        line = slice_take(text, end);
        fwrite(line.data, 1, line.length, stdout);
        text = slice_skip(text, MIN(end + 1, text.length));
        fputs(text.length > 0 ? SCREEN_LINE_END : "\033[K", stdout);
    }
    fputs(SCREEN_REST_GONE, stdout);
    fflush(stdout);
}

static void top_draw(const struct top *top)
{
    struct top_page page = {.rows = 24, .columns = 80, .has_colours = terminal_has_colours(stdout)};
    struct buffer out;
    sys_terminal_size(STDOUT_FILENO, &page.rows, &page.columns);
    buffer_init(&out, 1u << 20);
    top_print(top, &page, &out);
    put_on_screen(buffer_slice(&out));
    buffer_finish(&out);
}

static int top_live(struct top *top)
{
    sigset_t signals = sys_signal_set(SIGINT, SIGTERM, SIGHUP, SIGWINCH, 0);
    sys_signal_block(&signals, NULL);
    top->signal_fd = sys_signal_open(&signals);
    bool is_there = true, is_resized = false;
    if (top->signal_fd < 0)
        return EXIT_FAILED;
    fputs(SCREEN_BEGIN, stdout);
    do {
        is_there = is_resized || top_take_sample(top);
        if (is_there)
            top_draw(top);
    } while (is_there && top_wait(top, &is_resized));
    fputs(SCREEN_END, stdout);
    fflush(stdout);
    sys_close(top->signal_fd);
    if (!is_there)
        fputs("vif: the server has ended\n", stderr);
    return is_there ? EXIT_GOOD : EXIT_FAILED;
}

static bool top_read_interval(struct top *top)
{
    const char *value = given_value(top->arguments, "interval");
    top->interval_ms = INTERVAL_MS;
    if (value == NULL || (quantity_read_duration(slice_from(value), &top->interval_ms) &&
                          top->interval_ms >= INTERVAL_MS_MIN && top->interval_ms <= INTERVAL_MS_MAX))
        return true;
    fprintf(stderr, "vif: --interval %s: expected a time from 100ms to 1m\n", value);
    return false;
}

static int run_top(struct session *session)
{
    static struct top top; /* too large for some stacks */
    top = (struct top){.arguments = &session->arguments, .signal_fd = -1};
    if (!top_read_interval(&top))
        return EXIT_MISTAKE;
    if (!top_find(&top))
        return EXIT_FAILED;
    bool is_live = terminal_is(stdout) && given_value(&session->arguments, "once") == NULL;
    return is_live ? top_live(&top) : top_once(&top);
}

int command_top(char *const *words)
{
    return session_run(FLAG_OF_TOP, words, run_top);
}
