/* The servers of a route at this moment: those of the configuration, or of a file that is watched
 * (`to_file`), as changed at run time. Workers and the master get the same list from the same board. */
#ifndef PROXY_SERVER_LIST_H
#define PROXY_SERVER_LIST_H

#include "serve/board.h"
#include "settings/settings.h"

struct listed_server {
    struct slice url; /* of the settings, or in the list */
    uint32_t weight;
    uint32_t limit; /* of requests at once; 0: none */
    bool is_backup;
    bool is_draining;
    bool is_changed; /* at run time */
};

struct server_list {
    struct board_changes changes;
    struct board_list file; /* the latest list of the file, if the servers are in one */
    size_t named_count;     /* before any change at run time */
    struct proxy_server named[PROXY_SERVERS_MAX];
    size_t count;
    struct listed_server servers[PROXY_SERVERS_MAX];
};

/* The name of a route, for people and for the board: "example.com/api", or "/api" for all hosts. `site` is
 * NULL for the route of a listener. */
void server_list_name(const struct site *site, const struct route *route, char ret_name[BOARD_ROUTE_BYTES]);

/* Fills the list. */
void server_list_make(struct server_list *list, const struct board *board, const char *name,
                      const struct proxy_settings *settings);

/* Whether the configuration, or the file, names a server. */
bool server_list_names(const struct server_list *list, struct slice url);

#endif
