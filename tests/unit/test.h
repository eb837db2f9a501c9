/* cmocka behind the headers that it wants included first, and what every unit test uses. */
#ifndef TESTS_UNIT_TEST_H
#define TESTS_UNIT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/slice.h"

/* Compares a slice with a C string and shows both when they differ. */
#define assert_slice(actual, expected)                                                            \
    do {                                                                                          \
        struct slice got_ = (actual);                                                             \
        struct slice expected_ = slice_from(expected);                                            \
        if (!slice_equal(got_, expected_))                                                        \
            fail_msg("got \"%.*s\", expected \"%.*s\"", SLICE_ARGS(got_), SLICE_ARGS(expected_)); \
    } while (0)

#endif
