/* What a guard remembers: passwords that were right, and clients whose were not. */
#include "../test.h"

#include "admin/attempts.h"
#include "admin/known_passwords.h"

#include <arpa/inet.h>
#include <stdio.h>

/* ---- known passwords ---- */

static void a_known_password_is_known_for_a_while(void **state)
{
    (void)state;
    struct known_passwords known = {0};
    struct digest digest = known_passwords_digest(&known, SLICE("anna"), SLICE("secret"), SLICE("$y$1"));
    assert_false(known_passwords_have(&known, &digest, 1000));
    known_passwords_add(&known, &digest, 1000);
    assert_true(known_passwords_have(&known, &digest, 1000));
    assert_true(known_passwords_have(&known, &digest, 1000 + KNOWN_PASSWORDS_MS - 1));
    assert_false(known_passwords_have(&known, &digest, 1000 + KNOWN_PASSWORDS_MS));
}

static void each_part_counts(void **state)
{
    (void)state;
    static const struct {
        const char *name, *password, *hash;
    } rows[] = {
        {"anna", "secret", "$y$2"},
        {"anna", "secre", "t$y$1"},
        {"anna", "Secret", "$y$1"},
        {"bert", "secret", "$y$1"},
        {"annas", "ecret", "$y$1"},
        {"", "annasecret", "$y$1"},
        {"", "", ""},
    };
    struct known_passwords known = {0}, other = {0};
    struct digest digest = known_passwords_digest(&known, SLICE("anna"), SLICE("secret"), SLICE("$y$1"));
    struct digest foreign = known_passwords_digest(&other, SLICE("anna"), SLICE("secret"), SLICE("$y$1"));
    known_passwords_add(&known, &digest, 1);
    assert_false(known_passwords_have(&known, &foreign, 1));
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct digest one = known_passwords_digest(&known, slice_from(rows[i].name),
                                                   slice_from(rows[i].password), slice_from(rows[i].hash));
        assert_false(known_passwords_have(&known, &one, 1));
    }
}

static void the_oldest_is_forgotten(void **state)
{
    (void)state;
    struct known_passwords known = {0};
    struct digest digests[KNOWN_PASSWORDS_MAX + 1];
    for (size_t i = 0; i < ARRAY_LENGTH(digests); i++) {
        digests[i] = (struct digest){i + 1, 7};
        known_passwords_add(&known, &digests[i], 1);
    }
    assert_false(known_passwords_have(&known, &digests[0], 1));
    for (size_t i = 1; i < ARRAY_LENGTH(digests); i++)
        assert_true(known_passwords_have(&known, &digests[i], 1));
}

/* ---- attempts ---- */

static struct peer client(const char *text)
{
    struct peer peer = {.family = strchr(text, ':') ? AF_INET6 : AF_INET};
    assert_int_equal(inet_pton(peer.family, text, peer.bytes), 1);
    return peer;
}

static void take_all(struct attempts *attempts, const struct peer *peer, uint64_t now_ms)
{
    for (int i = 0; i < PASSWORD_ATTEMPTS_MAX; i++)
        assert_int_equal(attempts_take(attempts, peer, now_ms), 0);
}

static void a_client_has_so_many_in_a_minute(void **state)
{
    (void)state;
    struct attempts attempts = {0};
    struct peer one = client("192.0.2.1"), other = client("192.0.2.2");
    take_all(&attempts, &one, 5000);
    assert_int_equal(attempts_of(&attempts, &one), PASSWORD_ATTEMPTS_MAX);
    assert_int_equal(attempts_take(&attempts, &one, 5000), 60);
    assert_int_equal(attempts_take(&attempts, &one, 5001), 60);
    assert_int_equal(attempts_take(&attempts, &one, 64999), 1);
    assert_int_equal(attempts_of(&attempts, &one), PASSWORD_ATTEMPTS_MAX);
    assert_int_equal(attempts_take(&attempts, &other, 5000), 0);
    assert_int_equal(attempts_take(&attempts, &one, 65000), 0);
    assert_int_equal(attempts_of(&attempts, &one), 1);
}

