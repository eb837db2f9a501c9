/* What is to be said about certificates and keys, in plain words and with the names of files, for `vif
 * check`, the log and whoever asks why a new certificate was not taken up. */
#ifndef TLS_REPORT_H
#define TLS_REPORT_H

#include "base/slice.h"

enum tls_level {
    TLS_LEVEL_WARNING, /* works, but someone should look */
    TLS_LEVEL_DOUBT,   /* works, but clients will refuse it: never taken up in place of one that is in use */
    TLS_LEVEL_ERROR,   /* cannot be used */
};

#define TLS_FINDINGS_MAX      16
#define TLS_FINDING_BYTES_MAX 320

struct tls_finding {
    enum tls_level level;
    char text[TLS_FINDING_BYTES_MAX]; /* "FILE: what is wrong", without full stop; cut where it is longer */
};

/* Zeroed: says nothing. Findings past the most there can be are dropped, but for their level. */
struct tls_report {
    size_t count;
    bool has[TLS_LEVEL_ERROR + 1]; /* there is, or was to be, a finding of that level */
    struct tls_finding findings[TLS_FINDINGS_MAX];
};

void tls_report_add(struct tls_report *report, enum tls_level level, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* The first finding of the gravest level; empty where there is none. Lives as long as the report. */
const char *tls_report_gravest(const struct tls_report *report);

#endif
