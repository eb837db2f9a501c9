/* Sizes and durations have the same format: digits, then a unit from a table. */
#include "conf/quantity.h"

#include <stdio.h>

struct unit {
    struct slice name; /* compared without regard to case */
    uint64_t factor;
};

#define UNIT(text, value)                                                      \
    {                                                                          \
        .name = {.data = text, .length = sizeof(text) - 1}, .factor = (value), \
    }

static const struct unit size_units[] = {
    UNIT("TiB", (uint64_t)1 << 40),
    UNIT("GiB", 1u << 30),
    UNIT("MiB", 1u << 20),
    UNIT("KiB", 1u << 10),
    UNIT("", 1), /* the last that is shown */
    UNIT("B", 1),
    UNIT("t", (uint64_t)1 << 40),
    UNIT("g", 1u << 30),
    UNIT("m", 1u << 20),
    UNIT("k", 1u << 10),
    UNIT("TB", 1000000000000),
    UNIT("GB", 1000000000),
    UNIT("MB", 1000000),
    UNIT("kB", 1000),
};

#define SHOWN_SIZE_UNITS 5

static const struct unit duration_units[] = {
    UNIT("d", 86400000), UNIT("h", 3600000), UNIT("m", 60000), UNIT("s", 1000), UNIT("ms", 1),
};

bool quantity_read_bool(struct slice text, bool *ret_value)
{
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on"};
    for (size_t i = 0; i < ARRAY_LENGTH(words); i++) {
        if (slice_equal_nocase(text, slice_from(words[i]))) {
            *ret_value = i % 2 == 1;
            return true;
        }
    }
    return false;
}

/* How many bytes from the front are digits (or are not). */
static size_t quantity_span(struct slice text, bool digits)
{
    size_t length = 0;
    while (length < text.length && (text.data[length] >= '0' && text.data[length] <= '9') == digits)
        length++;
    return length;
}

/* Takes one number with its unit off the front of `rest`. */
static bool take_quantity(struct slice *rest, const struct unit *units, size_t unit_count,
                          uint64_t *ret_value)
{
    struct slice digits = slice_take(*rest, quantity_span(*rest, true));
    struct slice behind = slice_skip(*rest, digits.length);
    struct slice name = slice_take(behind, quantity_span(behind, false));
    uint64_t number;
    if (!slice_to_u64(digits, &number))
        return false;
    for (size_t i = 0; i < unit_count; i++) {
        if (slice_equal_nocase(slice_trim(name), units[i].name)) {
            *rest = slice_skip(behind, name.length);
            return !__builtin_mul_overflow(number, units[i].factor, ret_value);
        }
    }
    return false;
}

bool quantity_read_bytes(struct slice text, uint64_t *ret_bytes)
{
    uint64_t bytes;
    if (!take_quantity(&text, size_units, ARRAY_LENGTH(size_units), &bytes) || text.length > 0)
        return false;
    *ret_bytes = bytes;
    return true;
}

bool quantity_read_duration(struct slice text, uint64_t *ret_ms)
{
    uint64_t total = 0;
    bool is_zero = slice_equal(text, SLICE("0"));
    do {
        uint64_t part = 0;
        if (!is_zero && !take_quantity(&text, duration_units, ARRAY_LENGTH(duration_units), &part))
            return false;
        if (__builtin_add_overflow(total, part, &total))
            return false;
    } while (!is_zero && text.length > 0);
    *ret_ms = total;
    return true;
}

/* With the largest unit that divides it. */
static const char *show(uint64_t value, const struct unit *units, size_t unit_count, char *buffer)
{
    size_t i = 0;
    while (i + 1 < unit_count && (value == 0 || value % units[i].factor != 0))
        i++;
    snprintf(buffer, QUANTITY_TEXT_MAX, "%llu%s", (unsigned long long)(value / units[i].factor),
             units[i].name.data);
    return buffer;
}

const char *quantity_show_bytes(uint64_t bytes, char buffer[QUANTITY_TEXT_MAX])
{
    return show(bytes, size_units, SHOWN_SIZE_UNITS, buffer);
}

const char *quantity_show_duration(uint64_t ms, char buffer[QUANTITY_TEXT_MAX])
{
    if (ms == 0)
        return "0";
    /* People think of a minute and a half as 90s, and of a minute as 60s: nothing above seconds unless whole
     * hours. */
    size_t skip = ms % 3600000 == 0 ? 0 : 3;
    return show(ms, duration_units + skip, ARRAY_LENGTH(duration_units) - skip, buffer);
}
