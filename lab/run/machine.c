/* /proc/cpuinfo, uname(2), sched_setaffinity(2). What cannot be found out is called "unknown" and nothing
 * fails. */
#include "lab/run/machine.h"

#include "sys/process.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

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

/* Loopback traffic is worked off on the core of who sends: with cores of their own neither takes from the
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

void machine_pin(const cpu_set_t *cores)
{
    int refused = sched_setaffinity(0, sizeof(*cores), cores);
    (void)refused;
}
