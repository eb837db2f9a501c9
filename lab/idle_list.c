/* All clients have the same timeout, so the list is in the order of expiry: the first one is the only one to
 * look at. */
#include "lab/idle_list.h"

#include "lab/site_internal.h"
#include "sys/clock.h"

static void read_clock(struct lab_idle_list *list)
{
    list->now_ms = sys_monotonic_ms();
}

void lab_idle_list_init(struct lab_idle_list *list, struct lab_site *site)
{
    list_init(&list->clients);
    list->site = site;
    read_clock(list);
}

void lab_idle_list_touch(struct lab_idle_list *list, struct lab_client *client)
{
    client->last_active_ms = list->now_ms;
    list_remove(&client->link);
    list_append(&list->clients, &client->link);
}

struct lab_client *lab_idle_list_next_expired(struct lab_idle_list *list)
{
    read_clock(list);
    lab_site_enter(list->site);
    lab_site_tick(list->site);
    lab_site_leave(list->site);
    if (list_is_empty(&list->clients))
        return NULL;
    struct lab_client *client = CONTAINER_OF(list->clients.next, struct lab_client, link);
    bool has_expired = list->now_ms >= client->last_active_ms + LAB_IDLE_TIMEOUT_MS;
    return has_expired ? client : NULL;
}
