/* cmocka behind the headers that it wants included first, and what every unit test uses. */
#ifndef TESTS_UNIT_TEST_H
#define TESTS_UNIT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/compiler.h"
#include "base/slice.h"

/* Compares a slice with a C string and shows both when they differ. */
#define assert_slice(actual, expected)                                                            \
    do {                                                                                          \
        struct slice got_ = (actual);                                                             \
        struct slice expected_ = slice_from(expected);                                            \
        if (!slice_equal(got_, expected_))                                                        \
            fail_msg("got \"%.*s\", expected \"%.*s\"", SLICE_ARGS(got_), SLICE_ARGS(expected_)); \
    } while (0)

/* ---- tests that are tables ---- */

/* Number and name of the row that is being tested; empty between tables. */
static char test_row[200];

static inline bool test_begin_row(size_t index, size_t count, struct slice name)
{
    if (index < count && name.data)
        snprintf(test_row, sizeof(test_row), "%zu, %.*s", index, SLICE_ARGS(name));
    else
        test_row[0] = '\0';
    return index < count;
}

/* After a test: one that failed within a table says where. */
static inline int test_end(void **state)
{
    (void)state;
    if (test_row[0])
        print_error("[  ROW     ] %s\n", test_row);
    test_row[0] = '\0';
    return 0;
}

/* for (size_t index = ...) over all of the table. When a row fails, its name is printed: a slice that may
 * depend on `index`. Not to be left by break. */
#define TABLE_ROWS_OF_SLICES(index, table, name)                                                       \
    for (size_t index = 0;                                                                             \
         test_begin_row(index, ARRAY_LENGTH(table), index < ARRAY_LENGTH(table) ? (name) : SLICE("")); \
         index++)

/* The same with a string for a name. */
#define TABLE_ROWS(index, table, name) TABLE_ROWS_OF_SLICES(index, table, slice_from(name))

#undef cmocka_unit_test
#define cmocka_unit_test(test)            \
    {                                     \
#test, test, NULL, test_end, NULL \
    }

#endif
