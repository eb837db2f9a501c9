/* setresuid(2), setgroups(2), capset(2), prctl(2). In this order: what may change the bounding set goes with
 * the user, and the groups can be changed only before. */
#include "sys/privilege.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *const capability_names[] = {
    [CAP_CHOWN] = "CAP_CHOWN",
    [CAP_DAC_OVERRIDE] = "CAP_DAC_OVERRIDE",
    [CAP_DAC_READ_SEARCH] = "CAP_DAC_READ_SEARCH",
    [CAP_FOWNER] = "CAP_FOWNER",
    [CAP_FSETID] = "CAP_FSETID",
    [CAP_KILL] = "CAP_KILL",
    [CAP_SETGID] = "CAP_SETGID",
    [CAP_SETUID] = "CAP_SETUID",
    [CAP_SETPCAP] = "CAP_SETPCAP",
    [CAP_NET_BIND_SERVICE] = "CAP_NET_BIND_SERVICE",
    [CAP_SYS_RESOURCE] = "CAP_SYS_RESOURCE",
};

const char *sys_capability_name(unsigned number)
{
    return number < ARRAY_LENGTH(capability_names) ? capability_names[number] : NULL;
}

/* The number behind a name at the beginning of a line; 0 if it is not there. */
static uint64_t read_status_number(const char *text, const char *name, int base)
{
    const char *line = strstr(text, name);
    return line ? strtoull(line + strlen(name), NULL, base) : 0;
}

static void read_status_name(const char *text, char name[16])
{
    const char *line = strstr(text, "Name:\t");
    int length = line ? (int)strcspn(line + strlen("Name:\t"), "\n") : 0;
    snprintf(name, 16, "%.*s", length, line ? line + strlen("Name:\t") : "");
}

int sys_process_rights(pid_t pid, struct process_rights *ret_rights)
{
    char path[64], text[8192];
    snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return -errno;
    size_t length = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    text[length] = '\0';
    *ret_rights = (struct process_rights){
        .user = (uid_t)read_status_number(text, "\nUid:", 10),
        .capabilities = read_status_number(text, "\nCapEff:", 16),
        .bounding_set = read_status_number(text, "\nCapBnd:", 16),
        .no_new_rights = read_status_number(text, "\nNoNewPrivs:", 10) == 1,
        .has_filter = read_status_number(text, "\nSeccomp:", 10) == 2,
    };
    read_status_name(text, ret_rights->name);
    return 0;
}

size_t sys_children(pid_t pid, pid_t *ret_children, size_t max)
{
    char path[64];
    size_t count = 0;
    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
    FILE *file = fopen(path, "re");
    while (file && count < max && fscanf(file, "%d", &ret_children[count]) == 1)
        count++;
    if (file)
        fclose(file);
    return count;
}

uid_t sys_user(void)
{
    return geteuid();
}

gid_t sys_group(void)
{
    return getegid();
}

bool sys_is_root(void)
{
    return geteuid() == 0;
}

int sys_forbid_new_rights(void)
{
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

/* Kernels have different numbers of capabilities: the first that is unknown ends the loop. */
static void reduce_bounding_set(uint64_t kept)
{
    for (unsigned i = 0; prctl(PR_CAPBSET_READ, i) >= 0; i++) {
        if (i >= 64 || (kept & SYS_CAPABILITY(i)) == 0)
            prctl(PR_CAPBSET_DROP, i); /* fails without CAP_SETPCAP; then no_new_privs has the same effect */
    }
}

int sys_keep_capabilities(uint64_t kept)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];
    reduce_bounding_set(kept);
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    if (syscall(SYS_capget, &header, data) < 0)
        return -errno;
    bool is_changed = false;
    for (unsigned i = 0; i < 2; i++) {
        struct __user_cap_data_struct before = data[i];
        data[i].permitted &= (uint32_t)(kept >> (32 * i));
        data[i].effective = data[i].permitted;
        data[i].inheritable = 0;
        is_changed |= memcmp(&before, &data[i], sizeof(before)) != 0;
    }
    return is_changed && syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

int sys_become(uid_t user, gid_t group, uint64_t kept)
{
    reduce_bounding_set(kept);
    if (setgroups(0, NULL) < 0 || setresgid(group, group, group) < 0 || setresuid(user, user, user) < 0)
        return -errno;
    return sys_keep_capabilities(kept);
}

static bool has_capability(unsigned number)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];
    return syscall(SYS_capget, &header, data) == 0 && (data[number / 32].effective >> number % 32 & 1) != 0;
}

/* Tried, as capabilities are not all that it takes: a user namespace may have no such user. */
int sys_may_become(uid_t user, gid_t group)
{
    if (!has_capability(CAP_KILL))
        return -EPERM;
    int error = sys_look_as(user, group);
    int back = sys_look_as_root();
    return error < 0 ? error : back;
}

int sys_look_as(uid_t user, gid_t group)
{
    if (setgroups(0, NULL) < 0 || setegid(group) < 0 || seteuid(user) < 0)
        return -errno;
    return 0;
}

int sys_look_as_root(void)
{
    return seteuid(0) < 0 || setegid(0) < 0 ? -errno : 0;
}
