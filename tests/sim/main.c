/* vif-sim: runs seeds, each in a process of its own, and says which of them fail.
 *
 *   vif-sim --seed 7 [--trace]       one run; its trace as it comes
 *   vif-sim --seeds 1-3000           these, quickly
 *   vif-sim --count 3000             that many new ones
 *
 * A process for each, so that a crash ends nothing but its seed, and nothing is left from the seed before. */
#include "run.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FAILURES_MAX 20

struct command {
    uint64_t first;
    uint64_t last;
    enum loop_backend backend;
    bool has_faults;
    bool prints_trace;
    bool is_single;
    char words[64]; /* what a replay must say beside the seed */
};

static const char usage_text[] =
    "usage: vif-sim (--seed N | --seeds FROM-TO | --count N) [--backend NAME] [--faults on|off] [--trace]\n";

static void usage(void)
{
    fputs(usage_text, stderr);
    exit(2);
}

static uint64_t read_number(const char *text, char **ret_end)
{
    errno = 0;
    unsigned long long value = strtoull(text, ret_end, 10);
    if (*ret_end == text || errno)
        usage();
    return value;
}

static void read_seeds(struct command *command, const char *text)
{
    char *end;
    command->first = read_number(text, &end);
    if (*end != '-')
        usage();
    command->last = read_number(end + 1, &end);
    if (*end || command->last < command->first)
        usage();
}

static void read_seed(struct command *command, const char *text)
{
    char *end;
    command->first = command->last = read_number(text, &end);
    command->is_single = true;
    if (*end)
        usage();
}

/* New ones: the clock says where they begin. */
static void read_count(struct command *command, const char *text)
{
    char *end;
    uint64_t count = read_number(text, &end);
    if (*end || count == 0)
        usage();
    command->first = (uint64_t)time(NULL) * 1000000;
    command->last = command->first + count - 1;
}

static void read_backend(struct command *command, const char *text)
{
    for (int i = LOOP_BACKEND_EPOLL; i <= LOOP_BACKEND_SELECT; i++) {
        if (strcmp(loop_backend_names[i], text) == 0)
            command->backend = (enum loop_backend)i;
    }
    if (command->backend == LOOP_BACKEND_AUTO) {
        fprintf(stderr, "vif-sim: no backend %s; there are epoll, epoll-lt, poll, select\n", text);
        exit(2);
    }
}

static void read_faults(struct command *command, const char *text)
{
    if (strcmp(text, "on") != 0 && strcmp(text, "off") != 0)
        usage();
    command->has_faults = strcmp(text, "on") == 0;
}

static struct command read_command(int argc, char **argv)
{
    static const struct option options[] = {
        {"seed", required_argument, NULL, 's'},
        {"seeds", required_argument, NULL, 'S'},
        {"count", required_argument, NULL, 'c'},
        {"backend", required_argument, NULL, 'b'},
        {"faults", required_argument, NULL, 'f'},
        {"trace", no_argument, NULL, 't'},
        {0},
    };
    struct command command = {.last = 0, .first = 1, .has_faults = true};
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (option) {
        case 's': read_seed(&command, optarg); break;
        case 'S': read_seeds(&command, optarg); break;
        case 'c': read_count(&command, optarg); break;
        case 'b': read_backend(&command, optarg); break;
        case 'f': read_faults(&command, optarg); break;
        case 't': command.prints_trace = true; break;
        default: usage();
        }
    }
    if (optind < argc || command.last < command.first)
        usage();
    snprintf(command.words, sizeof(command.words), "%s%s%s", command.backend ? " --backend " : "",
             command.backend ? loop_backend_names[command.backend] : "",
             command.has_faults ? "" : " --faults off");
    return command;
}

static void run_seed(const struct command *command, uint64_t seed, bool keeps_trace)
{
    struct run_options options = {
        .kernel = {.seed = seed,
                   .has_faults = command->has_faults,
                   .keeps_trace = keeps_trace,
                   .prints_trace = command->prints_trace,
                   .replay_words = command->words},
        .backend = command->backend,
    };
    run(&options);
}

/* Whether the seed went well, in a process of its own that says nothing, or all. */
static bool run_apart(const struct command *command, uint64_t seed, bool is_quiet)
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid < 0) {
        perror("vif-sim: fork");
        exit(2);
    }
    if (pid == 0) {
        if (is_quiet && freopen("/dev/null", "w", stderr) == NULL)
            exit(2);
        run_seed(command, seed, !is_quiet);
        exit(0);
    }
    int status;
    while (waitpid(pid, &status, 0) < 0)
        continue;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* A seed that fails is run again, for its trace. */
static unsigned run_seeds(const struct command *command)
{
    unsigned failures = 0;
    for (uint64_t seed = command->first; seed <= command->last && failures < FAILURES_MAX; seed++) {
        if (run_apart(command, seed, true))
            continue;
        failures++;
        if (run_apart(command, seed, false))
            fprintf(stderr, "vif-sim: seed %llu failed, and then did not: it is not deterministic\n",
                    (unsigned long long)seed);
    }
    return failures;
}

int main(int argc, char **argv)
{
    struct command command = read_command(argc, argv);
    if (command.is_single) {
        run_seed(&command, command.first, true);
        return 0;
    }
    struct timespec began, ended;
    timespec_get(&began, TIME_UTC);
    unsigned failures = run_seeds(&command);
    timespec_get(&ended, TIME_UTC);
    double seconds = (double)(ended.tv_sec - began.tv_sec) + (double)(ended.tv_nsec - began.tv_nsec) / 1e9;
    printf("%llu seeds from %llu, %u failed, %.1f s\n",
           (unsigned long long)(command.last - command.first + 1), (unsigned long long)command.first,
           failures, seconds);
    return failures > 0;
}
