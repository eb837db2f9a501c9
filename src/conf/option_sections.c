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
                             "Who may connect to the Unix sockets in `listen`: the users who may write to "
                             "their files.",
                             NULL},
    [SECTION_LOG] = {"log", "What is logged, and where.", NULL},
    [SECTION_ACCESS_LOG] =
        {"log.access",
         "One line for each request. A path in place of the map is its `path`; `false` turns it off.",
         "path"},
    [SECTION_ERROR_LOG] = {"log.error",
                           "Messages about the server itself. A path in place of the map is its `path`.",
                           "path"},
    [SECTION_ROTATE] = {"log.rotate",
                        "When a log file is rotated, and what becomes of old ones "
                        "([more](logs.md#rotation)). `true` in place of the map means the defaults.",
                        NULL},
    [SECTION_LIMITS] = {"limits", "What a client, and the server as a whole, may use.", NULL},
    [SECTION_TIMEOUTS] = {"timeouts", "How long each state of a connection may last.", NULL},
    [SECTION_HTTP2] = {"http2", "Which clients may use HTTP/2, and how much a client may have in progress.",
                       NULL},
    [SECTION_TICKETS] = {"tickets",
                         "Session tickets, with which a client resumes its TLS session at any worker, "
                         "without a new signature.",
                         NULL},
    [SECTION_TRUSTED] = {"trusted_proxies",
                         "Servers in front of vif that are believed when they say who their client is "
                         "([more](operating.md#behind-"
                         "other-servers)). A single value or a list in place of the map is its `from`.",
                         "from", "from"},
    [SECTION_REQUEST_ID] = {"request_id",
                            "Ids, by which a request can be found in the logs of all servers that it passes. "
                            "`true` in place of the map turns them on.",
                            NULL},
    [SECTION_SHIELD] =
        {"shield",
         "Has the kernel drop the packets of clients that break limits again and again, before its "
         "network stack sees them ([more](operating.md#the-shield)). The name of an interface in "
         "place of the map is its `interface`.",
         "interface"},
    [SECTION_SITE] = {"sites[]",
                      "A set of routes for a set of hosts. Exact names take precedence over wildcards, and "
                      "those over `*`.",
                      NULL},
    [SECTION_ROUTE] =
        {"sites[].routes{}",
         "How requests below a path are answered: by exactly one of `files`, `redirect`, `respond` and "
         "`proxy`. The longest path that matches whole segments of the request's path wins.",
         NULL},
    [SECTION_FILES] = {"files", "Serves a folder. A path in place of the map is its `root`.", "root"},
    [SECTION_REDIRECT] = {"redirect",
                          "Sends clients elsewhere. A single value in place of the map is its `to`.", "to"},
    [SECTION_RESPOND] = {"respond",
                         "Answers with a fixed text. A single value in place of the map is its `body`.",
                         "body"},
    [SECTION_PROXY] =
        {"proxy",
         "Forwards requests to other servers, over HTTP/1.1 or HTTP/2 ([more](proxy.md)): to those of either "
         "`to` or `to_file`. A single value or a list in place of the map is its `to`.",
         "to", "to"},
    [SECTION_SERVER] = {"proxy.to[]", "A server. A single value in place of the map is its `server`.",
                        "server"},
    [SECTION_STICKY] = {"proxy.sticky",
                        "A cookie that vif sets, so that a client stays at its server while that is up. A "
                        "name in place of the map is its `cookie`.",
                        "cookie"},
    [SECTION_HEALTH] =
        {"proxy.health",
         "Checks of the servers' health. One worker checks each server regularly, for all workers. Servers "
         "that "
         "are down get no requests. A path in place of the map is its `path`; `true` only opens "
         "connections.",
         "path"},
    [SECTION_PROXY_TLS] =
        {"proxy.tls",
         "TLS to the servers of `to` that are `https://`, in version 1.2 or 1.3. By default their "
         "certificates must be for the host of the URL, from an issuer that the system trusts. A path in "
         "place of the map is its `ca`; with `true`, such servers can be added at run time to a route that "
         "has none.",
         "ca"},
    [SECTION_HEADERS] = {"headers",
                         "Headers of all responses of a site or a route. Those of the route are applied "
                         "after those of its site.",
                         NULL},
    [SECTION_HSTS] = {"hsts",
                      "Makes browsers use only HTTPS after their first visit (`Strict-Transport-Security`). "
                      "It is sent only "
                      "over TLS. A duration in place of the map is its `max_age`.",
                      "max_age"},
    [SECTION_TLS] =
        {"tls",
         "At a listener: it speaks TLS, with these options for all its clients. At a site: its certificates, "
         "and other options for its names; options that a site leaves out are those of the listener. A path "
         "in place of the map is its `certificate`, a list its `certificates`.",
         "certificate", "certificates"},
    [SECTION_CERTIFICATE] = {"tls.certificates[]",
                             "A certificate. A single value in place of the map is its `certificate`.",
                             "certificate"},
};
