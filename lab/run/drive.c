/* The child sends a short note through a pipe ten times in the window or more, with its count of answers, and
 * leaves its result in memory that both share. At the first note of the window and at the last one the runner
 * reads what the server has used: so both counts are of the same time, and neither opening connections nor
 * closing them is in it. Switches of threads take long to read where there are thousands: so the child holds
 * its connections after the last answer until the runner says that it has read them. */
#include "lab/run/drive.h"

#include "base/error.h"
#include "lab/run/machine.h"
#include "sys/clock.h"
#include "sys/process.h"
#include "sys/signal.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* How far apart notes are: so many in a window, and not too many of a long one. */
#define NOTES_LEAST 10
#define NOTE_MS_MAX 100

/* A note that lay there for longer says what was and not what is: the machine is busy with something else. Of
 * the window, and of any. */
#define NOTE_SHARE_MAX 25
#define NOTE_LATE_MS   20

struct note {
    uint64_t answers;
    uint64_t phase_us;
    uint64_t sent_ns; /* CLOCK_MONOTONIC */
    enum load_phase phase;
    bool is_over;
};

/* The child's ends of its two pipes. */
struct line {
    int note_fd;
    int go_fd; /* a byte comes when the connections may be closed */
};

/* What both processes see. */
struct shared {
    int error;
    bool is_finished;
    struct load_result load;
};

/* --- the child --- */

static bool send_note(void *context, const struct load_progress *progress)
{
    const struct line *line = context;
    struct note note = {.answers = progress->answers,
                        .phase = progress->phase,
                        .is_over = progress->is_over,
                        .sent_ns = sys_monotonic_ns(),
                        .phase_us = progress->phase_us};
    char go;
    ssize_t written = write(line->note_fd, &note, sizeof(note));
    if (note.is_over)
        return read(line->go_fd, &go, 1) == 1;
    return written == (ssize_t)sizeof(note);
}

_Noreturn static void run_load(const struct drive *drive, struct shared *shared, struct line *line,
                               pid_t runner)
{
    sigset_t none;
    sigemptyset(&none);
    sys_signal_restore(&none);
    setpgid(0, 0); /* Ctrl-C is the runner's affair */
    machine_pin(&drive->machine->client_cores);
    if (!sys_end_with_parent(runner, SIGKILL))
        _exit(EXIT_FAILURE);
    shared->error = load_run(drive->plan, send_note, line, &shared->load);
    shared->is_finished = true;
    _exit(EXIT_SUCCESS);
}

/* --- the runner --- */

unsigned drive_note_ms(const struct load_plan *plan)
{
    return (unsigned)MIN(MAX(plan->duration_ms / NOTES_LEAST, UINT64_C(1)), (uint64_t)NOTE_MS_MAX);
}

/* What has been heard so far. */
struct hearing {
    struct drive_result *result;
    uint64_t first_answers;
    int go_fd;
    bool has_first;
    bool has_switches; /* as they were at the first note */
    bool has_half;
    bool has_last;
};

static void look(const struct drive *drive, struct hearing *hearing, const struct note *note)
{
    hearing->result->answers = note->answers - hearing->first_answers;
    tree_read_usage(drive->server, &hearing->result->after);
}

/* The child waits for the byte: nothing moves meanwhile. Without a first look there are only processes and
 * threads to count. */
static void look_at_switches(const struct drive *drive, struct hearing *hearing, const struct note *note)
{
    tree_read_switches(drive->server, &hearing->result->switches_after);
    if (hearing->has_switches)
        hearing->result->switches_answers = note->answers - hearing->first_answers;
    ssize_t written = write(hearing->go_fd, "", 1);
    (void)written; /* the child is gone then */
}

/* Where that takes too long a part of the window, its count is of no moment. */
static void look_first(const struct drive *drive, struct hearing *hearing, const struct note *note)
{
    hearing->has_first = true;
    hearing->first_answers = note->answers;
    tree_read_usage(drive->server, &hearing->result->before);
    tree_read_switches(drive->server, &hearing->result->switches_before);
    uint64_t taken_ms = (sys_monotonic_ns() - note->sent_ns) / 1000000;
    hearing->has_switches = taken_ms * 4 < drive->plan->duration_ms;
}

