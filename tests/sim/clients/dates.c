/* By the C library: gmtime_r and timegm. */
#include "dates.h"

#include <stdio.h>
#include <time.h>

static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

void date_write(char out[DATE_TEXT_MAX], int64_t seconds)
{
    struct tm tm;
    time_t time = (time_t)seconds;
    gmtime_r(&time, &tm);
    snprintf(out, DATE_TEXT_MAX, "%s, %02u %s %04u %02u:%02u:%02u GMT", days[tm.tm_wday],
             (unsigned)tm.tm_mday % 100, months[tm.tm_mon], (unsigned)(tm.tm_year + 1900) % 10000,
             (unsigned)tm.tm_hour % 100, (unsigned)tm.tm_min % 100, (unsigned)tm.tm_sec % 100);
}

bool date_read(struct slice text, int64_t *ret_seconds)
{
    char copy[DATE_TEXT_MAX], again[DATE_TEXT_MAX], month[4];
    struct tm tm = {0};
    if (text.length != 29)
        return false;
    memcpy(copy, text.data, text.length);
    copy[text.length] = '\0';
    if (sscanf(copy, "%*3c, %2d %3c %4d %2d:%2d:%2d GMT", &tm.tm_mday, month, &tm.tm_year, &tm.tm_hour,
               &tm.tm_min, &tm.tm_sec) != 6)
        return false;
    month[3] = '\0';
    for (tm.tm_mon = 0; tm.tm_mon < 12 && strcmp(month, months[tm.tm_mon]) != 0;)
        tm.tm_mon++;
    if (tm.tm_mon == 12)
        return false;
    tm.tm_year -= 1900;
    *ret_seconds = timegm(&tm);
    date_write(again, *ret_seconds);
    return strcmp(again, copy) == 0;
}
