/* Alerts by name, and the one record that vif writes without OpenSSL. */
#include "tls/alert.h"

#include <string.h>

#define LEVEL_FATAL 2

const char *tls_alert_name(int alert)
{
    switch (alert) {
#define X(number, name, member) \
    case number: return #name;
        TLS_ALERT_TABLE(X)
#undef X
    }
    return "unknown";
}

void tls_alert_write(enum tls_alert alert, char out[TLS_ALERT_RECORD_BYTES])
{
    /* Type alert, the version of all records since TLS 1.2, two bytes of content. */
    static const char head[] = {21, 3, 3, 0, 2, LEVEL_FATAL};
    memcpy(out, head, sizeof(head));
    out[sizeof(head)] = (char)alert;
}
