/* One function per fault. By far the most common is a port in use: its message names the process that uses it
 * and a free port. */
#include "cli/fault.h"

#include "base/error.h"
#include "proc/shield.h"
#include "sys/address.h"
#include "sys/port.h"

#include <errno.h>

static void explain_taken(const struct address *address, struct slice text, FILE *out)
{
    char holder[SYS_PORT_HOLDER_BYTES_MAX];
    uint16_t port = address_port(address);
    fprintf(out, "vif: %.*s is taken", SLICE_ARGS(text));
    if (port != 0 && sys_port_find_holder(port, holder))
        fprintf(out, " by %s", holder);
    uint16_t free_port = port != 0 ? sys_port_find_free(address) : 0;
    if (free_port != 0)
        fprintf(out, "; port %u is free: -p %u", free_port, free_port);
    fputc('\n', out);
}

static void explain_forbidden(const struct address *address, struct slice text, FILE *out)
{
    uint16_t port = address_port(address);
    fprintf(out, "vif: may not listen on %.*s", SLICE_ARGS(text));
    if (port != 0 && port < 1024)
        fputs(": ports below 1024 need CAP_NET_BIND_SERVICE, which systemd gives (AmbientCapabilities=), or "
              "root;"
              " or take a higher one: -p 8080",
              out);
    fputc('\n', out);
}

static void explain_listener(const struct master_result *result, const struct config *config, FILE *out)
{
    struct slice text = config->listeners[result->listener_index].address;
    struct listen_address address;
    bool is_known = address_parse(text, &address) == ADDRESS_OK;
    if (is_known && result->error == -EADDRINUSE)
        explain_taken(&address.address, text, out);
    else if (is_known && result->error == -EACCES)
        explain_forbidden(&address.address, text, out);
    else if (is_known && result->error == -EPERM && address.address.any.sa_family == AF_UNIX)
        fprintf(out,
                "vif: may not give %.*s to that owner or group: only root may, or, for a group, one of its "
                "members\n",
                SLICE_ARGS(text));
    else if (result->error == -EADDRNOTAVAIL)
        fprintf(out, "vif: %.*s is no address of this machine (see: ip address)\n", SLICE_ARGS(text));
    else
        fprintf(out, "vif: cannot listen on %.*s: %s\n", SLICE_ARGS(text), error_text(result->error));
}

void fault_explain(const struct master_result *result, const struct config *config, FILE *out)
{
    switch (result->fault) {
    case MASTER_FAULT_NONE:
    case MASTER_FAULT_WORKER:
    case MASTER_FAULT_CUT_SHORT: return;
    case MASTER_FAULT_LISTENER: explain_listener(result, config, out); return;
    case MASTER_FAULT_ERROR_LOG:
        fprintf(out, "vif: cannot open the error log %.*s: %s\n", SLICE_ARGS(config->error_log.path),
                error_text(result->error));
        return;
    case MASTER_FAULT_TICKETS:
        fprintf(out, "vif: cannot use the ticket keys of %.*s: the error log says why\n",
                SLICE_ARGS(config->settings->tickets.keys));
        return;
    case MASTER_FAULT_CERTIFICATES:
        fputs("vif: cannot start without these certificates: the error log says what is wrong; of a "
              "configuration file, \"vif check\" also says in which line\n",
              out);
        return;
    case MASTER_FAULT_SHIELD:
        fprintf(out, "vif: cannot start without its shield at %.*s: %s\n",
                SLICE_ARGS(config->settings->shield.interface), shield_fault_text(result->error));
        return;
    case MASTER_FAULT_SYSTEM: fprintf(out, "vif: cannot start: %s\n", error_text(result->error)); return;
    }
    UNREACHABLE();
}
