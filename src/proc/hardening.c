/* The processes are looked at from outside, by /proc: what the kernel says of them, not what vif has tried.
 * Only whether a process is in a Landlock domain does the kernel not say. */
#include "proc/hardening.h"

#include "http/json.h"
#include "proc/sandbox.h"
#include "sys/account.h"
#include "sys/landlock.h"
#include "sys/privilege.h"
#include "sys/syscall_filter.h"

#include <inttypes.h>
#include <stdio.h>

#define CAPABILITIES 64

/* ---- the kernel ---- */

struct hardening_lack {
    bool is_lacking;
    const char *what;
};

#define LACKS 6

static struct landlock_features usable_landlock(void)
{
    struct landlock_features landlock = sys_landlock_features();
    bool is_forbidden = landlock.is_forbidden || (landlock.version > 0 && !sandbox_has_landlock());
    return is_forbidden ? (struct landlock_features){.is_forbidden = true} : landlock;
}

static void find_lacks(struct hardening_lack lacks[LACKS])
{
    struct landlock_features landlock = usable_landlock();
    bool has_filter = sys_has_syscall_filter();
    const struct hardening_lack all[LACKS] = {
        {landlock.is_forbidden,
         "Landlock, which is forbidden here, perhaps by the seccomp profile of a container: "
         "workers can read every file that their user can"},
        {landlock.version == 0 && !landlock.is_forbidden,
         "Landlock (Linux 5.13, and not turned off): workers can read every file that their user can"},
        {landlock.version > 0 && !landlock.has_network,
         "Landlock for TCP (Linux 6.7): workers of a proxy can connect to every port"},
        {landlock.version > 0 && !landlock.has_scopes,
         "Landlock for signals and abstract Unix sockets (Linux 6.12): only the filter of system calls is "
         "there"},
        {has_filter && !sandbox_has_filter(),
         "seccomp, which is forbidden here, perhaps by the profile of a container: workers can make every "
         "system call that is allowed outside"},
        {!has_filter,
         "seccomp (in the kernel, and libseccomp when vif is built): workers can make every system call"},
    };
    memcpy(lacks, all, sizeof(all));
}

static void print_kernel(struct buffer *out)
{
    struct landlock_features landlock = usable_landlock();
    struct hardening_lack lacks[LACKS];
    if (landlock.version > 0)
        buffer_printf(out, "has      Landlock %d: files%s%s\n", landlock.version,
                      landlock.has_network ? ", TCP ports" : "",
                      landlock.has_scopes ? ", signals, abstract Unix sockets" : "");
    if (sandbox_has_filter())
        buffer_printf(out, "has      seccomp: a filter of system calls\n");
    find_lacks(lacks);
    for (size_t i = 0; i < LACKS; i++) {
        if (lacks[i].is_lacking)
            buffer_printf(out, "lacks    %s\n", lacks[i].what);
    }
}

static void put_kernel(struct json *json)
{
    struct landlock_features landlock = usable_landlock();
    struct hardening_lack lacks[LACKS];
    json_put_number(json, "landlock", (uint64_t)landlock.version);
    json_put_bool(json, "landlock_tcp", landlock.has_network);
    json_put_bool(json, "landlock_signals", landlock.has_scopes);
    json_put_bool(json, "seccomp", sandbox_has_filter());
    json_key(json, "lacks");
    json_begin(json, '[');
    find_lacks(lacks);
    for (size_t i = 0; i < LACKS; i++) {
        if (lacks[i].is_lacking)
            json_string(json, slice_from(lacks[i].what));
    }
    json_end(json, ']');
}

/* ---- processes ---- */

static void print_capabilities(uint64_t capabilities, struct buffer *out)
{
    size_t unnamed = 0;
    for (unsigned i = 0; i < CAPABILITIES; i++) {
        const char *name = capabilities & SYS_CAPABILITY(i) ? sys_capability_name(i) : NULL;
        unnamed += (capabilities & SYS_CAPABILITY(i)) != 0 && name == NULL;
        if (name)
            buffer_printf(out, " %s", name);
    }
    if (unnamed > 0)
        buffer_printf(out, " and %zu others", unnamed);
    if (capabilities == 0)
        buffer_printf(out, " none");
}

static void print_process(const struct hardening_process *process, struct buffer *out)
{
    struct process_rights rights;
    char user[64];
    if (sys_process_rights(process->pid, &rights) < 0)
        return;
    sys_user_name(rights.user, user, sizeof(user));
    buffer_printf(out, "%-8s %d: user %s; system calls %s; new rights %s; capabilities", process->role,
                  (int)process->pid, user, rights.has_filter ? "filtered" : "not filtered",
                  rights.no_new_rights ? "impossible" : "possible");
    print_capabilities(rights.capabilities, out);
    buffer_printf(out, "\n");
}

static void put_process(const struct hardening_process *process, struct json *json)
{
    struct process_rights rights;
    char user[64], capabilities[32];
    if (sys_process_rights(process->pid, &rights) < 0)
        return;
    sys_user_name(rights.user, user, sizeof(user));
    json_begin(json, '{');
    json_key(json, "role");
    json_string(json, slice_from(process->role));
    json_put_number(json, "pid", (uint64_t)process->pid);
    json_key(json, "user");
    json_string(json, slice_from(user));
    json_put_bool(json, "syscalls_filtered", rights.has_filter);
    json_put_bool(json, "no_new_privileges", rights.no_new_rights);
    json_key(json, "capabilities");
    snprintf(capabilities, sizeof(capabilities), "%016" PRIx64, rights.capabilities);
    json_string(json, slice_from(capabilities));
    json_key(json, "bounding_set");
    snprintf(capabilities, sizeof(capabilities), "%016" PRIx64, rights.bounding_set);
    json_string(json, slice_from(capabilities));
    json_end(json, '}');
}

void hardening_write(const struct hardening_process *processes, size_t count, bool as_json,
                     struct buffer *out)
{
    struct json json = {.out = out};
    if (!as_json) {
        print_kernel(out);
        for (size_t i = 0; i < count; i++)
            print_process(&processes[i], out);
        return;
    }
    json_begin(&json, '{');
    put_kernel(&json);
    json_key(&json, "processes");
    json_begin(&json, '[');
    for (size_t i = 0; i < count; i++)
        put_process(&processes[i], &json);
    json_end(&json, ']');
    json_end(&json, '}');
    buffer_append(out, SLICE("\n"));
}
