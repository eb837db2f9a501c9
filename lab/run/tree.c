/* A model's processes are found by their process group, which lab/run/server.c makes for it: the group holds
 * children whose parent is gone, too. */
#include "lab/run/tree.h"

#include "sys/clock.h"

#include <ctype.h>
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* /proc/PID/stat, from the third field on. */
struct process_stat {
    int group;
    uint64_t user_ticks;
    uint64_t system_ticks;
    uint64_t children_user_ticks; /* of children that were waited for */
    uint64_t children_system_ticks;
};

/* --- files of /proc --- */

/* Reads the beginning of a file; false where the process is gone. */
static bool read_text(const char *path, char *text, size_t size)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    size_t length = fread(text, 1, size - 1, file);
    text[length] = '\0';
    fclose(file);
    return length > 0;
}

/* The number behind "NAME:" in a text of such lines; 0 without. */
static uint64_t number_of(const char *text, const char *name)
{
    size_t length = strlen(name);
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, name, length) == 0 && line[length] == ':')
            return strtoull(line + length + 1, NULL, 10);
    }
    return 0;
}

/* The name of the program stands in brackets and may hold anything, brackets too. */
static bool read_stat(pid_t pid, struct process_stat *ret_stat)
{
    char path[64];
    char text[1024];
    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    const char *rest = read_text(path, text, sizeof(text)) ? strrchr(text, ')') : NULL;
    return rest &&
           sscanf(rest + 1,
                  " %*c %*d %d %*d %*d %*d %*u %*u %*u %*u %*u %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64,
                  &ret_stat->group, &ret_stat->user_ticks, &ret_stat->system_ticks,
                  &ret_stat->children_user_ticks, &ret_stat->children_system_ticks) == 5;
}

/* Calls `visit` for each entry of a folder of /proc that is a number; returns how many there were. */
static unsigned visit_numbers(const char *path, void (*visit)(void *context, int number), void *context)
{
    unsigned count = 0;
    DIR *folder = opendir(path);
    if (folder == NULL)
        return 0;
    for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
        if (!isdigit((unsigned char)entry->d_name[0]))
            continue;
        count++;
        if (visit)
            visit(context, atoi(entry->d_name));
    }
    closedir(folder);
    return count;
}

static unsigned count_entries(pid_t pid, const char *folder)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/%s", pid, folder);
    return visit_numbers(path, NULL, NULL);
}

/* --- usage --- */

struct usage_walk {
    pid_t group;
    struct tree_usage *usage;
};

/* To the nanosecond, threads that ended included; /proc/PID/stat knows hundredths of a second only. */
static uint64_t process_cpu_ns(pid_t pid)
{
    clockid_t clock;
    struct timespec time;
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &time) != 0)
        return 0;
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void add_process_cpu(void *context, int pid)
{
    struct usage_walk *walk = context;
    struct process_stat stat;
    if (!read_stat(pid, &stat) || stat.group != walk->group)
        return;
    uint64_t tick_ns = 1000000000u / (uint64_t)sysconf(_SC_CLK_TCK);
    walk->usage->cpu_ns +=
        process_cpu_ns(pid) + (stat.children_user_ticks + stat.children_system_ticks) * tick_ns;
    walk->usage->user_ticks += stat.user_ticks + stat.children_user_ticks;
    walk->usage->system_ticks += stat.system_ticks + stat.children_system_ticks;
}

void tree_read_usage(pid_t group, struct tree_usage *ret_usage)
{
    struct usage_walk walk = {.group = group, .usage = ret_usage};
    *ret_usage = (struct tree_usage){.taken_ns = sys_monotonic_ns()};
    visit_numbers("/proc", add_process_cpu, &walk);
}

/* --- switches --- */

struct switches_walk {
    pid_t group;
    pid_t pid;
    struct tree_switches *switches;
};

static void add_thread(void *context, int thread)
{
    struct switches_walk *walk = context;
    char path[64];
    char text[4096];
    snprintf(path, sizeof(path), "/proc/%d/task/%d/status", walk->pid, thread);
    if (!read_text(path, text, sizeof(text)))
        return;
    walk->switches->threads++;
    walk->switches->voluntary += number_of(text, "voluntary_ctxt_switches");
    walk->switches->involuntary += number_of(text, "nonvoluntary_ctxt_switches");
}

static void add_process_threads(void *context, int pid)
{
    struct switches_walk *walk = context;
    struct process_stat stat;
    char path[64];
    if (!read_stat(pid, &stat) || stat.group != walk->group)
        return;
    walk->switches->processes++;
    walk->pid = pid;
    snprintf(path, sizeof(path), "/proc/%d/task", pid);
    visit_numbers(path, add_thread, walk);
}

void tree_read_switches(pid_t group, struct tree_switches *ret_switches)
{
    struct switches_walk walk = {.group = group, .switches = ret_switches};
    *ret_switches = (struct tree_switches){0};
    visit_numbers("/proc", add_process_threads, &walk);
}

/* --- memory --- */

struct memory_walk {
    pid_t group;
    struct tree_memory *memory;
};

static uint64_t kilobytes_of(const char *path, const char *name)
{
    char text[8192];
    return read_text(path, text, sizeof(text)) ? number_of(text, name) * 1024 : 0;
}

static void add_process_memory(void *context, int pid)
{
    struct memory_walk *walk = context;
    struct process_stat stat;
    char path[64];
    if (!read_stat(pid, &stat) || stat.group != walk->group)
        return;
    snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", pid);
    walk->memory->memory_bytes += kilobytes_of(path, "Private_Dirty");
    snprintf(path, sizeof(path), "/proc/%d/status", pid);
    walk->memory->page_table_bytes += kilobytes_of(path, "VmPTE");
    walk->memory->processes++;
    walk->memory->threads += count_entries(pid, "task");
    walk->memory->descriptors += count_entries(pid, "fd");
}

void tree_read_memory(pid_t group, struct tree_memory *ret_memory)
{
    struct memory_walk walk = {.group = group, .memory = ret_memory};
    *ret_memory = (struct tree_memory){.kernel_stack_bytes = kilobytes_of("/proc/meminfo", "KernelStack")};
    visit_numbers("/proc", add_process_memory, &walk);
}
