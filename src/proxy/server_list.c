/* Changes are few: each server is searched among all of them. */
#include "proxy/server_list.h"

#include <stdio.h>

void server_list_name(const struct site *site, const struct route *route, char ret_name[BOARD_ROUTE_BYTES])
{
    struct slice host = site && site->host_count > 0 ? site->hosts[0] : SLICE("*");
    host = slice_equal(host, SLICE("*")) ? SLICE("") : host;
    snprintf(ret_name, BOARD_ROUTE_BYTES, "%.*s%.*s", SLICE_ARGS(host), SLICE_ARGS(route->prefix));
}

static const struct board_change *change_of(const struct server_list *list, const char *name,
                                            struct slice url)
{
    for (size_t i = 0; i < list->changes.count; i++) {
        const struct board_change *change = &list->changes.list[i];
        if (strcmp(change->route, name) == 0 && slice_equal(slice_from(change->url), url))
            return change;
    }
    return NULL;
}

static void list_server(struct server_list *list, const struct proxy_settings *settings, struct slice url,
                        const struct proxy_server *server, const struct board_change *change)
{
    uint32_t connections = change ? change->connections : server->connections;
    if (list->count == PROXY_SERVERS_MAX || (change && change->is_removed))
        return;
    list->servers[list->count++] = (struct listed_server){
        .url = url,
        .weight = change ? change->weight : server->weight,
        .limit = connections > 0 ? connections : settings->connections,
        .is_backup = change ? change->is_backup : server->is_backup,
        .is_draining = change && change->is_draining,
        .is_changed = change != NULL,
    };
}

/* The master writes changes in no time. If it was killed meanwhile, they do not count. */
#define TRIES_MAX 10000

static void read_changes(struct server_list *list, const struct board *board)
{
    for (int i = 0; i < TRIES_MAX; i++) {
        if (board_read_changes(board, &list->changes))
            return;
    }
    list->changes.count = 0;
}

void server_list_make(struct server_list *list, const struct board *board, const char *name,
                      const struct proxy_settings *settings)
{
    static const struct proxy_server nothing; /* a server that is not in the file is as its change says */
    list->count = 0;
    read_changes(list, board);
    for (size_t i = 0; i < settings->server_count; i++) {
        const struct proxy_server *server = &settings->servers[i];
        list_server(list, settings, server->url, server, change_of(list, name, server->url));
    }
    for (size_t i = 0; i < list->changes.count; i++) {
        const struct board_change *change = &list->changes.list[i];
        if (change->is_added && strcmp(change->route, name) == 0)
            list_server(list, settings, slice_from(change->url), &nothing, change);
    }
}
