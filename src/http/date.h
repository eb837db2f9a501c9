/* HTTP-date: RFC 9110 section 5.6.7. Written in one form, read in three. */
#ifndef HTTP_DATE_H
#define HTTP_DATE_H

#include "base/slice.h"

/* The length of an IMF-fixdate, "Sun, 06 Nov 1994 08:49:37 GMT". */
#define HTTP_DATE_LENGTH 29

/* No date at all, where one is kept as seconds. */
#define HTTP_DATE_NONE INT64_MIN

/* Writes the time as an IMF-fixdate, without NUL. Times before year 0 or after year 9999, which the form
 * cannot say (a file's modification time can be anything), are written as the nearest that it can. */
void http_date_format(char out[HTTP_DATE_LENGTH], int64_t unix_seconds);

/* The same for pages and JSON, where ISO 8601 is usual (as RFC 3339 narrows it): "1994-11-06T08:49:37Z". */
#define HTTP_DATE_ISO_LENGTH 20
void http_date_format_iso(char out[HTTP_DATE_ISO_LENGTH], int64_t unix_seconds);

/* Reads an IMF-fixdate, an RFC 850 date or an asctime date that fills the whole slice. `now_seconds` decides
 * the century of an RFC 850 year. The grammar is taken at its word (case, digits, single spaces, days of the
 * month); only a weekday that does not belong to the date is let through, since nothing depends on it. A leap
 * second counts as the second after it. Returns false, and leaves `ret_seconds` alone, for anything else. */
bool http_date_parse(struct slice text, int64_t now_seconds, int64_t *ret_seconds);

#endif
