/* What was found wrong, in words. The first fault is the one that is kept: those behind it mostly follow from
 * it. */
#ifndef SIM_CLIENTS_VERDICT_H
#define SIM_CLIENTS_VERDICT_H

#include "base/slice.h"

#define VERDICT_TEXT_MAX 600

struct verdict {
    bool is_bad;
    char text[VERDICT_TEXT_MAX];
};

/* Writes the fault down, unless there is one already. Always false, for `return blame(...)`. */
bool blame(struct verdict *verdict, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