static void right_ones_do_not_count(void **state)
{
    (void)state;
    struct attempts attempts = {0};
    struct peer one = client("192.0.2.1");
    for (int i = 0; i < 3 * PASSWORD_ATTEMPTS_MAX; i++) {
        assert_int_equal(attempts_take(&attempts, &one, 1), 0);
        attempts_give_back(&attempts, &one);
    }
    assert_int_equal(attempts_of(&attempts, &one), 0);
    attempts_give_back(&attempts, &one); /* forgotten meanwhile */
    take_all(&attempts, &one, 1);
    attempts_give_back(&attempts, &one);
    assert_int_equal(attempts_take(&attempts, &one, 1), 0);
    assert_int_not_equal(attempts_take(&attempts, &one, 1), 0);
}

static void a_household_is_one_client(void **state)
{
    (void)state;
    struct attempts attempts = {0};
    struct peer first = client("2001:db8::1"), second = client("2001:db8::ffff:2"),
                far = client("2001:db8:0:1::1");
    take_all(&attempts, &first, 1);
    assert_int_not_equal(attempts_take(&attempts, &second, 1), 0);
    assert_int_equal(attempts_take(&attempts, &far, 1), 0);
}

/* Client number `i` of many. */
static struct peer one_of_many(unsigned i)
{
    char text[32];
    snprintf(text, sizeof(text), "198.51.%u.%u", i / 256, i % 256);
    return client(text);
}

/* How many of these clients, each of which tries once, come to a check. */
static unsigned take_one_each(struct attempts *attempts, unsigned first, unsigned count, uint64_t now_ms)
{
    unsigned taken = 0;
    for (unsigned i = first; i < first + count; i++) {
        struct peer other = one_of_many(i);
        taken += attempts_take(attempts, &other, now_ms) == 0;
    }
    return taken;
}

static void all_clients_together_have_so_many(void **state)
{
    (void)state;
    static struct attempts attempts;
    struct peer one = client("192.0.2.1"), late = client("192.0.2.2");
    take_all(&attempts, &one, 5000);
    assert_int_equal(take_one_each(&attempts, 0, 1000, 6000), ATTEMPTS_OF_ALL_MAX - PASSWORD_ATTEMPTS_MAX);
    assert_int_equal(attempts_take(&attempts, &one, 6000), 59);
    assert_int_equal(attempts_take(&attempts, &late, 6000), 59);
    attempts_give_back(&attempts, &one);
    assert_int_equal(attempts_take(&attempts, &late, 6000), 0);
    assert_int_not_equal(attempts_take(&attempts, &late, 64999), 0);
    assert_int_equal(attempts_take(&attempts, &late, 65000), 0);
    assert_int_equal(attempts.all.count, 1);
}

/* As many others as there can be: at the end of one minute of all, and at the beginning of the next. */
static void no_client_is_forgotten_in_its_minute(void **state)
{
    (void)state;
    static struct attempts attempts;
    struct peer one = client("192.0.2.1");
    assert_int_equal(take_one_each(&attempts, 0, 1, 5000), 1);
    take_all(&attempts, &one, 64999);
    assert_int_equal(take_one_each(&attempts, 1, 1000, 64999),
                     ATTEMPTS_OF_ALL_MAX - PASSWORD_ATTEMPTS_MAX - 1);
    assert_int_equal(take_one_each(&attempts, 1001, 1000, 65000), ATTEMPTS_OF_ALL_MAX);
    assert_int_equal(attempts_take(&attempts, &one, 124998), 1);
    assert_int_equal(attempts_of(&attempts, &one), PASSWORD_ATTEMPTS_MAX);
    for (unsigned i = 2; i < 10; i++) /* there is room for others, minute by minute */
        assert_int_equal(take_one_each(&attempts, 1000 * i, 1000, 65000 + i * ATTEMPTS_WITHIN_MS),
                         ATTEMPTS_OF_ALL_MAX);
    assert_int_equal(attempts_of(&attempts, &one), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_known_password_is_known_for_a_while),
        cmocka_unit_test(each_part_counts),
        cmocka_unit_test(the_oldest_is_forgotten),
        cmocka_unit_test(a_client_has_so_many_in_a_minute),
        cmocka_unit_test(right_ones_do_not_count),
        cmocka_unit_test(a_household_is_one_client),
        cmocka_unit_test(all_clients_together_have_so_many),
        cmocka_unit_test(no_client_is_forgotten_in_its_minute),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
