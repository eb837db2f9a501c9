/* Shared by all report formats: units and the percentile axis. */
#include "load/report.h"

#include <math.h>
#include <stdio.h>

const double load_percentiles[LOAD_PERCENTILES] = {50, 75, 90, 99, 99.9};

const char *load_show_us(double us, char text[DURATION_TEXT_MAX])
{
    static const char *const units[] = {"us", "ms", "s"};
    unsigned unit = 0;
    while (unit + 1 < ARRAY_LENGTH(units) && us >= 999.5) {
        us /= 1000;
        unit++;
    }
    /* Whole numbers of microseconds get no decimals, since that is how they were measured. */
    int decimals = us >= 99.95 || (unit == 0 && us == floor(us)) ? 0 : us >= 9.995 ? 1 : 2;
    snprintf(text, DURATION_TEXT_MAX, "%.*f %s", decimals, us, units[unit]);
    return text;
}

double load_nines(double percentile)
{
    return -log10(1 - percentile / 100);
}

double load_percentile_at(double nines)
{
    return 100 - 100 * pow(10, -nines);
}

double load_nines_end(uint64_t count)
{
    return count < 10 ? 1 : log10((double)count);
}
