/* proc(5): /proc/net/tcp names the socket's inode, /proc/PID/fd the process that has it open. */
#include "sys/port.h"

#include "sys/listen.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define TCP_LISTEN_STATE 0x0a
#define PORTS_TRIED      100

/* The inode of the listening socket in a table such as /proc/net/tcp, or 0. */
static unsigned long find_inode(const char *table, uint16_t port)
{
    FILE *stream = fopen(table, "re");
    char line[512];
    unsigned long found = 0;
    while (stream && found == 0 && fgets(line, sizeof(line), stream)) {
        unsigned local_port;
        unsigned state;
        unsigned long inode;
        /* "sl: address:port address:port state queues timer retransmits uid timeout inode …" */
        int count = sscanf(line, "%*d: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x %*x:%*x %*x:%*x %*x %*u %*u %lu",
                           &local_port, &state, &inode);
        if (count == 3 && local_port == port && state == TCP_LISTEN_STATE)
            found = inode;
    }
    if (stream)
        fclose(stream);
    return found;
}

/* Whether one of the process's descriptors is that socket. */
static bool process_has_socket(const char *process, const char *wanted)
{
    char path[300];
    bool found = false;
    snprintf(path, sizeof(path), "/proc/%.20s/fd", process);
    DIR *folder = opendir(path);
    for (struct dirent *entry; folder && !found && (entry = readdir(folder)) != NULL;) {
        char target[64];
        ssize_t length = readlinkat(dirfd(folder), entry->d_name, target, sizeof(target) - 1);
        target[MAX(length, 0)] = '\0';
        found = strcmp(target, wanted) == 0;
    }
    if (folder)
        closedir(folder);
    return found;
}

static void port_describe(const char *process, char holder[SYS_PORT_HOLDER_BYTES_MAX])
{
    char path[64];
    char name[32] = "?";
    snprintf(path, sizeof(path), "/proc/%.20s/comm", process);
    FILE *stream = fopen(path, "re");
    if (stream && fgets(name, sizeof(name), stream))
        name[strcspn(name, "\n")] = '\0';
    if (stream)
        fclose(stream);
    snprintf(holder, SYS_PORT_HOLDER_BYTES_MAX, "process %.20s (%s)", process, name);
}

bool sys_port_find_holder(uint16_t port, char holder[SYS_PORT_HOLDER_BYTES_MAX])
{
    char wanted[64];
    unsigned long inode = find_inode("/proc/net/tcp", port);
    if (inode == 0)
        inode = find_inode("/proc/net/tcp6", port);
    DIR *folder = inode ? opendir("/proc") : NULL;
    bool found = false;
    snprintf(wanted, sizeof(wanted), "socket:[%lu]", inode);
    for (struct dirent *entry; folder && !found && (entry = readdir(folder)) != NULL;) {
        bool is_process = entry->d_name[0] >= '1' && entry->d_name[0] <= '9';
        found = is_process && process_has_socket(entry->d_name, wanted);
        if (found)
            port_describe(entry->d_name, holder);
    }
    if (folder)
        closedir(folder);
    return found;
}

uint16_t sys_port_find_free(const struct address *address)
{
    struct listen_address wanted = {.address = *address};
    struct address bound;
    unsigned taken = address_port(address);
    for (unsigned port = taken + 1; port <= UINT16_MAX && port <= taken + PORTS_TRIED; port++) {
        wanted.address.v4.sin_port = htons((uint16_t)port); /* where sin6_port is, too */
        int fd = sys_listen(&wanted, &bound);
        if (fd >= 0) {
            sys_close(fd);
            return (uint16_t)port;
        }
    }
    return 0;
}
