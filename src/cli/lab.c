/* `vif lab`: measures the models of lab/, shows and writes what came out; or serves a folder as one of them
 * does. */
#include "cli/banner.h"
#include "cli/commands.h"
#include "cli/help.h"
#include "cli/lab_flags.h"
#include "cli/print.h"
#include "cli/terminal.h"
#include "cli/whole_file.h"

#include "base/error.h"
#include "lab/listen.h"
#include "lab/processes.h"
#include "lab/report/report.h"
#include "lab/run/machine.h"
#include "lab/veth.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/path.h"
#include "sys/process.h"
#include "sys/replace.h"
#include "sys/signal.h"
#include "sys/socket.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define TEXT_BYTES_MAX (16u << 20)

static int lab_command_fail(const char *what, const char *about, int error)
{
    fprintf(stderr, "vif: %s %s: %s\n", what, about, error_text(error));
    return EXIT_FAILED;
}

/* --- files --- */

#define FILE_PATH_BYTES_MAX 4096

static void lab_command_name_file(const char *folder, const char *name, char path[FILE_PATH_BYTES_MAX])
{
    snprintf(path, FILE_PATH_BYTES_MAX, "%s/%s", folder, name);
}

/* Before ten minutes are spent on what cannot be kept. */
static bool can_write(const char *folder, bool with_json)
{
    char page[FILE_PATH_BYTES_MAX], json[FILE_PATH_BYTES_MAX];
    lab_command_name_file(folder, "lab.html", page);
    lab_command_name_file(folder, "lab.json", json);
    int error = sys_can_replace_file(page);
    if (error == 0 && with_json)
        error = sys_can_replace_file(json);
    if (error)
        lab_command_fail("cannot write to the folder", folder, error);
    return error == 0;
}

static int lab_command_write_file(const char *folder, const char *name, const struct buffer *text)
{
    char path[FILE_PATH_BYTES_MAX];
    if (text->failed)
        return lab_command_fail("cannot make", name, -ENOMEM);
    lab_command_name_file(folder, name, path);
    int error = sys_replace_file(path, buffer_slice(text));
    return error ? lab_command_fail("cannot write", path, error) : EXIT_GOOD;
}

static int lab_command_write_page(const char *folder, struct slice json)
{
    struct buffer page;
    buffer_init(&page, TEXT_BYTES_MAX);
    report_page(json, &page);
    int exit_code = lab_command_write_file(folder, "lab.html", &page);
    buffer_finish(&page);
    return exit_code;
}

/* lab.html, of a lab.json that is there. */
static int make_page(const struct lab_flags *wanted)
{
    struct buffer json;
    if (!can_write(wanted->out, false))
        return EXIT_MISTAKE;
    buffer_init(&json, TEXT_BYTES_MAX);
    int error = whole_file_read(wanted->page, &json);
    int exit_code = EXIT_FAILED;
    if (error)
        lab_command_fail("cannot read", wanted->page, error);
    else if (!report_is_json(buffer_slice(&json)))
        fprintf(stderr, "vif: %s: not a lab.json\n", wanted->page);
    else
        exit_code = lab_command_write_page(wanted->out, buffer_slice(&json));
    buffer_finish(&json);
    return exit_code;
}

/* --- a run --- */

/* One line that is written over, on a terminal; elsewhere a line for each step. */
struct progress_line {
    bool is_terminal;
    unsigned step;
    uint64_t shown_ns;
};

static void lab_command_on_progress(void *context, const struct lab_progress *progress)
{
    struct progress_line *line = context;
    uint64_t now = sys_monotonic_ns();
    bool is_new = progress->step != line->step;
    if (!is_new && (!line->is_terminal || now - line->shown_ns < 200000000))
        return;
    line->step = progress->step;
    line->shown_ns = now;
    unsigned rest_s = (unsigned)((progress->rest_ms + 999) / 1000);
    fprintf(stderr, "%s%3u/%u  round %u  %-11s  %-21s  %2u:%02u left%s", line->is_terminal ? "\r" : "",
            progress->step, progress->step_count, progress->round, progress->model, progress->scenario,
            rest_s / 60, rest_s % 60, line->is_terminal ? "\033[K" : "\n");
    fflush(stderr);
}

static int write_result(const struct lab_result *result, const char *folder)
{
    struct buffer json;
    buffer_init(&json, TEXT_BYTES_MAX);
    report_json(result, &json);
    int exit_code = lab_command_write_file(folder, "lab.json", &json);
    if (exit_code == EXIT_GOOD)
        exit_code = lab_command_write_page(folder, buffer_slice(&json));
    buffer_finish(&json);
    return exit_code;
}

