/* Quantities as people write them: truth values, sizes, durations. Pure functions; reading and showing are
 * each other's inverse. */
#ifndef CONF_QUANTITY_H
#define CONF_QUANTITY_H

#include "base/slice.h"

/* true, yes, on / false, no, off, whatever their case. */
bool quantity_read_bool(struct slice text, bool *ret_value);

/* Bytes: "512", "64KiB", "1MiB", "2GiB", "1TiB", for which "64k", "1m" … stand too, as in nginx; "64kB",
 * "1MB", "2GB" are powers of ten. Case does not matter. False for anything else and past UINT64_MAX. */
bool quantity_read_bytes(struct slice text, uint64_t *ret_bytes);

/* Milliseconds: numbers with units, one behind the other: "500ms", "10s", "1m30s", "2h", "1d"; and "0". */
bool quantity_read_duration(struct slice text, uint64_t *ret_ms);

#define QUANTITY_TEXT_MAX 32

/* The shortest way to write it: 65536 is "64KiB", 90000 ms is "90s". Returns `buffer`. */
const char *quantity_show_bytes(uint64_t bytes, char buffer[QUANTITY_TEXT_MAX]);
const char *quantity_show_duration(uint64_t ms, char buffer[QUANTITY_TEXT_MAX]);

#endif
