/* Mistyped words and what they were meant to be. */
#include "../test.h"

#include "conf/nearest.h"

static const char *const known[] = {"listing", "hidden", "precompressed", "fallback", "cors", "cache"};

static struct slice find(const char *word)
{
    struct nearest nearest = nearest_begin(slice_from(word));
    for (size_t i = 0; i < ARRAY_LENGTH(known); i++)
        nearest_offer(&nearest, slice_from(known[i]));
    return nearest.best;
}

static void finds_what_was_meant(void **state)
{
    (void)state;
    assert_slice(find("listng"), "listing");
    assert_slice(find("lisitng"), "listing");
    assert_slice(find("LISTING"), "listing");
    assert_slice(find("preconpresed"), "precompressed");
    assert_slice(find("crs"), "cors");
    assert_slice(find("cahce"), "cache");
}

static void does_not_guess(void **state)
{
    (void)state;
    static const char *const strangers[] = {"", "x", "root", "certificate"};
    TABLE_ROWS(i, strangers, strangers[i])
        assert_null(find(strangers[i]).data);
    char word[4096];
    memset(word, 'a', sizeof(word) - 1);
    word[sizeof(word) - 1] = '\0';
    assert_null(find(word).data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_was_meant),
        cmocka_unit_test(does_not_guess),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
