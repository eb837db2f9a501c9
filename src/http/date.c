/* HTTP dates without strftime and timegm, which depend on the locale and are slow. Years begin in March,
 * so that the leap day is the last day and month lengths need no table (Howard Hinnant, "chrono-compatible
 * low-level date algorithms"). */
#include "http/date.h"

#define SECONDS_A_DAY 86400
#define DAYS_AN_ERA   146097 /* 400 years, after which the calendar repeats */
#define DAYS_TO_EPOCH 719468 /* from 0000-03-01 to 1970-01-01 */

#define SECONDS_MIN INT64_C(-62167219200) /* 0000-01-01 00:00:00 */
#define SECONDS_MAX INT64_C(253402300799) /* 9999-12-31 23:59:59 */

static const char day_names[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
static const char month_names[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

struct civil {
    int year, month, day; /* month and day from 1 */
    int hour, minute, second;
};

static int64_t days_from_civil(int year, int month, int day)
{
    int64_t shifted = (int64_t)year - (month <= 2) + 400; /* shifted by one era to avoid negative numbers */
    int64_t era = shifted / 400;
    int64_t year_of_era = shifted % 400;
    int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return (era - 1) * DAYS_AN_ERA + day_of_era - DAYS_TO_EPOCH;
}

static int64_t seconds_from_civil(const struct civil *civil)
{
    return days_from_civil(civil->year, civil->month, civil->day) * SECONDS_A_DAY + civil->hour * 3600 +
           civil->minute * 60 + civil->second;
}

/* Returns the day of the week, 0 for Sunday. */
static int civil_from_seconds(int64_t seconds, struct civil *civil)
{
    int64_t from_zero = MIN(MAX(seconds, SECONDS_MIN), SECONDS_MAX) - SECONDS_MIN;
    int64_t days = from_zero / SECONDS_A_DAY; /* since 0000-01-01, a Saturday */
    int64_t time = from_zero % SECONDS_A_DAY;
    int64_t shifted = days - 60 + DAYS_AN_ERA; /* since 0000-03-01, shifted by one era */
    int64_t day_of_era = shifted % DAYS_AN_ERA;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / (DAYS_AN_ERA - 1)) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month_from_march = (5 * day_of_year + 2) / 153;
    civil->day = (int)(day_of_year - (153 * month_from_march + 2) / 5 + 1);
    civil->month = (int)(month_from_march < 10 ? month_from_march + 3 : month_from_march - 9);
    civil->year = (int)(year_of_era + (shifted / DAYS_AN_ERA - 1) * 400 + (civil->month <= 2));
    civil->hour = (int)(time / 3600);
    civil->minute = (int)(time / 60 % 60);
    civil->second = (int)(time % 60);
    assert(civil->month >= 1 && civil->month <= 12);
    assert(civil->day >= 1 && civil->day <= 31);
    return (int)((days + 6) % 7);
}

static void put_two_digits(char *out, int value)
{
    assert(value >= 0 && value <= 99);
    out[0] = (char)('0' + value / 10);
    out[1] = (char)('0' + value % 10);
}

void http_date_format(char out[HTTP_DATE_LENGTH], int64_t unix_seconds)
{
    struct civil civil;
    int weekday = civil_from_seconds(unix_seconds, &civil);
    memcpy(out, "Sun, 06 Nov 1994 08:49:37 GMT", HTTP_DATE_LENGTH);
    memcpy(out, day_names[weekday], 3);
    put_two_digits(out + 5, civil.day);
    memcpy(out + 8, month_names[civil.month - 1], 3);
    put_two_digits(out + 12, civil.year / 100);
    put_two_digits(out + 14, civil.year % 100);
    put_two_digits(out + 17, civil.hour);
    put_two_digits(out + 20, civil.minute);
    put_two_digits(out + 23, civil.second);
}

void http_date_format_iso(char out[HTTP_DATE_ISO_LENGTH], int64_t unix_seconds)
{
    struct civil civil;
    civil_from_seconds(unix_seconds, &civil);
    memcpy(out, "1994-11-06T08:49:37Z", HTTP_DATE_ISO_LENGTH);
    put_two_digits(out, civil.year / 100);
    put_two_digits(out + 2, civil.year % 100);
    put_two_digits(out + 5, civil.month);
    put_two_digits(out + 8, civil.day);
    put_two_digits(out + 11, civil.hour);
    put_two_digits(out + 14, civil.minute);
    put_two_digits(out + 17, civil.second);
}

/* The functions below take something from the front of `rest` and return whether it was there. */

static bool http_date_take(struct slice *rest, struct slice literal)
{
    if (!slice_starts_with(*rest, literal))
        return false;
    *rest = slice_skip(*rest, literal.length);
    return true;
}

static bool http_date_take_digits(struct slice *rest, size_t count, int *ret_value)
{
    uint64_t value;
    if (rest->length < count || !slice_to_u64(slice_take(*rest, count), &value))
        return false;
    *rest = slice_skip(*rest, count);
    *ret_value = (int)value;
    return true;
}

static bool take_month(struct slice *rest, int *ret_month)
{
    for (int i = 0; i < 12; i++) {
        if (http_date_take(rest, slice_make(month_names[i], 3))) {
            *ret_month = i + 1;
            return true;
        }
    }
    return false;
}

static bool take_day_name(struct slice *rest)
{
    for (int i = 0; i < 7; i++) {
        if (http_date_take(rest, slice_make(day_names[i], 3)))
            return true;
    }
    return false;
}

/* Takes the part of an RFC 850 day name after its first three letters. */
static bool take_day_name_end(struct slice *rest, char first, char second)
{
    switch (first) {
    case 'T': return http_date_take(rest, second == 'u' ? SLICE("sday") : SLICE("rsday"));
    case 'W': return http_date_take(rest, SLICE("nesday"));
    case 'S': return http_date_take(rest, second == 'a' ? SLICE("urday") : SLICE("day"));
    default: return http_date_take(rest, SLICE("day"));
    }
}

static bool http_date_take_time(struct slice *rest, struct civil *civil)
{
    return http_date_take_digits(rest, 2, &civil->hour) && http_date_take(rest, SLICE(":")) &&
           http_date_take_digits(rest, 2, &civil->minute) && http_date_take(rest, SLICE(":")) &&
           http_date_take_digits(rest, 2, &civil->second);
}

/* After the weekday: ", 06 Nov 1994 08:49:37 GMT" */
static bool parse_imf_fixdate(struct slice rest, struct civil *civil)
{
    return http_date_take(&rest, SLICE(", ")) && http_date_take_digits(&rest, 2, &civil->day) &&
           http_date_take(&rest, SLICE(" ")) && take_month(&rest, &civil->month) &&
           http_date_take(&rest, SLICE(" ")) && http_date_take_digits(&rest, 4, &civil->year) &&
           http_date_take(&rest, SLICE(" ")) && http_date_take_time(&rest, civil) &&
           slice_equal(rest, SLICE(" GMT"));
}

/* After the weekday: ", 06-Nov-94 08:49:37 GMT" */
static bool parse_rfc850(struct slice rest, struct civil *civil)
{
    return http_date_take(&rest, SLICE(", ")) && http_date_take_digits(&rest, 2, &civil->day) &&
           http_date_take(&rest, SLICE("-")) && take_month(&rest, &civil->month) &&
           http_date_take(&rest, SLICE("-")) && http_date_take_digits(&rest, 2, &civil->year) &&
           http_date_take(&rest, SLICE(" ")) && http_date_take_time(&rest, civil) &&
           slice_equal(rest, SLICE(" GMT"));
}

/* After the weekday: " Nov  6 08:49:37 1994" */
static bool parse_asctime(struct slice rest, struct civil *civil)
{
    return http_date_take(&rest, SLICE(" ")) && take_month(&rest, &civil->month) &&
           http_date_take(&rest, SLICE(" ")) &&
           (http_date_take(&rest, SLICE(" ")) ? http_date_take_digits(&rest, 1, &civil->day)
                                              : http_date_take_digits(&rest, 2, &civil->day)) &&
           http_date_take(&rest, SLICE(" ")) && http_date_take_time(&rest, civil) &&
           http_date_take(&rest, SLICE(" ")) && http_date_take_digits(&rest, 4, &civil->year) &&
           rest.length == 0;
}

/* Whether `a` is later in its year than `b`. */
static bool is_later_in_year(const struct civil *a, const struct civil *b)
{
    int months = a->month * 31 + a->day - (b->month * 31 + b->day);
    int seconds = a->hour * 3600 + a->minute * 60 + a->second - (b->hour * 3600 + b->minute * 60 + b->second);
    return months != 0 ? months > 0 : seconds > 0;
}

/* The latest year with these last two digits that is not more than 50 years ahead. */
static void choose_century(struct civil *civil, int64_t now_seconds)
{
    struct civil bound;
    civil_from_seconds(now_seconds, &bound);
    bound.year += 50;
    civil->year += bound.year / 100 * 100;
    if (civil->year > bound.year || (civil->year == bound.year && is_later_in_year(civil, &bound)))
        civil->year -= 100;
}

static bool is_in_calendar(const struct civil *civil)
{
    assert(civil->month >= 1 && civil->month <= 12);
    static const unsigned char days_in_month[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = civil->year % 4 == 0 && (civil->year % 100 != 0 || civil->year % 400 == 0);
    int days = days_in_month[civil->month - 1] + (civil->month == 2 && is_leap);
    return civil->day >= 1 && civil->day <= days && civil->hour <= 23 && civil->minute <= 59 &&
           civil->second <= 60;
}

bool http_date_parse(struct slice text, int64_t now_seconds, int64_t *ret_seconds)
{
    struct civil civil;
    struct slice rest = text;
    if (!take_day_name(&rest))
        return false;
    if (!parse_imf_fixdate(rest, &civil) && !parse_asctime(rest, &civil)) {
        if (!take_day_name_end(&rest, text.data[0], text.data[1]) || !parse_rfc850(rest, &civil))
            return false;
        choose_century(&civil, now_seconds);
    }
    if (!is_in_calendar(&civil))
        return false;
    *ret_seconds = seconds_from_civil(&civil);
    return true;
}