static uint64_t late_ns(const struct drive *drive)
{
    return MIN(drive->plan->duration_ms / NOTE_SHARE_MAX, (uint64_t)NOTE_LATE_MS) * 1000000;
}

/* The second look is at half of the time, for the case that the note of the last one comes too late. The last
 * note of the window is at most one and a half of their distance from its end. */
static void hear(const struct drive *drive, struct hearing *hearing, const struct note *note)
{
    uint64_t phase_ms = note->phase_us / 1000;
    if (note->is_over)
        look_at_switches(drive, hearing, note);
    bool is_late = sys_monotonic_ns() - note->sent_ns > late_ns(drive);
    if (note->phase != LOAD_PHASE_MEASURING || is_late || hearing->has_last)
        return;
    if (!hearing->has_first) {
        look_first(drive, hearing, note);
    } else if (phase_ms + drive_note_ms(drive->plan) * 3 / 2 >= drive->plan->duration_ms) {
        hearing->has_last = true;
        look(drive, hearing, note);
    } else if (!hearing->has_half && phase_ms * 2 >= drive->plan->duration_ms) {
        hearing->has_half = true;
        look(drive, hearing, note);
    }
}

/* Listens until the child closes its pipe by ending. False after an interruption. */
static bool listen_to(const struct drive *drive, int fd, struct hearing *hearing)
{
    for (;;) {
        struct note note;
        bool has_slow = drive->slow[0] || drive->slow[1];
        if (!watch_wait(drive->watch, fd, has_slow ? BACKGROUND_STEP_MS : 500))
            return false;
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        if (sys_poll(&ready, 1, 0) > 0) {
            if (read(fd, &note, sizeof(note)) != (ssize_t)sizeof(note))
                return true;
            hear(drive, hearing, &note);
        }
        background_step(drive->slow[0]);
        background_step(drive->slow[1]);
    }
}

/* Memory that nobody shares any more when the child is gone; the caller's from then on. */
static struct load_result *copy_result(const struct shared *shared)
{
    struct load_result *copy = shared->is_finished && shared->error == 0 ? malloc(sizeof(*copy)) : NULL;
    if (copy)
        *copy = shared->load;
    return copy;
}

struct pipes {
    int notes[2];
    int go[2];
};

static int open_pipes(struct pipes *pipes)
{
    int error = sys_pipe(pipes->notes);
    if (error)
        return error;
    error = sys_pipe(pipes->go);
    if (error) {
        sys_close(pipes->notes[0]);
        sys_close(pipes->notes[1]);
    }
    return error;
}

static bool run_with(const struct drive *drive, struct shared *shared, const struct pipes *pipes,
                     struct drive_result *result)
{
    struct hearing hearing = {.result = result, .go_fd = pipes->go[1]};
    struct line line = {.note_fd = pipes->notes[1], .go_fd = pipes->go[0]};
    pid_t runner = getpid();
    pid_t pid = sys_fork();
    if (pid == 0)
        run_load(drive, shared, &line, runner);
    sys_close(pipes->notes[1]);
    sys_close(pipes->go[0]);
    if (pid < 0) {
        result->error = pid;
        return false;
    }
    bool is_over = listen_to(drive, pipes->notes[0], &hearing);
    if (!is_over)
        kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    result->error = shared->error;
    result->load = copy_result(shared);
    return is_over;
}

bool drive_run(const struct drive *drive, struct drive_result *ret_result)
{
    struct pipes pipes;
    *ret_result = (struct drive_result){0};
    struct shared *shared = sys_shared_memory(sizeof(*shared));
    ret_result->error = shared ? open_pipes(&pipes) : -ENOMEM;
    bool is_over = false;
    if (ret_result->error == 0) {
        is_over = run_with(drive, shared, &pipes, ret_result);
        sys_close(pipes.notes[0]);
        sys_close(pipes.go[1]);
    }
    if (shared)
        sys_shared_memory_free(shared, sizeof(*shared));
    return is_over;
}

void drive_result_finish(struct drive_result *result)
{
    free(result->load);
    result->load = NULL;
}

/* --- figures --- */

static double percentile(const struct histogram *histogram, double which)
{
    return histogram->count ? (double)histogram_percentile(histogram, which) : NAN;
}

