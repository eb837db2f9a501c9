/* What the records of a name mean for its servers. */
#include "../test.h"

#include "proxy/upstream.h"

#include <string.h>

#define FOUND_MAX 4

static void weights(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        size_t count;
        uint16_t weights[FOUND_MAX];
        uint32_t expected[FOUND_MAX];
    } rows[] = {
        {"none", 3, {0, 0, 0}, {1, 1, 1}},
        {"equal", 2, {100, 100}, {1, 1}},
        {"parts", 3, {60, 30, 10}, {6, 3, 1}},
        {"no divisor", 2, {7, 3}, {7, 3}},
        {"one is 0", 3, {20, 0, 10}, {2, 1, 1}},
        {"large", 2, {65535, 1}, {1000, 1}},
        {"alone", 1, {9}, {1}},
    };
    TABLE_ROWS(i, rows, rows[i].what) {
        static struct upstream_name name;
        name.count = rows[i].count;
        for (size_t j = 0; j < name.count; j++)
            name.found[j].weight = rows[i].weights[j];
        for (size_t j = 0; j < name.count; j++)
            assert_int_equal(upstream_name_weight(&name, j), rows[i].expected[j]);
    }
}

static void backups(void **state)
{
    (void)state;
    static struct upstream_name name = {.count = 3,
                                        .found = {{.priority = 5}, {.priority = 5}, {.priority = 9}}};
    assert_false(upstream_name_is_backup(&name, 0));
    assert_false(upstream_name_is_backup(&name, 1));
    assert_true(upstream_name_is_backup(&name, 2));
}

static void several_servers(void **state)
{
    (void)state;
    static struct upstream_name name;
    static struct upstream upstream = {.parts.host = {"app.test", 8}};
    assert_false(upstream_name_is_many(&upstream));
    upstream.name = &name;
    assert_false(upstream_name_is_many(&upstream));
    name.count = 1;
    assert_false(upstream_name_is_many(&upstream));
    upstream.parts.host = SLICE("_http._tcp.app.test"); /* its port is in the record */
    assert_true(upstream_name_is_many(&upstream));
    name.count = 2;
    upstream.parts.host = SLICE("app.test");
    assert_true(upstream_name_is_many(&upstream));
    name.found[0].address.any.sa_family = AF_INET;
    name.found[1].address.any.sa_family = AF_INET6; /* a host with both */
    assert_false(upstream_name_is_many(&upstream));
    name.count = 3;
    assert_true(upstream_name_is_many(&upstream));
}

/* Answers in which addresses are missing because a name server has failed. */
static void partial_answers(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        size_t known, found;
        bool is_partial;
        uint32_t pause_s; /* grows with each failure */
        bool is_accepted;
    } rows[] = {
        {"none", 3, 0, false, 0, false},        {"whole", 3, 1, false, 0, true},
        {"partial", 3, 2, true, 0, false},      {"partial again", 3, 2, true, 16, false},
        {"for a minute", 3, 2, true, 30, true}, {"the first", 0, 2, true, 0, true},
    };
    TABLE_ROWS(i, rows, rows[i].what) {
        static struct upstream_name name;
        static struct lookup lookup;
        name.count = rows[i].known;
        name.pause_s = rows[i].pause_s;
        lookup.count = rows[i].found;
        lookup.is_partial = rows[i].is_partial;
        assert_int_equal(upstream_name_accepts(&name, &lookup), rows[i].is_accepted);
    }
}

/* As c-ares reads them. */
static void name_servers(void **state)
{
    (void)state;
    static struct upstreams all;
    const struct slice two[] = {SLICE("10.0.0.1"), SLICE("[::1]:53")};
    struct slice long_ones[20];
    upstreams_set_name_servers(&all, two, 2);
    assert_string_equal(all.name_servers, "10.0.0.1,[::1]:53");
    upstreams_set_name_servers(&all, NULL, 0);
    assert_string_equal(all.name_servers, "");
    for (size_t i = 0; i < ARRAY_LENGTH(long_ones); i++)
        long_ones[i] = SLICE("[2001:0db8:0000:0000:0000:0000:0000:0001]:5353");
    upstreams_set_name_servers(&all, long_ones, ARRAY_LENGTH(long_ones));
    assert_true(strlen(all.name_servers) < sizeof(all.name_servers));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights),         cmocka_unit_test(backups),      cmocka_unit_test(several_servers),
        cmocka_unit_test(partial_answers), cmocka_unit_test(name_servers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
