/* The trace: the last lines are kept in a ring and printed when the run fails. */
#include "internal.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINES      120
#define LINE_BYTES 240

static struct kernel_options options;
static char lines[LINES][LINE_BYTES];
static uint64_t line_count;

void trace_print_tail(void)
{
    uint64_t first = line_count > LINES ? line_count - LINES : 0;
    if (!options.keeps_trace)
        return;
    for (uint64_t i = first; i < line_count; i++)
        fprintf(stderr, "%s\n", lines[i % LINES]);
}

static void print_replay(void)
{
    fprintf(stderr, "seed %llu; to see it again: %s --seed %llu%s --trace\n",
            (unsigned long long)options.seed, program_invocation_short_name, (unsigned long long)options.seed,
            options.replay_words);
}

/* An assertion of the server's: its own message is out already. */
static void on_abort(int number)
{
    trace_print_tail();
    print_replay();
    signal(number, SIG_DFL);
    raise(number);
}

void trace_start(const struct kernel_options *new_options)
{
    options = *new_options;
    line_count = 0;
    signal(SIGABRT, on_abort);
}

uint64_t sim_seed(void)
{
    return options.seed;
}

void sim_trace(const char *format, ...)
{
    if (!options.keeps_trace && !options.prints_trace)
        return;
    char *line = lines[line_count++ % LINES];
    uint64_t now_us = sim_now_us();
    int length = snprintf(line, LINE_BYTES, "%5llu.%06llu ", (unsigned long long)(now_us / SIM_S),
                          (unsigned long long)(now_us % SIM_S));
    va_list values;
    va_start(values, format);
    vsnprintf(line + length, (size_t)(LINE_BYTES - length), format, values);
    va_end(values);
    if (options.prints_trace)
        puts(line);
}

void sim_fail(const char *format, ...)
{
    fflush(stdout);
    trace_print_tail();
    fprintf(stderr, "%s: ", program_invocation_short_name);
    va_list values;
    va_start(values, format);
    vfprintf(stderr, format, values);
    va_end(values);
    fputc('\n', stderr);
    print_replay();
    /* Without the leak checker: everything is still held. */
    _Exit(1);
}
