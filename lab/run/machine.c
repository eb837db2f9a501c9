/* /proc/cpuinfo, uname(2), sched_setaffinity(2). What cannot be found out is called "unknown" and nothing
 * fails. */
#include "lab/run/machine.h"

#include "sys/clock.h"
#include "sys/process.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

/* "model name\t: Intel(R) ..." of x86; other architectures call it otherwise, or not at all. */
static void find_cpu(char *cpu, size_t size)
{
    char line[256];
    snprintf(cpu, size, "unknown");
    FILE *file = fopen("/proc/cpuinfo", "re");
    if (file == NULL)
        return;
    while (fgets(line, sizeof(line), file)) {
        char *value = strchr(line, ':');
        if (value == NULL || strncmp(line, "model name", 10) != 0)
            continue;
        value[strcspn(value, "\n")] = '\0';
        snprintf(cpu, size, "%s", value + strspn(value, ": \t"));
        break;
    }
    fclose(file);
}

/* Loopback traffic is processed on the core of the sender: with cores of their own neither takes from the
 * other. */
static void divide_cores(struct lab_machine *machine)
{
    cpu_set_t cores;
    CPU_ZERO(&cores);
    CPU_ZERO(&machine->server_cores);
    CPU_ZERO(&machine->client_cores);
    if (sched_getaffinity(0, sizeof(cores), &cores) != 0)
        CPU_SET(0, &cores);
    machine->cores = (unsigned)CPU_COUNT(&cores);
    unsigned seen = 0;
    for (int core = 0; core < CPU_SETSIZE; core++) {
        if (!CPU_ISSET(core, &cores))
            continue;
        bool is_servers = seen++ < machine->cores / 2;
        if (is_servers || machine->cores == 1)
            CPU_SET(core, &machine->server_cores);
        if (!is_servers)
            CPU_SET(core, &machine->client_cores);
    }
}

void machine_describe(struct lab_machine *machine)
{
    struct utsname name;
    struct sysinfo info;
    find_cpu(machine->cpu, sizeof(machine->cpu));
    snprintf(machine->kernel, sizeof(machine->kernel), "unknown");
    if (uname(&name) == 0)
        snprintf(machine->kernel, sizeof(machine->kernel), "%.20s %.70s", name.sysname, name.release);
    machine->memory_bytes = sysinfo(&info) == 0 ? (uint64_t)info.totalram * info.mem_unit : 0;
    machine->descriptors_max = sys_raise_descriptor_limit();
    if (getloadavg(&machine->load_average_before, 1) != 1)
        machine->load_average_before = 0;
    divide_cores(machine);
}

/* "cpu1 USER NICE SYSTEM IDLE IOWAIT IRQ SOFTIRQ STEAL ...", in ticks. Returns false where it is another
 * line. */
static bool read_core(const char *line, unsigned *ret_core, uint64_t *ret_ticks)
{
    unsigned long long user, nice, system, irq, softirq, steal;
    if (sscanf(line, "cpu%u %llu %llu %llu %*u %*u %llu %llu %llu", ret_core, &user, &nice, &system, &irq,
               &softirq, &steal) != 7)
        return false;
    *ret_ticks = user + nice + system + irq + softirq + steal;
    return true;
}

static uint64_t read_busy_ticks(const struct lab_machine *machine)
{
    char line[512];
    uint64_t sum = 0, ticks;
    unsigned core;
    FILE *file = fopen("/proc/stat", "re");
    while (file && fgets(line, sizeof(line), file)) {
        bool is_ours = read_core(line, &core, &ticks) && core < CPU_SETSIZE &&
                       (CPU_ISSET(core, &machine->server_cores) || CPU_ISSET(core, &machine->client_cores));
        sum += is_ours ? ticks : 0;
    }
    if (file)
        fclose(file);
    return sum;
}

static uint64_t used_ns(int who)
{
    struct rusage usage;
    if (getrusage(who, &usage) != 0)
        return 0;
    return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000000u +
           (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000u;
}

void machine_read_work(const struct lab_machine *machine, struct machine_work *ret_work)
{
    uint64_t tick_ns = 1000000000u / (uint64_t)sysconf(_SC_CLK_TCK);
    *ret_work = (struct machine_work){
        .taken_ns = sys_monotonic_ns(),
        .busy_ns = read_busy_ticks(machine) * tick_ns,
        .own_ns = used_ns(RUSAGE_SELF) + used_ns(RUSAGE_CHILDREN),
    };
}

double machine_others_share(const struct lab_machine *machine, const struct machine_work *before,
                            const struct machine_work *after)
{
    double had_ns = (double)(after->taken_ns - before->taken_ns) * machine->cores;
    double busy_ns = (double)(after->busy_ns - before->busy_ns);
    double own_ns = (double)(after->own_ns - before->own_ns);
    if (before->busy_ns == 0 || had_ns <= 0)
        return NAN;
    return fmin(fmax((busy_ns - own_ns) / had_ns, 0), 1);
}

void machine_pin(const cpu_set_t *cores)
{
    int refused = sched_setaffinity(0, sizeof(*cores), cores);
    (void)refused;
}