/* "12 requests not answered in time, 3 connections refused". */
static void tell_errors(const struct load_result *load, char *text, size_t size)
{
    size_t length = 0;
    text[0] = '\0';
    for (int i = 0; i < LOAD_ERROR_COUNT; i++) {
        if (load->errors[i] == 0 || length >= size)
            continue;
        int more = snprintf(text + length, size - length, "%s%llu %s", length ? ", " : "",
                            (unsigned long long)load->errors[i], load_error_texts[i]);
        length += (size_t)more;
    }
}

void drive_load_figures(const struct drive_result *result, int target, struct lab_load_figures *ret_figures)
{
    const struct load_result *load = result->load;
    *ret_figures = (struct lab_load_figures){
        .requests_per_s = NAN,
        .requests_per_s_least = NAN,
        .requests_per_s_most = NAN,
        .latency_p50_us = NAN,
        .latency_p99_us = NAN,
        .latency_p999_us = NAN,
        .latency_max_us = NAN,
    };
    if (load == NULL) {
        ret_figures->errors = 1;
        snprintf(ret_figures->error_text, LAB_TEXT_MAX, "the load could not be run: %s",
                 error_text(result->error));
        return;
    }
    struct histogram *all = calloc(1, sizeof(*all));
    if (all == NULL)
        return;
    if (target < 0)
        load_result_latency(load, all);
    else
        histogram_merge(all, &load->targets[target].latency);
    ret_figures->requests = target < 0 ? load->answers : load->targets[target].answers;
    if (load->elapsed_us)
        ret_figures->requests_per_s = ret_figures->requests_per_s_least = ret_figures->requests_per_s_most =
            (double)ret_figures->requests * 1e6 / (double)load->elapsed_us;
    ret_figures->latency_p50_us = percentile(all, 50);
    ret_figures->latency_p99_us = percentile(all, 99);
    ret_figures->latency_p999_us = percentile(all, 99.9);
    ret_figures->latency_max_us = percentile(all, 100);
    ret_figures->requests_unanswered = load->due > load->answers ? load->due - load->answers : 0;
    ret_figures->errors = load_result_errors(load);
    ret_figures->is_client_bound = load_result_is_client_bound(load);
    ret_figures->is_client_late = load_result_is_client_late(load);
    tell_errors(load, ret_figures->error_text, LAB_TEXT_MAX);
    free(all);
}

/* The quotient of what both moments say; NAN where nothing was answered between them. */
static double per_request(uint64_t before, uint64_t after, uint64_t answers)
{
    return answers && after >= before ? (double)(after - before) / (double)answers : NAN;
}

/* Threads that end with connections that broke take their counts along: then nobody knows. */
static void switches_figures(const struct drive_result *result, struct lab_usage_figures *figures)
{
    const struct tree_switches *before = &result->switches_before;
    const struct tree_switches *after = &result->switches_after;
    uint64_t answers = after->threads >= before->threads ? result->switches_answers : 0;
    figures->voluntary_switches_per_request = per_request(before->voluntary, after->voluntary, answers);
    figures->involuntary_switches_per_request = per_request(before->involuntary, after->involuntary, answers);
    figures->processes = MAX(before->processes, after->processes);
    figures->threads = MAX(before->threads, after->threads);
}

void drive_usage_figures(const struct drive_result *result, struct lab_usage_figures *ret_figures)
{
    const struct tree_usage *before = &result->before;
    const struct tree_usage *after = &result->after;
    double system_ticks = (double)after->system_ticks - (double)before->system_ticks;
    double ticks = system_ticks + (double)after->user_ticks - (double)before->user_ticks;
    double elapsed_ns = after->taken_ns > before->taken_ns ? (double)(after->taken_ns - before->taken_ns) : 0;
    *ret_figures = (struct lab_usage_figures){
        .cpu_us_per_request = per_request(before->cpu_ns, after->cpu_ns, result->answers) / 1000,
        .system_cpu_share = ticks > 0 ? system_ticks / ticks : NAN,
        .cores_used = elapsed_ns > 0 ? (double)(after->cpu_ns - before->cpu_ns) / elapsed_ns : NAN,
    };
    ret_figures->cpu_us_least = ret_figures->cpu_us_most = ret_figures->cpu_us_per_request;
    switches_figures(result, ret_figures);
}
