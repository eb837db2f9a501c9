/* What a worker reports of its clients. */
#include "../test.h"

#include "serve/offences.h"

#include <arpa/inet.h>

static struct offence reported[OFFENCES_MAX];
static size_t report_count, reported_count;
static bool is_full;

static bool report(void *context, const struct offence *list, size_t count)
{
    (void)context;
    if (is_full)
        return false;
    report_count++;
    reported_count = count;
    memcpy(reported, list, count * sizeof(*list));
    return true;
}

struct fixture {
    struct wheel wheel;
    struct offences offences;
    struct network trusted;
    struct settings settings;
};

static void set_up(struct fixture *fixture)
{
    *fixture = (struct fixture){0};
    assert_int_equal(network_read(SLICE("10.0.0.0/8"), &fixture->trusted), NETWORK_OK);
    fixture->settings = (struct settings){
        .shield = {.interface = SLICE("eth0")},
        .trusted = {.networks = &fixture->trusted, .network_count = 1},
    };
    wheel_init(&fixture->wheel, 0);
    offences_init(&fixture->offences, &fixture->wheel, report, NULL);
    report_count = reported_count = 0;
    is_full = false;
}

static void add(struct fixture *fixture, const char *text, bool is_proxied)
{
    bool is_v6 = strchr(text, ':') != NULL;
    struct peer peer = {.family = is_v6 ? AF_INET6 : AF_INET, .is_proxied = is_proxied};
    assert_int_equal(inet_pton(peer.family, text, peer.bytes), 1);
    offences_add(&fixture->offences, &fixture->settings, &peer);
}

static void pass(struct fixture *fixture, uint64_t now_ms)
{
    wheel_advance(&fixture->wheel, now_ms);
    wheel_fire(&fixture->wheel);
}

static void those_of_a_client_are_one_entry(void **state)
{
    (void)state;
    struct fixture fixture;
    set_up(&fixture);
    add(&fixture, "192.0.2.1", false);
    add(&fixture, "::ffff:192.0.2.1", false);
    add(&fixture, "2001:db8::1", false);
    add(&fixture, "2001:db8::ffff:2", false);
    add(&fixture, "2001:db8:0:1::1", false);
    assert_int_equal(report_count, 0);
    pass(&fixture, OFFENCES_REPORT_MS + 64);
    assert_int_equal(report_count, 1);
    assert_int_equal(reported_count, 3);
    assert_int_equal(reported[0].count, 2);
    assert_int_equal(reported[1].count, 2);
    assert_int_equal(reported[2].count, 1);
    assert_memory_equal(reported[0].address.bytes, "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\x02\x01", 16);
    assert_memory_equal(reported[1].address.bytes, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\0", 16);
    pass(&fixture, 10000);
    assert_int_equal(report_count, 1); /* there is nothing more to say */
    offences_finish(&fixture.offences);
}

static void who_did_not_send_the_packets_is_not_reported(void **state)
{
    (void)state;
    struct fixture fixture;
    set_up(&fixture);
    add(&fixture, "192.0.2.1", true); /* as the PROXY protocol says */
    add(&fixture, "10.9.9.9", false); /* a trusted proxy */
    offences_add(&fixture.offences, &fixture.settings, &(struct peer){.family = AF_UNIX});
    fixture.settings.shield.interface = (struct slice){0};
    add(&fixture, "192.0.2.1", false); /* without a shield */
    assert_int_equal(fixture.offences.count, 0);
    assert_false(timer_is_armed(&fixture.offences.timer));
    offences_finish(&fixture.offences);
}

static void a_full_pipe_is_tried_again(void **state)
{
    (void)state;
    struct fixture fixture;
    set_up(&fixture);
    is_full = true;
    char text[32];
    for (unsigned i = 0; i < OFFENCES_MAX + 10; i++) {
        snprintf(text, sizeof(text), "192.0.2.%u", i);
        add(&fixture, text, false);
    }
    pass(&fixture, OFFENCES_REPORT_MS + 64);
    add(&fixture, "192.0.2.0", false);
    is_full = false;
    pass(&fixture, 2 * (OFFENCES_REPORT_MS + 64));
    assert_int_equal(report_count, 1);
    assert_int_equal(reported_count, OFFENCES_MAX);
    assert_int_equal(reported[0].count, 2);
    offences_finish(&fixture.offences);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(those_of_a_client_are_one_entry),
        cmocka_unit_test(who_did_not_send_the_packets_is_not_reported),
        cmocka_unit_test(a_full_pipe_is_tried_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
