/* HTTP-date: RFC 9110 section 5.6.7. Written in one format, parsed in three. */
#ifndef HTTP_DATE_H
#define HTTP_DATE_H

#include "base/slice.h"

/* The length of an IMF-fixdate, "Sun, 06 Nov 1994 08:49:37 GMT". */
#define HTTP_DATE_LENGTH 29

/* Means "no date" where a date is stored as seconds. */
#define HTTP_DATE_NONE INT64_MIN

/* Writes the time as an IMF-fixdate, without NUL. A file's modification time can be anything: times before
 * year 0 or after year 9999 are written as the nearest date that the format can express. */
void http_date_format(char out[HTTP_DATE_LENGTH], int64_t unix_seconds);

/* The same in ISO 8601 format (RFC 3339), for pages and JSON: "1994-11-06T08:49:37Z". */
#define HTTP_DATE_ISO_LENGTH 20
void http_date_format_iso(char out[HTTP_DATE_ISO_LENGTH], int64_t unix_seconds);

/* Parses an IMF-fixdate, an RFC 850 date or an asctime date that fills the whole slice. `now_seconds`
 * decides the century of an RFC 850 year. The grammar is checked strictly (case, digits, single spaces,
 * days of the month); only a weekday that does not match the date is accepted, since nothing depends on
 * it. A leap second counts as the second after it. Returns false, and leaves `ret_seconds` alone, for
 * anything else. */
bool http_date_parse(struct slice text, int64_t now_seconds, int64_t *ret_seconds);

#endif
