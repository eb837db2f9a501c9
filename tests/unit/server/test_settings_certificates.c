/* Settings that change with their certificates: newcomers get the new ones, who is there goes on, and what
 * cannot be used is refused with all of its settings. */
#include "tests/unit/tls/pki.h"
#include "tests/unit/variant_builder.h"

#include "base/error.h"
#include "server/certificates.h"
#include "server/context_set.h"

struct secure {
    struct listener_settings listener;
    struct certificate_settings certificate;
};

static struct {
    struct world world;
    struct tree files;
    struct pki_cert certs[3];
    struct secure before, after;
    struct variant variant;
    SSL_CTX *client_ctx;
    unsigned renewals;
} fixture;

struct visitor {
    struct client plain;
    SSL *ssl;
};

static void put(const char *name, size_t number)
{
    char key[32];
    snprintf(key, sizeof(key), "%s.key", name);
    tree_wait_for_tick();
    pki_write_key(&fixture.files, key, &fixture.certs[number]);
    pki_write_chain(&fixture.files, name, &fixture.certs[number], NULL, NULL);
}

/* The settings have one listener, which speaks TLS with that certificate. */
static void secure_settings(struct settings *settings, struct secure *secure, const char *name)
{
    char key[32];
    snprintf(key, sizeof(key), "%s.key", name);
    secure->certificate = (struct certificate_settings){
        .certificate = slice_from(pki_path(&fixture.files, name)),
        .key = slice_from(pki_path(&fixture.files, key)),
    };
    secure->listener = (struct listener_settings){
        .https = {.is_on = true, .certificates = &secure->certificate, .certificate_count = 1},
    };
    settings->listeners = &secure->listener;
    settings->listener_count = 1;
}

static void count_renewal(void *context)
{
    (*(unsigned *)context)++;
}

static void load_certificates(struct world *world)
{
    struct certificates_options options = {
        .loop = world->loop,
        .log = &world->log,
        .is_speaker = true,
        .on_renewed = count_renewal,
        .context = &fixture.renewals,
    };
    struct context_set *set;
    assert_int_equal(context_set_create(world->settings, NULL, &set), 0);
    assert_int_equal(context_set_load(set), 0);
    for (size_t i = 0; i < set->plan.context_count; i++)
        kept_context_forget(&set->contexts[i]);
    assert_int_equal(certificates_create(&options, set, &world->certificates), 0);
    world->tls = certificates_of(world->certificates, 0);
    assert_non_null(world->tls);
    assert_null(certificates_of(world->certificates, 1));
}

static void begin(void)
{
    struct world *world = &fixture.world;
    world_init(world);
    tree_init(&fixture.files);
    for (size_t i = 0; i < ARRAY_LENGTH(fixture.certs); i++)
        fixture.certs[i] = pki_make((struct pki_options){.common_name = "a", .names = "DNS:a"}, NULL);
    put("first", 0);
    put("second", 1);
    variant_add_text(world, "page.txt", "content");
    secure_settings(world->settings, &fixture.before, "first");
    world->on_loop = load_certificates;
    world_start(world);
    variant_init(&fixture.variant, world->tree.path);
    fixture.client_ctx = SSL_CTX_new(TLS_client_method());
}

static void end(void)
{
    struct world *world = &fixture.world;
    world_end_server(world);
    certificates_destroy(world->certificates);
    world->certificates = NULL;
    world_finish(world);
    variant_finish(&fixture.variant);
    for (size_t i = 0; i < ARRAY_LENGTH(fixture.certs); i++)
        pki_free(&fixture.certs[i]);
    tree_finish(&fixture.files);
    SSL_CTX_free(fixture.client_ctx);
}

static bool has_shaken_hands(void *context)
{
    return SSL_do_handshake(((struct visitor *)context)->ssl) == 1;
}

static void visit(struct visitor *visitor)
{
    client_connect(&visitor->plain, &fixture.world, 0);
    visitor->ssl = SSL_new(fixture.client_ctx);
    SSL_set_fd(visitor->ssl, visitor->plain.fd);
    SSL_set_connect_state(visitor->ssl);
    world_expect(&fixture.world, has_shaken_hands, visitor);
}

static bool has_content(void *context)
{
    char bytes[4096];
    size_t length;
    struct visitor *visitor = context;
    while (SSL_read_ex(visitor->ssl, bytes, sizeof(bytes), &length) == 1)
        buffer_append(&visitor->plain.received, slice_make(bytes, length));
    return client_count(&visitor->plain, "content") >= visitor->plain.wanted;
}

