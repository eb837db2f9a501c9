/* See verdict.h. */
#include "verdict.h"

#include <stdarg.h>
#include <stdio.h>

bool blame(struct verdict *verdict, const char *format, ...)
{
    if (verdict->is_bad)
        return false;
    va_list values;
    va_start(values, format);
    vsnprintf(verdict->text, sizeof(verdict->text), format, values);
    va_end(values);
    verdict->is_bad = true;
    return false;
}
