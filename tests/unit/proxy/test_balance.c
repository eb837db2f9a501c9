/* The choice of a server: who may be chosen, and how requests are spread. */
#include "../test.h"

#include "proxy/balance.h"

#include <inttypes.h>

#define REQUESTS 10000
#define UNIT     BALANCE_WEIGHT_UNIT

/* Words for a server: 'u' up, 'd' down, 'b' backup, 'B' backup that is down, '0' without weight. */
static unsigned make_servers(const char *words, struct balance_server *servers)
{
    unsigned count = 0;
    for (; words[count]; count++) {
        char word = words[count];
        servers[count] = (struct balance_server){
            .weight = word == '0' ? 0 : UNIT,
            .is_backup = word == 'b' || word == 'B',
            .is_out = word == 'd' || word == 'B',
            .hash = (count + 1) * UINT64_C(0x9e3779b97f4a7c15),
        };
    }
    return count;
}

static void candidates(void **state)
{
    (void)state;
    static const struct {
        const char *servers;
        uint64_t tried;
        unsigned panic;
        uint64_t expected;
    } rows[] = {
        {"uuu", 0, 0, 7},  {"uuu", 2, 0, 5},    {"udu", 0, 0, 5},    {"udu", 5, 0, 2},    {"ddd", 0, 0, 7},
        {"ddd", 7, 0, 0},  {"uub", 0, 0, 3},    {"ddb", 0, 0, 4},    {"uub", 3, 0, 4},    {"ddb", 4, 0, 3},
        {"ddB", 0, 0, 3},  {"ddB", 3, 0, 4},    {"b", 0, 0, 1},      {"0u", 0, 0, 2},     {"00", 0, 0, 0},
        {"0d", 0, 0, 2},   {"uudd", 0, 50, 3},  {"uudd", 0, 51, 15}, {"uddd", 0, 26, 15}, {"uddd", 0, 25, 1},
        {"dddb", 0, 1, 7}, {"dddb", 7, 100, 8}, {"uddd", 1, 50, 14}, {"0ud", 0, 51, 6},
    };
    TABLE_ROWS(i, rows, rows[i].servers) {
        struct balance_server servers[8];
        unsigned count = make_servers(rows[i].servers, servers);
        assert_int_equal(balance_candidates(servers, count, rows[i].tried, rows[i].panic), rows[i].expected);
    }
}

static void all_64_servers(void **state)
{
    (void)state;
    struct balance_server servers[64];
    int64_t turns[64] = {0};
    uint64_t seen = 0;
    for (unsigned i = 0; i < 64; i++)
        servers[i] = (struct balance_server){.weight = UNIT, .hash = i};
    assert_true(balance_candidates(servers, 64, 0, 0) == UINT64_MAX);
    assert_true(balance_with_room(servers, UINT64_MAX) == UINT64_MAX);
    for (unsigned i = 0; i < 64; i++)
        seen |= UINT64_C(1) << balance_in_turn(servers, UINT64_MAX, turns);
    assert_true(seen == UINT64_MAX);
    assert_int_equal(balance_least_connections(servers, UINT64_MAX, 63), 63);
    assert_int_equal(balance_least_connections(servers, UINT64_MAX, 64), 0);
}

static void servers_with_room(void **state)
{
    (void)state;
    struct balance_server servers[3];
    make_servers("uuu", servers);
    servers[0].limit = servers[1].limit = 2;
    servers[0].in_use = 2;
    servers[1].in_use = 1;
    servers[2].in_use = 100;
    assert_int_equal(balance_with_room(servers, 7), 6);
    assert_int_equal(balance_with_room(servers, 1), 0);
}

/* ---- how requests are spread ---- */

/* Each server's part is within 5 % of what its weight says. */
static void assert_shares(const struct balance_server *servers, unsigned count, const unsigned *requests)
{
    uint64_t weight = 0;
    for (unsigned i = 0; i < count; i++)
        weight += servers[i].weight;
    for (unsigned i = 0; i < count; i++) {
        unsigned fair = (unsigned)(REQUESTS * (uint64_t)servers[i].weight / weight);
        assert_in_range(requests[i], fair - fair / 20 - 1, fair + fair / 20 + 1);
    }
}

static const unsigned weights[][4] = {{1, 1, 1, 1}, {1, 2, 3, 4}, {5, 1, 1, 1}, {1, 10, 100, 7}};

static void weigh(struct balance_server *servers, const unsigned *parts)
{
    make_servers("uuuu", servers);
    for (unsigned i = 0; i < 4; i++)
        servers[i].weight = parts[i] * UNIT;
}