static int show_result(const struct lab_result *result, const char *folder, bool is_written)
{
    struct buffer text;
    buffer_init(&text, TEXT_BYTES_MAX);
    report_table(result, &text);
    if (is_written)
        buffer_printf(&text, "All figures: %s/lab.json. Plots: %s/lab.html.\n", folder, folder);
    return print_finish(&text, 0);
}

static void tell_plan(const struct lab_options *options)
{
    unsigned seconds = lab_estimate_seconds(options);
    fprintf(stderr, "%zu model%s, about ", options->model_count, options->model_count == 1 ? "" : "s");
    if (seconds >= 60)
        fprintf(stderr, "%u min ", seconds / 60);
    if (seconds < 60 || seconds % 60)
        fprintf(stderr, "%u s", MAX(seconds % 60, 1u));
    fputs(". Ctrl-C ends it, and keeps what was measured.\n", stderr);
}

/* Whether an interrupted run left anything that is worth keeping. */
static bool has_figures(const struct lab_result *result)
{
    for (size_t i = 0; i < result->model_count; i++) {
        const struct lab_model_result *model = &result->models[i];
        if (model->point_count || model->mostly_idle_count || model->idle.connections ||
            model->slow.is_measured || model->blocking.is_measured || model->limit.is_measured)
            return true;
    }
    return false;
}

static int lab_command_measure(struct lab_flags *wanted, struct lab_result *result)
{
    struct progress_line line = {.is_terminal = terminal_is(stderr)};
    if (!can_write(wanted->out, true))
        return EXIT_MISTAKE;
    tell_plan(&wanted->options);
    wanted->options.on_progress = lab_command_on_progress;
    wanted->options.context = &line;
    int error = lab_run(&wanted->options, result);
    if (line.is_terminal)
        fputs("\r\033[K", stderr);
    if (error)
        return lab_command_fail("cannot", "run", error);
    int exit_code = write_result(result, wanted->out);
    int shown = show_result(result, wanted->out, exit_code == EXIT_GOOD);
    if (result->was_interrupted && !has_figures(result))
        return EXIT_FAILED;
    return exit_code ? exit_code : shown;
}

/* --- the models --- */

static int list_models(void)
{
    struct buffer text;
    buffer_init(&text, TEXT_BYTES_MAX);
    for (const struct lab_model *model = lab_models; model->name; model++) {
        const char *unavailable = model->unavailable ? model->unavailable() : NULL;
        buffer_printf(&text, "%s: %s (%s)\n    %s\n    Breaks: %s\n", model->name, model->title,
                      model->source, model->idea, model->breaks);
        if (unavailable)
            buffer_printf(&text, "    Not available here: %s\n", unavailable);
    }
    return print_finish(&text, 0);
}

/* Commands that show what the model does. Where child processes serve, they are the ones to look at: they are
 * named by a command, as they are not there yet. */
static void lab_command_suggest(const struct lab_model *model, unsigned port, int client_fd,
                                struct buffer *out)
{
    char pids[48];
    char client[64] = "";
    const char *host = client_fd < 0 ? "localhost" : LAB_VETH_ADDRESS;
    snprintf(pids, sizeof(pids), model->serves_in_children ? "$(pgrep -d, -P %d)" : "%d",
             (int)sys_process_id());
    if (client_fd >= 0)
        snprintf(client, sizeof(client), "nsenter --net=/proc/%d/fd/%d ", (int)sys_process_id(), client_fd);
    buffer_printf(out,
                  "Try, in another terminal%s:\n"
                  "    %svif load -c 100 -d 5s --timeout 1s http://%s:%u%s    (counts those without an "
                  "answer, too)\n"
                  "    %svif load -c 10 -d 5s --timeout 1s http://%s:%u%s    (each request sleeps for %u "
                  "ms)\n"
                  "    ps -L -p %s\n"
                  "    lsof -nP -a -i -p %s\n"
                  "    strace -f -c -p %s\n"
                  "    perf record --call-graph dwarf -p %s\n",
                  client_fd < 0 ? "" : " (nsenter goes to the clients' end of the cable)", client, host, port,
                  LAB_HELLO_PATH, client, host, port, LAB_BLOCK_PATH, LAB_BLOCK_MS, pids, pids, pids, pids);
}

static void show_serving(const struct lab_flags *wanted, const struct address *bound, int client_fd)
{
    char title[4096 + 64];
    struct buffer text;
    char folder[PATH_MAX];
    bool is_there = sys_real_path(wanted->folder, folder) == 0;
    buffer_init(&text, TEXT_BYTES_MAX);
    snprintf(title, sizeof(title), "%.4000s; the model: %s", is_there ? folder : wanted->folder,
             wanted->model->title);
    banner_print(title, bound, &(struct listener_settings){0}, 1, terminal_has_colours(stderr), &text);
    lab_command_suggest(wanted->model, address_port(bound), client_fd, &text);
    if (text.length)
        fwrite(text.data, 1, text.length, stderr);
    buffer_finish(&text);
}

