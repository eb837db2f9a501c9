/* Which bytes are the head of one request and nothing else: only for those can the order of the loop's events
 * stand for the order in which requests and changes on disk came. */
#include "tests/unit/test.h"

#include "h2/h2.h"

static const struct row {
    const char *name;
    struct slice bytes;
    bool is_one_head;
} rows[] = {
    {"a head", SLICE("\0\0\2\1\5\0\0\0\1\x82\x86"), true},
    {"an empty one", SLICE("\0\0\0\1\5\0\0\0\1"), true},
    {"none", SLICE(""), false},
    {"a part of a frame's head", SLICE("\0\0\2\1\5\0\0\0"), false},
    {"a part of a head", SLICE("\0\0\2\1\5\0\0\0\1\x82"), false},
    {"a head and a byte", SLICE("\0\0\2\1\5\0\0\0\1\x82\x86\0"), false},
    {"two heads", SLICE("\0\0\0\1\5\0\0\0\1\0\0\0\1\5\0\0\0\3"), false},
    {"credit", SLICE("\0\0\4\10\0\0\0\0\0\0\0\0\1"), false},
    {"a head behind credit", SLICE("\0\0\4\10\0\0\0\0\0\0\0\0\1\0\0\0\1\5\0\0\0\1"), false},
    {"an acknowledgement", SLICE("\0\0\0\4\1\0\0\0\0"), false},
};

static void one_head_is_told_from_anything_else(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        if (h2_is_one_head(rows[i].bytes) != rows[i].is_one_head)
            fail_msg("%s", rows[i].name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_head_is_told_from_anything_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
