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
        .weight = MIN(change ? change->weight : server->weight, PROXY_WEIGHT_MAX), /* workers can write it */
        .limit = connections > 0 ? connections : settings->connections,
        .is_backup = change ? change->is_backup : server->is_backup,
        .is_draining = change && change->is_draining,
        .is_changed = change != NULL,
    };
}

/* ---- what is on the board ---- */

/* The master writes in no time. If it was killed meanwhile, what is there does not count. */
#define TRIES_MAX 10000

/* Changes and list belong together: one version has both. `file` is NULL if the servers are in none. */
static bool try_read_board(struct server_list *list, const struct board *board, const struct digest *file)
{
    unsigned version = board_version(board);
    return board_read_changes(board, &list->changes) &&
           (file == NULL || board_read_list(board, file, &list->file)) && version == board_version(board);
}

static void read_board(struct server_list *list, const struct board *board, const struct digest *file)
{
    for (int i = 0; i < TRIES_MAX; i++) {
        if (try_read_board(list, board, file))
            return;
    }
    list->changes.count = 0;
    list->file.number = 0;
}

/* ---- the servers ---- */

static_assert((int)BOARD_LISTED_MAX == PROXY_SERVERS_MAX, "a list has the servers of a route");

static struct proxy_server server_of_listed(const struct board_listed *listed)
{
    return (struct proxy_server){
        .url = slice_from(listed->url),
        .weight = listed->weight,
        .connections = listed->connections,
        .is_backup = listed->is_backup,
    };
}

/* Before the master has put the file's list on the board, it is as it was when the settings were read: the
 * board may still have the one of earlier settings. */
static void name_servers_of(struct server_list *list, const struct proxy_settings *settings)
{
    bool is_on_board = list->file.number != 0 && list->file.read_ns >= settings->to_file_read_ns;
    size_t count = is_on_board ? list->file.count : settings->server_count;
    list->named_count = MIN(count, (size_t)PROXY_SERVERS_MAX);
    for (size_t i = 0; i < list->named_count; i++)
        list->named[i] = is_on_board ? server_of_listed(&list->file.servers[i]) : settings->servers[i];
}

bool server_list_names(const struct server_list *list, struct slice url)
{
    for (size_t i = 0; i < list->named_count; i++) {
        if (slice_equal(list->named[i].url, url))
            return true;
    }
    return false;
}

void server_list_make(struct server_list *list, const struct board *board, const char *name,
                      const struct proxy_settings *settings)
{
    static const struct proxy_server nothing; /* a server that is not in the file is as its change says */
    struct digest file = board_list_name(settings->to_file);
    list->count = 0;
    list->file.number = 0;
    read_board(list, board, settings->to_file.length > 0 ? &file : NULL);
    name_servers_of(list, settings);
    for (size_t i = 0; i < list->named_count; i++) {
        const struct proxy_server *server = &list->named[i];
        list_server(list, settings, server->url, server, change_of(list, name, server->url));
    }
    for (size_t i = 0; i < list->changes.count; i++) {
        const struct board_change *change = &list->changes.list[i];
        if (change->is_added && strcmp(change->route, name) == 0)
            list_server(list, settings, slice_from(change->url), &nothing, change);
    }
}
