/* `vif hardening`: what protects this machine from a worker that somebody has taken over, and what the kernel
 * lacks; then the rights that the processes of each running vif have, or of the one that --pid means. */
#include "cli/commands.h"
#include "cli/control_client.h"
#include "cli/print.h"
#include "cli/session.h"

#include "proc/hardening.h"
#include "sys/privilege.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROCESSES_MAX 1025

struct process_list {
    struct hardening_process all[PROCESSES_MAX];
    size_t count;
};

static void process_list_add(struct process_list *list, pid_t pid, const char *role)
{
    if (list->count < PROCESSES_MAX)
        list->all[list->count++] = (struct hardening_process){pid, role};
}

/* By its name: "vif logs" and others are no workers, and keep the rights of the master. */
static const char *role_of_child(pid_t pid)
{
    static const char *const others[] = {"logs", "reader", "opener"};
    struct process_rights rights;
    if (sys_process_rights(pid, &rights) < 0 || strncmp(rights.name, "vif ", 4) != 0)
        return "worker";
    for (size_t i = 0; i < ARRAY_LENGTH(others); i++) {
        if (strcmp(rights.name + 4, others[i]) == 0)
            return others[i];
    }
    return "worker";
}

/* A master and its children. */
static void add_vif(struct process_list *list, pid_t pid)
{
    static pid_t children[PROCESSES_MAX];
    process_list_add(list, pid, "master");
    size_t count = sys_children(pid, children, ARRAY_LENGTH(children));
    for (size_t i = 0; i < count; i++)
        process_list_add(list, children[i], role_of_child(children[i]));
}

static void find_vifs(struct process_list *list)
{
    const struct control_server *servers;
    size_t count = control_find_servers(&servers);
    for (size_t i = 0; i < count; i++)
        add_vif(list, (pid_t)servers[i].pid);
}

static int run_hardening(struct session *session)
{
    static struct process_list list;
    const char *pid = given_value(&session->arguments, "pid");
    struct buffer text;
    if (pid)
        add_vif(&list, (pid_t)strtol(pid, NULL, 10));
    else
        find_vifs(&list);
    buffer_init(&text, 1u << 20);
    hardening_write(list.all, list.count, given_value(&session->arguments, "json") != NULL, &text);
    return print_finish(&text, text.failed ? -ENOMEM : 0);
}

int command_hardening(char *const *words)
{
    return session_run(FLAG_OF_HARDENING, words, run_hardening);
}
