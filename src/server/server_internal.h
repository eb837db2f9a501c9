/* The server's struct, for the lab and for tests, which create requests themselves. */
#ifndef SERVER_SERVER_INTERNAL_H
#define SERVER_SERVER_INTERNAL_H

#include "admin/admin.h"
#include "admin/guard.h"
#include "files/files.h"
#include "front/front.h"
#include "proxy/proxy.h"
#include "server/server.h"

struct server {
    struct server_options options;
    struct service service;
    struct root_table roots;
    struct settings_change *change; /* the change being prepared; NULL: none */
    unsigned change_jobs;           /* running jobs of all changes, including cancelled ones */
    struct files files;
    struct guard guard;
    struct admin admin;
    struct proxy proxy;
    struct front front;
    struct timer drain_timer;
    bool has_told_drained;
};

#endif
