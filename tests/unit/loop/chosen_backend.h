/* The backend that this run of a test is about: meson runs each test of the loop once a backend. */
#ifndef TESTS_UNIT_LOOP_CHOSEN_BACKEND_H
#define TESTS_UNIT_LOOP_CHOSEN_BACKEND_H

#include "tests/unit/test.h"

#include "loop/loop.h"

#include <stdlib.h>
#include <string.h>

/* By the name in LOOP_BACKEND; without it, what loop_create chooses. */
static inline enum loop_backend chosen_backend(void)
{
    const char *name = getenv("LOOP_BACKEND");
    for (unsigned i = 0; name && i < LOOP_BACKEND_COUNT; i++) {
        if (strcmp(name, loop_backend_names[i]) == 0)
            return (enum loop_backend)i;
    }
    assert_null(name);
    return LOOP_BACKEND_AUTO;
}

#endif
