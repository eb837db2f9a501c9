/* The sections of the table of options. */
#include "conf/options.h"

const struct section sections[SECTION_COUNT] = {
    [SECTION_TOP] = {"", "The top of the file.", NULL, NULL},
    [SECTION_LISTENER] = {"listen",
                          "Where connections come from. A single value in place of the map is its `address`.",
                          "address", NULL},
    [SECTION_ADMIN] =
        {"listen[].admin",
         "Metrics, health checks, the status and a dashboard ([more](metrics.md)). `true` in place "
         "of the map is its defaults.",
         NULL, NULL},
    [SECTION_UNIX_SOCKET] = {"unix_socket",
                             "Who may connect to the Unix sockets among `listen`: those who may write to "
                             "their files.",
                             NULL},
    [SECTION_LOG] = {"log", "Where events and requests are written down.", NULL},
    [SECTION_ACCESS_LOG] =
        {"log.access",
         "One line for each request. A lone path in place of the map is its `path`; `false` turns "
         "it off.",
         "path"},
    [SECTION_ERROR_LOG] =
        {"log.error", "What happens to the server itself. A lone path in place of the map is its `path`.",
         "path"},
    [SECTION_ROTATE] = {"log.rotate",
                        "When a log file is put aside, and what becomes of old ones "
                        "([more](logs.md#rotation)). `true` in place of the map is its defaults.",
                        NULL},
    [SECTION_LIMITS] = {"limits",
                        "What a client, and the server as a whole, may use. Each limit has an answer.", NULL},
    [SECTION_TIMEOUTS] = {"timeouts", "How long each state of a connection may last.", NULL},
    [SECTION_HTTP2] = {"http2", "How HTTP/2 is spoken, and what a client may have under way at once.", NULL},
    [SECTION_TICKETS] =
        {"tickets",
         "Session tickets: with one a client resumes its TLS session, with any worker, without a signature.",
         NULL},
    [SECTION_TRUSTED] = {"trusted_proxies",
                         "Servers in front of vif that are believed when they say who their client is "
                         "([more](operating.md#behind-"
                         "other-servers)). A single value or a list in place of the map is its `from`.",
                         "from", "from"},
    [SECTION_REQUEST_ID] = {"request_id",
                            "Ids by which a request is found in the logs of all servers that it passes. "
                            "`true` in place of the map turns them on.",
                            NULL},
    [SECTION_SHIELD] =
        {"shield",
         "Has the kernel drop the packets of clients that break limits again and again, before its "
         "network stack sees them ([more](operating.md#the-shield)). The name of an interface in "
         "place of the map is its `interface`.",
         "interface"},
    [SECTION_SITE] =
        {"sites[]",
         "A set of routes for a set of hosts. Exact names go before wildcards, and those before `*`.", NULL},
    [SECTION_ROUTE] =
        {"sites[].routes{}",
         "What answers below a path: exactly one of `files`, `redirect`, `respond` and `proxy`. The longest "
         "path that matches whole segments of the request's wins.",
         NULL},
    [SECTION_FILES] = {"files", "Serves a folder. A lone path in place of the map is its `root`.", "root"},
    [SECTION_REDIRECT] = {"redirect",
                          "Sends clients elsewhere. A single value in place of the map is its `to`.", "to"},
    [SECTION_RESPOND] = {"respond",
                         "Answers with a fixed text. A single value in place of the map is its `body`.",
                         "body"},
    [SECTION_PROXY] = {"proxy",
                       "Forwards requests to other servers ([more](proxy.md)): to those of either `to` or "
                       "`to_file`. A single "
                       "value or a list in place of the map is its `to`.",
                       "to", "to"},
    [SECTION_SERVER] = {"proxy.to[]", "A server. A single value in place of the map is its `server`.",
                        "server"},
    [SECTION_STICKY] = {"proxy.sticky",
                        "A cookie that vif sets, so that a client stays at its server while that is up. A "
                        "lone name in place "
                        "of the map is its `cookie`.",
                        "cookie"},
    [SECTION_HEALTH] =
        {"proxy.health",
         "Checks of the servers' health: each is asked again and again, by one worker for all. Those that "
         "are down get no requests. A lone path in place of the map is its `path`; `true` only opens "
         "connections.",
         "path"},
    [SECTION_PROXY_TLS] =
        {"proxy.tls",
         "TLS to the servers of `to` that are `https://`, in version 1.2 or 1.3. Without it their "
         "certificates "
         "must be for the host of the URL, from an issuer that the system trusts. A lone path in place of "
         "the "
         "map is its `ca`; `true` allows to add such servers at run time to a route that has none.",
         "ca"},
    [SECTION_HEADERS] = {"headers",
                         "Headers of all responses of a site or a route. Those of the route are applied "
                         "after those of its site.",
                         NULL},
    [SECTION_HSTS] =
        {"hsts",
         "Has browsers use HTTPS only from the first visit on (`Strict-Transport-Security`). Sent over TLS "
         "only. A lone duration in place of the map is its `max_age`.",
         "max_age"},
    [SECTION_TLS] =
        {"tls",
         "Of a listener: that it speaks TLS, and how, to all its clients. Of a site: its certificates, and "
         "what is different under its names. What a site leaves out is as the listener says. A lone text in "
         "place of the map is its `certificate`, a list its `certificates`.",
         "certificate", "certificates"},
    [SECTION_CERTIFICATE] = {"tls.certificates[]",
                             "A certificate. A single value in place of the map is its `certificate`.",
                             "certificate"},
};
