/* What a worker inherits that starts late: the last good certificate, and never a bad one. */
#include "tests/unit/tls/pki.h"

#include "base/error.h"
#include "proc/certificate_keeper.h"
#include "server/context_set.h"
#include "tls/context.h"

struct world {
    struct tree tree;
    struct pki_cert certs[2];
    struct settings settings;
    struct listener_settings listener;
    struct certificate_settings certificate;
    struct slot slots[2];
    struct certificate_keeper keeper;
};

static unsigned errors;

static void count_errors(struct log *log, enum log_level level, struct slice line)
{
    (void)log, (void)line;
    errors += level == LOG_LEVEL_ERROR;
}

static struct log quiet = {.level = LOG_LEVEL_DEBUG, .write = count_errors};

static void put(struct world *world, size_t number)
{
    tree_wait_for_tick();
    pki_write_chain(&world->tree, "site.pem", &world->certs[number], NULL, NULL);
    pki_write_key(&world->tree, "site.key", &world->certs[number]);
}

static void set_up(struct world *world)
{
    *world = (struct world){.listener.https = {.is_on = true, .certificate_count = 1}};
    errors = 0;
    tree_init(&world->tree);
    for (size_t i = 0; i < ARRAY_LENGTH(world->certs); i++)
        world->certs[i] = pki_make((struct pki_options){.common_name = "a", .names = "DNS:a"}, NULL);
    settings_set_defaults(&world->settings);
    world->certificate.certificate = slice_from(pki_path(&world->tree, "site.pem"));
    world->certificate.key = slice_from(pki_path(&world->tree, "site.key"));
    world->listener.https.certificates = &world->certificate;
    world->settings.listeners = &world->listener;
    world->settings.listener_count = 1;
    world->settings.references = 1; /* ours */
}

static void tear_down(struct world *world)
{
    certificate_keeper_end(&world->keeper);
    assert_int_equal(world->settings.references, 1);
    for (size_t i = 0; i < ARRAY_LENGTH(world->certs); i++)
        pki_free(&world->certs[i]);
    tree_finish(&world->tree);
}

static int begin(struct world *world)
{
    return certificate_keeper_begin(&world->keeper, &world->settings, NULL, &quiet);
}

/* As it is when that worker has taken something up. */
static void look_after_worker(struct world *world, size_t number)
{
    static uint64_t now_ms;
    world->slots[number].renewals++;
    certificate_keeper_look(&world->keeper, world->slots, ARRAY_LENGTH(world->slots),
                            now_ms += CERTIFICATE_KEEPER_MS);
}

static void assert_inherited(const struct world *world, size_t number)
{
    const struct tls_context *context = world->keeper.contexts->contexts[0].context;
    assert_int_equal(X509_cmp(context->pairs[0].certificate, world->certs[number].certificate), 0);
}

static void a_good_one_that_changes_is_inherited(void **state)
{
    (void)state;
    static struct world world;
    set_up(&world);
    put(&world, 0);
    assert_int_equal(begin(&world), 0);
    assert_inherited(&world, 0);
    put(&world, 1);
    certificate_keeper_look(&world.keeper, world.slots, ARRAY_LENGTH(world.slots), 0);
    assert_inherited(&world, 0); /* no worker has taken it up: it may be half written */
    look_after_worker(&world, 1);
    assert_inherited(&world, 1);
    assert_int_equal(errors, 0);
    tear_down(&world);
}

static void a_bad_one_leaves_the_last_good(void **state)
{
    (void)state;
    static struct world world;
    set_up(&world);
    put(&world, 0);
    assert_int_equal(begin(&world), 0);
    tree_wait_for_tick();
    pki_write_text(&world.tree, "site.pem", SLICE("nothing"));
    look_after_worker(&world, 0);
    assert_inherited(&world, 0);
    assert_int_equal(unlinkat(world.tree.fd, "site.key", 0), 0);
    look_after_worker(&world, 1);
    assert_inherited(&world, 0);
    put(&world, 1);
    look_after_worker(&world, 0);
    assert_inherited(&world, 1);
    assert_int_equal(errors, 0); /* workers have logged them */
    tear_down(&world);
}

static void a_bad_one_at_first_is_refused(void **state)
{
    (void)state;
    static struct world world;
    set_up(&world);
    put(&world, 0);
    pki_write_text(&world.tree, "site.pem", SLICE("nothing"));
    assert_int_equal(begin(&world), ERROR_REFUSED);
    assert_int_equal(errors, 1);
    assert_null(world.keeper.contexts);
    tear_down(&world);
}

static void without_tls_there_is_nothing_to_keep(void **state)
{
    (void)state;
    static struct world world;
    set_up(&world);
    world.listener.https.is_on = false;
    assert_int_equal(begin(&world), 0);
    assert_null(world.keeper.contexts);
    look_after_worker(&world, 0);
    tear_down(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_one_that_changes_is_inherited),
        cmocka_unit_test(a_bad_one_leaves_the_last_good),
        cmocka_unit_test(a_bad_one_at_first_is_refused),
        cmocka_unit_test(without_tls_there_is_nothing_to_keep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
