/* Booleans, sizes and durations in readable notation. Pure functions; reading is the inverse of showing. */
#ifndef CONF_QUANTITY_H
#define CONF_QUANTITY_H

#include "base/slice.h"

/* Reads true, yes, on, false, no, off, in any case. */
bool quantity_read_bool(struct slice text, bool *ret_value);

/* Reads a number of bytes: "512", "64KiB", "1MiB", "2GiB", "1TiB", also written "64k", "1m" …, as in nginx;
 * "64kB", "1MB", "2GB" are powers of ten. Ignores case. Returns false for anything else and above
 * UINT64_MAX. */
bool quantity_read_bytes(struct slice text, uint64_t *ret_bytes);

/* Reads a duration in milliseconds: one or more numbers with units, "500ms", "10s", "1m30s", "2h", "1d"; or
 * "0". */
bool quantity_read_duration(struct slice text, uint64_t *ret_ms);

#define QUANTITY_TEXT_MAX 32

/* Writes the shortest notation: 65536 is "64KiB", 90000 ms is "90s". Returns `buffer`. */
const char *quantity_show_bytes(uint64_t bytes, char buffer[QUANTITY_TEXT_MAX]);
const char *quantity_show_duration(uint64_t ms, char buffer[QUANTITY_TEXT_MAX]);

#endif
