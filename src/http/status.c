/* Reason phrases and status lines from the status table. */
#include "http/status.h"

#include <string.h>

struct slice http_status_reason(int status)
{
    switch (status) {
#define X(code, reason) \
    case code: return SLICE(reason);
        HTTP_STATUS_TABLE(X)
#undef X
    default: return (struct slice){0};
    }
}

size_t http_status_line(char *buffer, int status)
{
    assert(status >= 100 && status <= 999);
    struct slice reason = http_status_reason(status);
    char *out = buffer;
    memcpy(out, "HTTP/1.1 ", 9);
    out += 9;
    *out++ = (char)('0' + status / 100);
    *out++ = (char)('0' + status / 10 % 10);
    *out++ = (char)('0' + status % 10);
    *out++ = ' ';
    if (reason.length)
        memcpy(out, reason.data, reason.length);
    out += reason.length;
    *out++ = '\r';
    *out++ = '\n';
    assert(out - buffer <= HTTP_STATUS_LINE_MAX);
    return (size_t)(out - buffer);
}