static void turns_go_by_weight(void **state)
{
    (void)state;
    TABLE_ROWS(i, weights, "weights") {
        struct balance_server servers[4];
        int64_t turns[4] = {0};
        unsigned requests[4] = {0};
        weigh(servers, weights[i]);
        for (unsigned j = 0; j < REQUESTS; j++)
            requests[balance_in_turn(servers, 15, turns)]++;
        assert_shares(servers, 4, requests);
    }
}

/* Of 5:1:1 no two of the small ones come together: the order is smooth. */
static void turns_are_smooth(void **state)
{
    (void)state;
    struct balance_server servers[3];
    int64_t turns[3] = {0};
    char order[8] = "";
    make_servers("uuu", servers);
    servers[0].weight = 5 * UNIT;
    for (unsigned i = 0; i < 7; i++)
        order[i] = (char)('a' + balance_in_turn(servers, 7, turns));
    assert_string_equal(order, "aabacaa");
}

/* With requests that never end, the fewest are where they have to be. */
static void fewest_requests_go_by_weight(void **state)
{
    (void)state;
    TABLE_ROWS(i, weights, "weights") {
        struct balance_server servers[4];
        unsigned requests[4] = {0}, next = 0;
        weigh(servers, weights[i]);
        for (unsigned j = 0; j < REQUESTS; j++) {
            next = balance_least_connections(servers, 15, next);
            requests[next]++;
            servers[next++].in_use++;
        }
        assert_shares(servers, 4, requests);
    }
}

/* Servers without requests get them in turn, too. */
static void equal_servers_take_turns(void **state)
{
    (void)state;
    struct balance_server servers[3];
    make_servers("uuu", servers);
    assert_int_equal(balance_least_connections(servers, 7, 0), 0);
    assert_int_equal(balance_least_connections(servers, 7, 1), 1);
    assert_int_equal(balance_least_connections(servers, 7, 3), 0);
    assert_int_equal(balance_least_connections(servers, 3, 2), 0);
    servers[1].in_use = 1;
    assert_int_equal(balance_least_connections(servers, 7, 1), 2);
    assert_int_equal(balance_least_connections(servers, 3, 1), 0);
}

static uint64_t next_random(uint64_t *random)
{
    *random = *random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *random ^ *random >> 29;
}

static void the_faster_of_two(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        struct balance_server one, other;
        unsigned expected;
    } rows[] = {
        {"time", {.weight = 1, .time_us = 100}, {.weight = 1, .time_us = 200}, 0},
        {"requests", {.weight = 1, .time_us = 100, .in_use = 2}, {.weight = 1, .time_us = 200}, 1},
        {"weight", {.weight = 1, .time_us = 100}, {.weight = 3, .time_us = 200}, 1},
        {"not known, idle", {.weight = 1, .in_use = 1}, {.weight = 1, .time_us = 100}, 1},
        {"not known, less to do", {.weight = 1}, {.weight = 1, .time_us = 100, .in_use = 1}, 0},
        {"both not known", {.weight = 1, .in_use = 1}, {.weight = 1}, 1},
    };
    TABLE_ROWS(i, rows, rows[i].what) {
        struct balance_server servers[2] = {rows[i].one, rows[i].other};
        uint64_t random = 1;
        for (unsigned j = 0; j < 20; j++)
            assert_int_equal(balance_least_time(servers, 3, next_random(&random)), rows[i].expected);
        assert_int_equal(balance_least_time(servers, 2, next_random(&random)), 1);
    }
}

/* Of equal ones every pair comes up equally often. */
static void pairs_are_drawn_evenly(void **state)
{
    (void)state;
    struct balance_server servers[4];
    unsigned requests[4] = {0};
    uint64_t random = 42;
    make_servers("uuuu", servers);
    for (unsigned i = 0; i < REQUESTS; i++)
        requests[balance_least_time(servers, 15, next_random(&random))]++;
    assert_shares(servers, 4, requests);
}

/* ---- hash ---- */

static void hashes_go_by_weight(void **state)
{
    (void)state;
    TABLE_ROWS(i, weights, "weights") {
        struct balance_server servers[4];
        unsigned requests[4] = {0};
        uint64_t random = 7;
        if (i == 3)
            continue; /* a share of 1 in 118 is within 5 % only of many more requests */
        weigh(servers, weights[i]);
        for (unsigned j = 0; j < REQUESTS; j++)
            requests[balance_by_hash(servers, 15, next_random(&random))]++;
        assert_shares(servers, 4, requests);
    }
}