static void ask(struct visitor *visitor, size_t times)
{
    size_t length;
    assert_int_equal(SSL_write_ex(visitor->ssl, ASK, strlen(ASK), &length), 1);
    visitor->plain.wanted = times;
    world_expect(&fixture.world, has_content, visitor);
}

static void leave(struct visitor *visitor)
{
    SSL_free(visitor->ssl);
    client_close(&visitor->plain);
}

static bool is_met_by(size_t number)
{
    struct visitor visitor;
    visit(&visitor);
    X509 *shown = SSL_get1_peer_certificate(visitor.ssl);
    bool is_same = X509_cmp(shown, fixture.certs[number].certificate) == 0;
    X509_free(shown);
    leave(&visitor);
    return is_same;
}

static void newcomers_get_the_new_one_and_who_is_there_goes_on(void **state)
{
    (void)state;
    struct visitor early;
    begin();
    visit(&early);
    ask(&early, 1);
    assert_true(is_met_by(0));
    secure_settings(fixture.variant.settings, &fixture.after, "second");
    assert_int_equal(world_change(&fixture.world, fixture.variant.settings), 0);
    assert_true(is_met_by(1));
    ask(&early, 2);
    leave(&early);
    end();
}

/* Also while the files of the settings before are being looked at. */
static void the_files_of_the_new_settings_are_kept_up_with(void **state)
{
    (void)state;
    begin();
    secure_settings(fixture.variant.settings, &fixture.after, "second");
    for (unsigned i = 0; i < 20; i++) {
        assert_int_equal(
            world_change(&fixture.world, i % 2 ? fixture.world.settings : fixture.variant.settings), 0);
        world_run_for(&fixture.world, 45);
    }
    assert_int_equal(world_change(&fixture.world, fixture.variant.settings), 0);
    assert_true(is_met_by(1));
    put("second", 2);
    while (!is_met_by(2))
        world_run_for(&fixture.world, 20);
    end();
}

/* Whoever is told looks at all of them. The files may change between two looks: some are taken up later. */
static void many_that_change_at_once_are_told_of_once(void **state)
{
    (void)state;
    begin();
    struct listener_settings listeners[LISTENERS_MAX];
    secure_settings(fixture.variant.settings, &fixture.after, "second");
    for (size_t i = 0; i < ARRAY_LENGTH(listeners); i++)
        listeners[i] = fixture.after.listener;
    fixture.variant.settings->listeners = listeners;
    fixture.variant.settings->listener_count = ARRAY_LENGTH(listeners);
    assert_int_equal(world_change(&fixture.world, fixture.variant.settings), 0);
    fixture.renewals = 0;
    put("second", 2);
    while (!is_met_by(2))
        world_run_for(&fixture.world, 20);
    world_run_for(&fixture.world, 500);
    assert_in_range(fixture.renewals, 1, LISTENERS_MAX / 2);
    end();
}

static void what_cannot_be_used_changes_nothing(void **state)
{
    (void)state;
    struct visitor visitor;
    begin();
    secure_settings(fixture.variant.settings, &fixture.after, "second");
    pki_write_text(&fixture.files, "second", SLICE("nothing"));
    assert_int_equal(world_change(&fixture.world, fixture.variant.settings), ERROR_REFUSED);
    assert_true(is_met_by(0));
    put("second", 1);
    assert_int_equal(world_change(&fixture.world, fixture.variant.settings), 0);
    assert_true(is_met_by(1));
    visit(&visitor);
    ask(&visitor, 1);
    leave(&visitor);
    end();
}

/* Sockets stay: a listener that the settings have no TLS for goes on with what it had. */
static void a_listener_keeps_what_the_settings_do_not_have(void **state)
{
    (void)state;
    begin();
    assert_int_equal(world_change(&fixture.world, fixture.variant.settings), 0);
    world_run_for(&fixture.world, 600); /* there are no files to look at any more */
    assert_true(is_met_by(0));
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(newcomers_get_the_new_one_and_who_is_there_goes_on),
        cmocka_unit_test(the_files_of_the_new_settings_are_kept_up_with),
        cmocka_unit_test(many_that_change_at_once_are_told_of_once),
        cmocka_unit_test(what_cannot_be_used_changes_nothing),
        cmocka_unit_test(a_listener_keeps_what_the_settings_do_not_have),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
