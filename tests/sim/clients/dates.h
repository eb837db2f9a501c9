/* IMF-fixdates as vif should write them, made by other means than vif makes them. */
#ifndef SIM_CLIENTS_DATES_H
#define SIM_CLIENTS_DATES_H

#include "verdict.h"

#define DATE_TEXT_MAX 32

/* "Sun, 06 Nov 1994 08:49:37 GMT", with a NUL. */
void date_write(char out[DATE_TEXT_MAX], int64_t seconds);

/* Reads such a date, and nothing else, back. */
bool date_read(struct slice text, int64_t *ret_seconds);

/* The second that a file's time is in. */
static inline int64_t seconds_of(int64_t ns)
{
    int64_t seconds = ns / 1000000000;
    return seconds * 1000000000 > ns ? seconds - 1 : seconds;
}

#endif
