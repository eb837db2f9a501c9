/* `vif load URL`: a load generator that needs no other tool. Prints a progress line on terminals, then the
 * results; see load/load.h for what is measured and how. */
#include "load/load.h"

#include "base/error.h"
#include "cli/commands.h"
#include "cli/help.h"
#include "cli/load_flags.h"
#include "cli/load_output.h"
#include "cli/load_url.h"
#include "cli/print.h"
#include "cli/terminal.h"
#include "load/report.h"
#include "sys/signal.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define REPORT_BYTES_MAX (4u << 20)
#define ARENA_BYTES_MAX  (1u << 20)

/* One run of the command. */
struct load_session {
    struct diagnostics diagnostics;
    struct arguments arguments;
    struct arena arena;
    struct load_flags flags;
    bool shows_progress;
    struct load_output json;
    struct load_output svg;
    int signals; /* Ctrl+C ends the run, not the program */
    uint64_t answers_before;
    uint64_t phase_us_before;
    double answers_per_second;
    struct load_result result;
    struct histogram latency;
    struct histogram service;
};

/* --- the progress line --- */

/* Averaged over about a second, not a tenth, to be readable. */
static void smooth(struct load_session *session, const struct load_progress *progress)
{
    uint64_t elapsed_us = progress->phase_us - session->phase_us_before;
    if (progress->phase_us > session->phase_us_before && progress->answers >= session->answers_before) {
        double now = (double)(progress->answers - session->answers_before) * 1e6 / (double)elapsed_us;
        double before = session->answers_per_second;
        session->answers_per_second = before == 0 ? now : before + (now - before) / 5;
    }
    session->phase_us_before = progress->phase_us;
    session->answers_before = progress->answers;
}

static void print_bar(const struct load_plan *plan, uint64_t phase_us)
{
    char bar[21];
    double share = (double)phase_us / 1000 / (double)MAX(plan->duration_ms, UINT64_C(1));
    size_t filled = share >= 1 ? sizeof(bar) - 1 : (size_t)(share * (double)(sizeof(bar) - 1));
    memset(bar, '-', sizeof(bar) - 1);
    memset(bar, '=', filled);
    bar[sizeof(bar) - 1] = '\0';
    fprintf(stderr, "%s %.1f of %.1f s", bar, (double)phase_us / 1e6, (double)plan->duration_ms / 1e3);
}

static void print_progress(struct load_session *session, const struct load_progress *progress)
{
    const struct load_plan *plan = &session->flags.plan;
    char p50[DURATION_TEXT_MAX], p99[DURATION_TEXT_MAX];
    smooth(session, progress);
    fputs("\r\033[K  ", stderr);
    switch (progress->phase) {
    case LOAD_PHASE_CONNECTING:
        fprintf(stderr, "connecting: %u of %u", progress->open, plan->connections);
        break;
    case LOAD_PHASE_WARMING_UP: fprintf(stderr, "warming up"); break;
    case LOAD_PHASE_FINISHING: fprintf(stderr, "waiting for the last answers"); break;
    case LOAD_PHASE_MEASURING:
        if (plan->duration_ms > 0)
            print_bar(plan, progress->phase_us);
        else
            fprintf(stderr, "%llu answers", (unsigned long long)progress->answers);
        fprintf(stderr, "  %.0f/s  p50 %s  p99 %s", session->answers_per_second,
                load_show_us((double)progress->p50_us, p50), load_show_us((double)progress->p99_us, p99));
        break;
    }
    if (progress->errors > 0)
        fprintf(stderr, "  %llu errors", (unsigned long long)progress->errors);
    fflush(stderr);
}

static bool load_command_on_progress(void *context, const struct load_progress *progress)
{
    struct load_session *session = context;
    struct signal_seen seen;
    if (session->shows_progress)
        print_progress(session, progress);
    return session->signals < 0 || !sys_signal_next(session->signals, &seen);
}

/* --- the report --- */

static bool write_report(const struct load_report *report, struct load_output *output,
                         void (*print)(const struct load_report *report, struct buffer *out))
{
    struct buffer text;
    if (output->file == NULL)
        return true;
    buffer_init(&text, REPORT_BYTES_MAX);
    print(report, &text);
    bool is_good = load_output_write(output, &text);
    buffer_finish(&text);
    return is_good;
}

static void print_for_people(const struct load_report *report, struct buffer *out)
{
    load_print_table(report, out);
    load_print_plot(report, out);
    buffer_append_byte(out, '\n');
}

/* Before the run: see load_output.h. */
static bool open_outputs(struct load_session *session)
{
    const struct load_flags *wanted = &session->flags;
    if (wanted->json && !load_output_open(&session->json, "the figures (--json)", wanted->json))
        return false;
    return wanted->svg == NULL || load_output_open(&session->svg, "the drawing (--svg)", wanted->svg);
}

/* Standard output has one report: the table, or what was asked for in its place. Standard error has none. */
static bool print_report(struct load_session *session, const struct load_report *report)
{
    struct load_output table = {0};
    bool is_taken = session->json.file == stdout || session->svg.file == stdout;
    bool is_good = is_taken || load_output_open(&table, "the table", "-");
    is_good &= write_report(report, &table, print_for_people);
    is_good &= write_report(report, &session->json, load_print_json);
    is_good &= write_report(report, &session->svg, load_print_svg);
    return is_good;
}