/* A server that goes gives its keys to all others, and no other key moves. */
static void hashes_are_consistent(void **state)
{
    (void)state;
    struct balance_server servers[4];
    unsigned moved[4] = {0};
    uint64_t random = 9;
    make_servers("uuuu", servers);
    for (unsigned i = 0; i < REQUESTS; i++) {
        uint64_t key = next_random(&random);
        unsigned with_all = balance_by_hash(servers, 15, key), without = balance_by_hash(servers, 7, key);
        if (with_all != 3)
            assert_int_equal(with_all, without);
        else
            moved[without]++;
    }
    for (unsigned i = 0; i < 3; i++)
        assert_in_range(moved[i], REQUESTS / 12 * 9 / 10, REQUESTS / 12 * 11 / 10);
}

/* One key that everybody wants does not take a server more than a quarter over its share. */
static void hashes_are_bounded(void **state)
{
    (void)state;
    struct balance_server servers[4];
    make_servers("uuuu", servers);
    unsigned wanted = balance_by_hash(servers, 15, 1);
    for (unsigned i = 0; i < 400; i++)
        servers[balance_by_hash(servers, 15, 1)].in_use++;
    assert_int_equal(servers[wanted].in_use, 125);
    for (unsigned i = 0; i < 4; i++)
        assert_in_range(servers[i].in_use, 1, 125);
}

/* A client that stays at a server which is drained leaves no choice. */
static void a_lone_server_without_weight_is_chosen(void **state)
{
    (void)state;
    struct balance_server servers[2];
    make_servers("uu", servers);
    servers[1].weight = 0;
    for (servers[1].in_use = 0; servers[1].in_use < 3; servers[1].in_use++) {
        int64_t turns[2] = {0};
        assert_int_equal(balance_by_hash(servers, 2, 1), 1);
        assert_int_equal(balance_in_turn(servers, 2, turns), 1);
        assert_int_equal(balance_least_connections(servers, 2, 0), 1);
        assert_int_equal(balance_least_time(servers, 2, 1), 1);
    }
}

/* ---- numbers ---- */

static void weights_at_the_start(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        uint32_t weight;
        uint64_t age_ms;
        uint32_t slow_start_ms, expected;
    } rows[] = {
        {"none", 2, 0, 0, 200},
        {"begin", 2, 0, 1000, 20},
        {"a tenth", 2, 100, 1000, 20},
        {"half", 2, 500, 1000, 100},
        {"nearly", 2, 999, 1000, 199},
        {"all", 2, 1000, 1000, 200},
        {"long ago", 2, 99999, 1000, 200},
        {"weight 0", 0, 500, 1000, 0},
    };
    TABLE_ROWS(i, rows, rows[i].what)
        assert_int_equal(balance_starting_weight(rows[i].weight, rows[i].age_ms, rows[i].slow_start_ms),
                         rows[i].expected);
}

static void averages(void **state)
{
    (void)state;
    assert_int_equal(balance_average_us(0, 800), 800);
    assert_int_equal(balance_average_us(800, 0), 700);
    assert_int_equal(balance_average_us(800, 1600), 900);
    assert_int_equal(balance_average_us(1, 0), 1);
    assert_int_equal(balance_average_us(0, UINT64_MAX), UINT32_MAX);
    assert_int_equal(balance_aged_us(800, 999), 800);
    assert_int_equal(balance_aged_us(800, 1000), 400);
    assert_int_equal(balance_aged_us(800, 3000), 100);
    assert_int_equal(balance_aged_us(800, 32000), 0);
    assert_int_equal(balance_aged_us(800, UINT64_MAX), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(candidates),
        cmocka_unit_test(all_64_servers),
        cmocka_unit_test(servers_with_room),
        cmocka_unit_test(turns_go_by_weight),
        cmocka_unit_test(turns_are_smooth),
        cmocka_unit_test(fewest_requests_go_by_weight),
        cmocka_unit_test(equal_servers_take_turns),
        cmocka_unit_test(the_faster_of_two),
        cmocka_unit_test(pairs_are_drawn_evenly),
        cmocka_unit_test(hashes_go_by_weight),
        cmocka_unit_test(hashes_are_consistent),
        cmocka_unit_test(hashes_are_bounded),
        cmocka_unit_test(a_lone_server_without_weight_is_chosen),
        cmocka_unit_test(weights_at_the_start),
        cmocka_unit_test(averages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
