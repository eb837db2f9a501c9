/* Messages about certificates and keys, with file names, for `vif check` and the log. */
#ifndef TLS_REPORT_H
#define TLS_REPORT_H

#include "base/slice.h"

enum tls_level {
    TLS_LEVEL_WARNING, /* works, but needs attention */
    TLS_LEVEL_DOUBT,   /* works, but clients will reject it: never replaces a certificate that is in use */
    TLS_LEVEL_ERROR,   /* cannot be used */
};

#define TLS_FINDINGS_MAX      16
#define TLS_FINDING_BYTES_MAX 320

struct tls_finding {
    enum tls_level level;
    char text[TLS_FINDING_BYTES_MAX]; /* "FILE: what is wrong", without full stop; truncated if too long */
};

/* Empty when zeroed. After TLS_FINDINGS_MAX findings only the level of further ones is recorded. */
struct tls_report {
    size_t count;
    bool has[TLS_LEVEL_ERROR + 1]; /* whether a finding of that level was added, kept or not */
    struct tls_finding findings[TLS_FINDINGS_MAX];
};

void tls_report_add(struct tls_report *report, enum tls_level level, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* The text of the first finding of the highest level, or "". Lives as long as the report. */
const char *tls_report_gravest(const struct tls_report *report);

#endif