static bool load_command_report(struct load_session *session)
{
    const struct load_plan *plan = &session->flags.plan;
    load_result_latency(&session->result, &session->latency);
    load_result_service(&session->result, &session->service);
    struct load_report report = {
        .title = session->arguments.operand.text,
        .plan = plan,
        .result = &session->result,
        .latency = &session->latency,
        .service = plan->rate > 0 ? &session->service : NULL,
    };
    return print_report(session, &report);
}

/* --- the command --- */

static bool load_command_refuse(struct load_session *session)
{
    print_diagnostics(&session->diagnostics);
    return false;
}

/* In "--json URL" the URL is taken as the file name, and none is left to measure. */
static void ask_for_url(struct load_session *session)
{
    const struct load_flags *wanted = &session->flags;
    const char *flag = wanted->json ? "--json" : "--svg";
    const char *file = wanted->json ? wanted->json : wanted->svg;
    if (file && strcmp(file, "-") != 0)
        diagnostics_add(&session->diagnostics, (struct source_position){0},
                        "load needs a URL: %s took \"%s\" for the file to write; standard output is %s -",
                        flag, file, flag);
    else
        diagnostics_add(&session->diagnostics, (struct source_position){0},
                        "load needs a URL: vif load http://localhost:8080/ (see vif load --help)");
}

/* Flags first: names are resolved only if everything else is valid. */
static bool load_command_prepare(struct load_session *session)
{
    struct arguments *arguments = &session->arguments;
    struct load_plan *plan = &session->flags.plan;
    load_flags_read(&session->flags, arguments);
    if (arguments->operand.text.data == NULL)
        ask_for_url(session);
    if (session->diagnostics.errors > 0)
        return load_command_refuse(session);
    struct slice host = plan->host;
    if (!load_url_read(arguments->operand.text, arguments->operand.position, &session->arena,
                       &session->diagnostics, plan))
        return load_command_refuse(session);
    if (host.data)
        plan->host = host;
    return true;
}

static void explain_start(const struct load_session *session, int error)
{
    if (error == -EMFILE)
        fprintf(stderr,
                "vif: not enough descriptors for %u connections: raise the limit (ulimit -n), or use fewer\n",
                session->flags.plan.connections);
    else
        fprintf(stderr, "vif: cannot begin: %s\n", error_text(error));
}

/* The error if no connection could be made; 0 if one was made or none was tried. */
static int connect_error(const struct load_result *result)
{
    int error = 0;
    for (unsigned i = 0; i < LOAD_ERROR_COUNT && error == 0 && result->connects == 0; i++)
        error = result->system_errors[i];
    return error;
}

static void explain_unreachable(const struct load_session *session, int error)
{
    fprintf(stderr, "vif: cannot connect to %.*s: %s%s\n", SLICE_ARGS(session->arguments.operand.text),
            error_text(error), error == -ECONNREFUSED ? "; is the server running?" : "");
}

/* A run without responses and without errors must not look successful. */
static bool measured_nothing(const struct load_session *session)
{
    const struct load_result *result = &session->result;
    if (result->answers > 0 || load_result_errors(result) > 0)
        return false;
    if (result->was_stopped)
        fputs("vif: nothing was answered before it was stopped\n", stderr);
    else if (result->due == 0)
        fputs("vif: no request was due in this time: give it longer (-d), or a higher rate (-r)\n", stderr);
    else
        fprintf(stderr, "vif: nothing was answered: of %llu requests that were due %llu were sent\n",
                (unsigned long long)result->due, (unsigned long long)result->sent);
    return true;
}

static int load_command_measure(struct load_session *session)
{
    sigset_t signals = sys_signal_set(SIGINT, SIGTERM, 0);
    sys_signal_block(&signals, NULL);
    session->signals = sys_signal_open(&signals);
    session->shows_progress = terminal_is(stderr);
    int error = load_run(&session->flags.plan, load_command_on_progress, session, &session->result);
    if (session->shows_progress)
        fputs("\r\033[K", stderr);
    if (error < 0) {
        explain_start(session, error);
        return EXIT_FAILED;
    }
    error = connect_error(&session->result);
    if (error < 0) {
        explain_unreachable(session, error);
        return EXIT_FAILED;
    }
    bool is_good = load_command_report(session);
    is_good &= !measured_nothing(session) && load_result_errors(&session->result) == 0;
    return is_good ? EXIT_GOOD : EXIT_FAILED;
}

static int load_command_load(struct load_session *session, char *const *words)
{
    diagnostics_init(&session->diagnostics);
    arena_init(&session->arena, ARENA_BYTES_MAX);
    arguments_read(&session->arguments, FLAG_OF_LOAD, words, &session->diagnostics);
    if (session->arguments.help)
        return help_print(FLAG_OF_LOAD);
    if (session->arguments.version)
        return version_print();
    if (!load_command_prepare(session))
        return EXIT_MISTAKE;
    return open_outputs(session) ? load_command_measure(session) : EXIT_FAILED;
}

int command_load(char *const *words)
{
    struct load_session *session = calloc(1, sizeof(*session));
    if (session == NULL) {
        fputs("vif: out of memory\n", stderr);
        return EXIT_FAILED;
    }
    int exit_code = load_command_load(session, words);
    load_output_close(&session->json);
    load_output_close(&session->svg);
    load_flags_finish(&session->flags);
    arena_finish(&session->arena);
    diagnostics_finish(&session->diagnostics);
    free(session);
    return exit_code;
}
