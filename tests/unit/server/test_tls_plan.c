/* Which contexts are made, and which is for whom. */
#include "../test.h"

#include "server/tls_plan.h"

#define SITES     4
#define LISTENERS 3

/* Settings by hand: certificates are named and never loaded. */
struct world {
    struct settings settings;
    struct listener_settings listeners[LISTENERS];
    struct site sites[SITES];
    struct slice hosts[SITES][2];
    struct certificate_settings certificate;
    struct tls_plan plan;
};

static void set_up(struct world *world)
{
    *world = (struct world){.certificate = {.certificate = SLICE("/a.pem")}};
    settings_set_defaults(&world->settings);
    world->settings.listeners = world->listeners;
    world->settings.sites = world->sites;
    world->settings.site_count = SITES;
    for (size_t i = 0; i < SITES; i++)
        world->sites[i].hosts = world->hosts[i];
    world->settings.listener_count = LISTENERS;
    for (size_t i = 1; i < LISTENERS; i++)
        world->listeners[i].https.is_on = true;
}

static void add_host(struct world *world, size_t site, const char *host)
{
    world->hosts[site][world->sites[site].host_count++] = slice_from(host);
}

static void certify(struct world *world, struct https_settings *https)
{
    https->is_on = true;
    https->certificates = &world->certificate;
    https->certificate_count = 1;
}

static void a_context_is_shared_where_it_can_be(void **state)
{
    (void)state;
    static struct world world;
    set_up(&world);
    certify(&world, &world.sites[0].https);
    certify(&world, &world.sites[1].https);
    add_host(&world, 0, "a");
    add_host(&world, 0, "*.a");
    add_host(&world, 1, "b");
    world.sites[1].listener_set = 4;
    assert_int_equal(tls_plan_make(&world.plan, &world.settings, NULL), 0);
    const struct tls_plan *plan = &world.plan;
    assert_int_equal(plan->context_count, 2);
    assert_int_equal(tls_plan_of_site(plan, 0, 0), TLS_PLAN_NONE);
    assert_int_equal(tls_plan_of_site(plan, 0, 1), tls_plan_of_site(plan, 0, 2));
    assert_int_equal(tls_plan_of_site(plan, 1, 1), TLS_PLAN_NONE);
    assert_int_not_equal(tls_plan_of_site(plan, 1, 2), TLS_PLAN_NONE);
    assert_int_equal(tls_plan_of_site(plan, 2, 2), TLS_PLAN_NONE);
    assert_int_equal(plan->of_defaults[1], TLS_PLAN_NONE);
    assert_int_equal(plan->contexts[0].settings.host_count, 2);
    assert_string_equal(plan->contexts[0].settings.pairs[0].certificate, "/a.pem");
    assert_null(plan->contexts[0].settings.pairs[0].key);
    assert_int_equal(plan->contexts[0].settings.ticket_seconds, 86400);
    tls_plan_finish(&world.plan);
}

static void a_listener_that_says_something_has_its_own(void **state)
{
    (void)state;
    static struct world world;
    set_up(&world);
    certify(&world, &world.sites[0].https);
    certify(&world, &world.listeners[2].https);
    world.listeners[2].https.policy = HTTPS_POLICY_MODERN;
    world.listeners[2].https.client = HTTPS_CLIENT_REQUIRED;
    world.listeners[2].https.client_ca = SLICE("/ca.pem");
    add_host(&world, 0, "a");
    add_host(&world, 1, "b");
    assert_int_equal(tls_plan_make(&world.plan, &world.settings, NULL), 0);
    const struct tls_plan *plan = &world.plan;
    uint32_t first = tls_plan_of_site(plan, 0, 1), second = tls_plan_of_site(plan, 0, 2);
    assert_int_not_equal(first, second);
    assert_int_equal(plan->contexts[first].settings.policy, TLS_POLICY_INTERMEDIATE);
    assert_int_equal(plan->contexts[second].settings.policy, TLS_POLICY_MODERN);
    assert_int_equal(plan->contexts[first].settings.client_mode, TLS_CLIENT_NONE);
    assert_true(plan->contexts[first].settings.client_auth == 0);
    assert_int_equal(plan->contexts[second].settings.client_mode, TLS_CLIENT_REQUIRED);
    assert_true(plan->contexts[second].settings.client_auth != 0);
    /* A site without a word on TLS has the listener's certificate, whose hosts it should cover. */
    assert_int_equal(tls_plan_of_site(plan, 1, 2), plan->of_defaults[2]);
    const struct planned_context *own = &plan->contexts[plan->of_defaults[2]];
    assert_null(own->site);
    assert_int_equal(own->settings.host_count, 1);
    assert_slice(own->settings.hosts[0], "b");
    tls_plan_finish(&world.plan);
}

static void clients_without_a_name_get_a_default(void **state)
{
    (void)state;
    static const struct {
        const char *hosts[3];
        size_t expected; /* site; SITES: none */
    } rows[] = {
        {{"a", "b", "c"}, SITES},    {{"a", "*", "127.0.0.1"}, 1},     {{"a", "[::1]", "10.0.0.1"}, 1},
        {{"a", "b", "10.0.0.1"}, 2}, {{"localhost", "b", "c"}, SITES},
    };
    TABLE_ROWS(i, rows, rows[i].hosts[1]) {
        static struct world world;
        set_up(&world);
        for (size_t j = 0; j < 3; j++) {
            certify(&world, &world.sites[j].https);
            add_host(&world, j, rows[i].hosts[j]);
        }
        assert_int_equal(tls_plan_make(&world.plan, &world.settings, NULL), 0);
        uint32_t expected =
            rows[i].expected == SITES ? TLS_PLAN_NONE : tls_plan_of_site(&world.plan, rows[i].expected, 1);
        assert_int_equal(world.plan.of_defaults[1], expected);
        tls_plan_finish(&world.plan);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_context_is_shared_where_it_can_be),
        cmocka_unit_test(a_listener_that_says_something_has_its_own),
        cmocka_unit_test(clients_without_a_name_get_a_default),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
