/* A list of findings about certificates, bounded, with the gravest of them. */
#include "tls/report.h"

#include <stdarg.h>
#include <stdio.h>

void tls_report_add(struct tls_report *report, enum tls_level level, const char *format, ...)
{
    report->has[level] = true;
    if (report->count == TLS_FINDINGS_MAX)
        return;
    struct tls_finding *finding = &report->findings[report->count++];
    finding->level = level;
    va_list values;
    va_start(values, format);
    vsnprintf(finding->text, sizeof(finding->text), format, values);
    va_end(values);
}

const char *tls_report_gravest(const struct tls_report *report)
{
    const struct tls_finding *gravest = NULL;
    for (size_t i = 0; i < report->count; i++)
        if (gravest == NULL || report->findings[i].level > gravest->level)
            gravest = &report->findings[i];
    return gravest ? gravest->text : "";
}
