/* The table of faults. */
#include "proxy/fault.h"

#include "base/compiler.h"

#include <errno.h>

static const struct proxy_fault_row proxy_fault_rows[] = {
#define X(name, status, code, text) [PROXY_FAULT_##name] = {status, code, text},
    PROXY_FAULT_TABLE(X)
#undef X
};

const struct proxy_fault_row *proxy_fault_row(enum proxy_fault fault)
{
    assert(fault != PROXY_OK);
    return &proxy_fault_rows[fault];
}

enum proxy_fault proxy_fault_of_connect(int error)
{
    switch (-error) {
    case ECONNREFUSED:
    case ENOENT: return PROXY_FAULT_REFUSED;
    case ETIMEDOUT: return PROXY_FAULT_CONNECT_TIMEOUT;
    case ENOMEM:
    case EMFILE:
    case ENFILE:
    case ERANGE: return PROXY_FAULT_OVERLOADED;
    default: return PROXY_FAULT_UNREACHABLE;
    }
}