static int explain_listening(unsigned port, int error)
{
    fprintf(stderr, "vif: cannot listen on port %u: %s", port, error_text(error));
    if (error == -EADDRINUSE || error == -EACCES)
        fprintf(stderr, "; try another: --port %u", port >= 1024 && port < UINT16_MAX ? port + 1 : 8081);
    fputs("\n", stderr);
    return EXIT_FAILED;
}

/* Models block in calls that nothing else ends: so it is the handler that goes, after the processes that the
 * model has forked. */
static void end_serving(int signal)
{
    (void)signal;
    lab_end_processes();
    sys_exit_at_once(EXIT_GOOD);
}

static int lab_command_check_folder(const char *folder)
{
    int fd = sys_open_root(folder);
    if (fd < 0)
        return fd;
    sys_close(fd);
    return 0;
}

/* If the model serves over a cable, this process goes to the server's end, and keeps the other for clients.
 */
static int enter_network(enum lab_network network, struct lab_veth *veth)
{
    *veth = (struct lab_veth){.own_fd = -1, .client_fd = -1, .server_fd = -1};
    if (network == LAB_LOOPBACK)
        return 0;
    int error = lab_veth_open(veth, network);
    return error ? error : lab_veth_enter(veth->server_fd);
}

/* Runs until a signal ends the process, and with it the processes of the model. */
static int serve_model(const struct lab_flags *wanted)
{
    struct address bound;
    struct lab_site *site;
    struct lab_veth veth;
    const struct lab_model *model = wanted->model;
    const char *unavailable = model->unavailable ? model->unavailable() : NULL;
    struct lab_site_options options = {.folder = wanted->folder, .has_trials = true};
    if (unavailable) {
        fprintf(stderr, "vif: %s is not available here: %s\n", model->name, unavailable);
        return EXIT_FAILED;
    }
    int error = lab_command_check_folder(wanted->folder);
    if (error)
        return lab_command_fail("cannot serve", wanted->folder, error);
    error = enter_network(model->network, &veth);
    if (error)
        return lab_command_fail("cannot make", "a veth pair", error);
    int listening_fd = lab_listen(model->network, wanted->port, &bound);
    if (listening_fd < 0)
        return explain_listening(wanted->port, listening_fd);
    error = lab_site_create(&options, &site);
    if (error)
        return lab_command_fail("cannot serve", wanted->folder, error);
    sigset_t signals = sys_signal_set(SIGINT, SIGTERM, 0);
    sys_signal_handle(&signals, end_serving);
    show_serving(wanted, &bound, veth.client_fd);
    return lab_command_fail("cannot serve as", model->name, model->serve(site, listening_fd));
}

/* --- the command --- */

/* About 200 KiB. */
struct lab_session {
    struct diagnostics diagnostics;
    struct arguments arguments;
    struct lab_flags flags;
    struct lab_result result;
};

static int lab_command_refuse(struct lab_session *session)
{
    print_diagnostics(&session->diagnostics);
    return EXIT_MISTAKE;
}

static int lab_command_act(struct lab_session *session)
{
    switch (session->flags.action) {
    case LAB_ACTION_LIST: return list_models();
    case LAB_ACTION_PAGE: return make_page(&session->flags);
    case LAB_ACTION_SERVE: return serve_model(&session->flags);
    case LAB_ACTION_RUN: return lab_command_measure(&session->flags, &session->result);
    }
    UNREACHABLE();
}

static int lab(struct lab_session *session, char *const *words)
{
    diagnostics_init(&session->diagnostics);
    arguments_read(&session->arguments, FLAG_OF_LAB, words, &session->diagnostics);
    if (session->arguments.help)
        return help_print(FLAG_OF_LAB);
    if (session->arguments.version)
        return version_print();
    machine_describe(&session->result.machine);
    lab_flags_read(&session->flags, &session->result.machine, &session->arguments);
    return session->diagnostics.errors > 0 ? lab_command_refuse(session) : lab_command_act(session);
}

int command_lab(char *const *words)
{
    struct lab_session *session = calloc(1, sizeof(*session));
    if (session == NULL) {
        fputs("vif: out of memory\n", stderr);
        return EXIT_FAILED;
    }
    int exit_code = lab(session, words);
    diagnostics_finish(&session->diagnostics);
    free(session);
    return exit_code;
}
