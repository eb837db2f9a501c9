/* Certificates and keys that fit, and all the ways in which they do not: what is said about them, and which
 * of them take the place of others. */
#include "tests/unit/tls/pki.h"

#include "base/error.h"
#include "tls/context.h"

struct world {
    struct tree tree;
    struct pki_cert root, middle, leaf, rsa;
    struct tls_pair_files pair;
    struct tls_settings settings;
    struct tls_report report;
};

static int64_t now(void)
{
    return time(NULL);
}

static void set_up(struct world *world)
{
    *world = (struct world){0};
    tree_init(&world->tree);
    world->root = pki_make((struct pki_options){.common_name = "Root", .is_ca = true}, NULL);
    world->middle = pki_make((struct pki_options){.common_name = "Middle", .is_ca = true}, &world->root);
    world->leaf =
        pki_make((struct pki_options){.common_name = "leaf", .names = "DNS:" PKI_NAME ",DNS:*.a.org,IP:::1"},
                 &world->middle);
    world->pair.certificate =
        pki_write_chain(&world->tree, "a.pem", &world->leaf, &world->middle, &world->root);
    world->pair.key = pki_write_key(&world->tree, "a.key", &world->leaf);
    world->settings =
        (struct tls_settings){.pairs = &world->pair, .pair_count = 1, .protocols = TLS_PROTOCOL_HTTP1};
}

static void tear_down(struct world *world)
{
    pki_free(&world->root);
    pki_free(&world->middle);
    pki_free(&world->leaf);
    tree_finish(&world->tree);
}

static int build_at(struct world *world, int64_t at)
{
    struct tls_context *context = NULL;
    world->report = (struct tls_report){0};
    int error = tls_context_create(&world->settings, at, &world->report, &context);
    tls_context_unref(context);
    assert_int_equal(ERR_peek_error(), 0); /* nothing is left for the next */
    return error;
}

/* Builds a context and expects one finding, which has that text in it. */
static void expect(struct world *world, enum tls_level level, const char *text)
{
    int error = build_at(world, now());
    assert_int_equal(error, level == TLS_LEVEL_ERROR ? ERROR_REFUSED : 0);
    if (world->report.count != 1 || world->report.findings[0].level != level ||
        strstr(world->report.findings[0].text, text) == NULL)
        fail_msg("%zu findings, \"%s\", expected \"%s\"", world->report.count,
                 tls_report_gravest(&world->report), text);
}

static void a_good_pair_says_nothing(void **state)
{
    (void)state;
    struct world world;
    set_up(&world);
    struct slice hosts[] = {SLICE(PKI_NAME), SLICE("*.A.org"), SLICE("b.a.org"), SLICE("::1"),
                            SLICE("b.a.org.")};
    world.settings.hosts = hosts;
    world.settings.host_count = ARRAY_LENGTH(hosts);
    assert_int_equal(build_at(&world, now()), 0);
    assert_string_equal(tls_report_gravest(&world.report), "");
    /* Key and certificate in one file. */
    FILE *file = pki_open(&world.tree, "both.pem");
    PEM_write_PrivateKey(file, world.leaf.key, NULL, NULL, 0, NULL, NULL);
    PEM_write_X509(file, world.leaf.certificate);
    PEM_write_X509(file, world.middle.certificate);
    PEM_write_X509(file, world.root.certificate);
    fclose(file);
    world.pair = (struct tls_pair_files){.certificate = pki_path(&world.tree, "both.pem")};
    assert_int_equal(build_at(&world, now()), 0);
    assert_int_equal(world.report.count, 0);
    tear_down(&world);
}

static void files_that_cannot_be_used(void **state)
{
    (void)state;
    struct world world;
    set_up(&world);
    const char *good = world.pair.certificate, *key = world.pair.key;
    world.pair.certificate = pki_path(&world.tree, "none.pem");
    expect(&world, TLS_LEVEL_ERROR, "/none.pem: No such file or directory");
    world.pair.certificate = world.tree.path;
    expect(&world, TLS_LEVEL_ERROR, ": Is a directory");
    world.pair.certificate = key;
    expect(&world, TLS_LEVEL_ERROR, "/a.key: holds no certificate in PEM form");
    world.pair.certificate = pki_write_text(
        &world.tree, "damaged.pem", SLICE("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"));
    expect(&world, TLS_LEVEL_ERROR, "/damaged.pem: certificate number 1 is damaged");
    world.pair.certificate = pki_write_text(&world.tree, "a.der", SLICE("\x30\x82\1\2"));
    expect(&world, TLS_LEVEL_ERROR, "/a.der: is in DER form and must be PEM");
    world.pair.certificate = good;
    world.pair.key = good;
    expect(&world, TLS_LEVEL_ERROR, "/a.pem: holds no private key in PEM form");
    world.pair.key = pki_write_key(&world.tree, "other.key", &world.middle);
    expect(&world, TLS_LEVEL_ERROR, "/other.key: does not belong to ");
    FILE *file = pki_open(&world.tree, "secret.key");
    PEM_write_PKCS8PrivateKey(file, world.leaf.key, EVP_aes_128_cbc(), "pass", 4, NULL, NULL);
    fclose(file);
    world.pair.key = pki_path(&world.tree, "secret.key");
    expect(&world, TLS_LEVEL_ERROR,
           "/secret.key: is encrypted with a passphrase; decrypt it with: openssl pkey");
    chmod(key, 0644);
    world.pair.key = key;
    expect(&world, TLS_LEVEL_WARNING, "/a.key: every user of this machine may read the key");
    tear_down(&world);
}

static void dates(void **state)
{
    (void)state;
    struct world world;
    set_up(&world);
    char date[TLS_DATE_BYTES];
    int64_t end = tls_time_from(X509_get0_notAfter(world.leaf.certificate));
    tls_date_format(end, date);
    assert_int_equal(build_at(&world, end - 15 * PKI_DAY), 0);
    assert_int_equal(world.report.count, 0);
    assert_int_equal(build_at(&world, end - 13 * PKI_DAY + 60), 0);
    assert_true(world.report.has[TLS_LEVEL_WARNING] && !world.report.has[TLS_LEVEL_DOUBT]);
    assert_non_null(strstr(tls_report_gravest(&world.report), "/a.pem: expires on "));
    assert_non_null(strstr(tls_report_gravest(&world.report), ", in 12 days"));
    assert_non_null(strstr(tls_report_gravest(&world.report), date));
    assert_int_equal(build_at(&world, end + 1), 0); /* better than nothing, at start */
    assert_true(world.report.has[TLS_LEVEL_DOUBT]);
    assert_non_null(strstr(tls_report_gravest(&world.report), "/a.pem: expired on "));
    assert_int_equal(build_at(&world, now() - PKI_DAY), 0);
    assert_non_null(strstr(tls_report_gravest(&world.report), "/a.pem: is not valid before "));
    tear_down(&world);
}

static void chains(void **state)
{
    (void)state;
    struct world world;
    set_up(&world);
    world.pair.certificate = pki_write_chain(&world.tree, "short.pem", &world.leaf, NULL, NULL);
    expect(&world, TLS_LEVEL_WARNING, "/short.pem: the issuer \"Middle\" is neither in the file nor trusted");
    world.pair.certificate = pki_write_chain(&world.tree, "mixed.pem", &world.leaf, &world.root, NULL);
    expect(&world, TLS_LEVEL_DOUBT,
           "/mixed.pem: the chain is incomplete: certificate number 2 should be that of \"Middle\"");
    struct pki_cert alone = pki_make((struct pki_options){.common_name = "alone"}, NULL);
    world.pair.certificate = pki_write_chain(&world.tree, "other.pem", &world.leaf, &world.middle, &alone);
    expect(&world, TLS_LEVEL_DOUBT,
           "/other.pem: the chain is incomplete: certificate number 3 should be that of \"Root\"");
    world.pair.certificate = pki_write_chain(&world.tree, "alone.pem", &alone, NULL, NULL);
    world.pair.key = pki_write_key(&world.tree, "alone.key", &alone);
    assert_int_equal(build_at(&world, now()), 0);
    assert_int_equal(world.report.count, 0);
    struct pki_cert public =
        pki_make((struct pki_options){.common_name = "public", .issuer_url = "caIssuers;URI:http://x/y"},
                 &world.middle);
    world.pair.certificate = pki_write_chain(&world.tree, "public.pem", &public, NULL, NULL);
    world.pair.key = pki_write_key(&world.tree, "public.key", &public);
    expect(&world, TLS_LEVEL_DOUBT,
           "/public.pem: the chain is incomplete: the certificate of its issuer \"Middle\" is missing");
    pki_free(&alone);
    pki_free(&public);
    tear_down(&world);
}

static void names(void **state)
{
    (void)state;
    struct world world;
    set_up(&world);
    static const char *const others[] = {"example.org", "x.y.a.org", "a.org", "*.org",
                                         "leaf",        "127.0.0.1", "*",     "."};
    TABLE_ROWS(i, others, others[i]) {
        struct slice host = slice_from(others[i]);
        world.settings.hosts = &host;
        world.settings.host_count = 1;
        expect(&world, TLS_LEVEL_DOUBT, "/a.pem: is not for ");
        assert_non_null(strstr(world.report.findings[0].text, "(it is for: www.example.org, *.a.org)"));
    }
    tear_down(&world);
}

static void several_pairs(void **state)
{
    (void)state;
    struct world world;
    set_up(&world);
    struct pki_cert rsa = pki_make((struct pki_options){.common_name = "rsa", .rsa_bits = 2048}, NULL);
    struct pki_cert weak = pki_make((struct pki_options){.common_name = "weak", .rsa_bits = 1024}, NULL);
    struct tls_pair_files pairs[2] = {world.pair,
                                      {pki_write_chain(&world.tree, "r.pem", &rsa, NULL, NULL),
                                       pki_write_key(&world.tree, "r.key", &rsa), NULL}};
    world.settings.pairs = pairs;
    world.settings.pair_count = 2;
    assert_int_equal(build_at(&world, now()), 0);
    assert_int_equal(world.report.count, 0);
    pairs[0] = pairs[1];
    expect(&world, TLS_LEVEL_ERROR, "/r.pem: there is a certificate with a key of that kind already");
    pairs[0] = (struct tls_pair_files){pki_write_chain(&world.tree, "w.pem", &weak, NULL, NULL),
                                       pki_write_key(&world.tree, "w.key", &weak), NULL};
    world.settings.pair_count = 1;
    expect(&world, TLS_LEVEL_ERROR, "/w.pem: cannot be used: its key is too short: RSA needs 2048 bits");
    pki_free(&rsa);
    pki_free(&weak);
    tear_down(&world);
}

static void lists_of_ciphers(void **state)
{
    (void)state;
    struct world world;
    set_up(&world);
    world.settings.ciphers = "NONSENSE";
    expect(&world, TLS_LEVEL_ERROR, "ciphers: OpenSSL cannot use \"NONSENSE\"");
    world.settings.ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384";
    world.settings.cipher_suites = "TLS_NONSENSE";
    expect(&world, TLS_LEVEL_ERROR, "cipher suites: OpenSSL cannot use \"TLS_NONSENSE\"");
    world.settings.cipher_suites = NULL;
    world.settings.groups = "P-000";
    expect(&world, TLS_LEVEL_ERROR, "groups: OpenSSL cannot use \"P-000\"");
    world.settings.groups = "P-384";
    assert_int_equal(build_at(&world, now()), 0);
    tear_down(&world);
}

static void authorities_of_clients(void **state)
{
    (void)state;
    struct world world;
    set_up(&world);
    world.settings.client_mode = TLS_CLIENT_REQUIRED;
    expect(&world, TLS_LEVEL_ERROR, "certificates of clients need client_ca");
    world.settings.client_ca = pki_path(&world.tree, "none.pem");
    expect(&world, TLS_LEVEL_ERROR, "/none.pem: No such file");
    world.settings.client_ca = pki_write_chain(&world.tree, "ca.pem", &world.root, &world.middle, NULL);
    assert_int_equal(build_at(&world, now()), 0);
    world.settings.client_crl = world.settings.client_ca;
    expect(&world, TLS_LEVEL_ERROR, "/ca.pem: holds no list of revoked certificates (CRL) in PEM form");
    world.settings.client_crl = pki_write_crl(&world.tree, "root.crl", &world.root, NULL, 1);
    expect(&world, TLS_LEVEL_ERROR, "/root.crl: has no list of \"Middle\"");
    world.settings.client_ca = pki_write_chain(&world.tree, "ca.pem", &world.root, NULL, NULL);
    assert_int_equal(build_at(&world, now()), 0);
    assert_int_equal(world.report.count, 0);
    world.settings.client_crl = pki_write_crl(&world.tree, "root.crl", &world.root, NULL, -1);
    expect(&world, TLS_LEVEL_DOUBT, "/root.crl: the list of revoked certificates of \"Root\" expired on ");
    tear_down(&world);
}

/* A browser offers its user the certificates that one of them has issued. */
static void clients_are_told_of_the_authorities(void **state)
{
    (void)state;
    struct world world;
    struct tls_context *context = NULL;
    set_up(&world);
    world.settings.client_mode = TLS_CLIENT_OPTIONAL;
    world.settings.client_ca = pki_write_chain(&world.tree, "ca.pem", &world.root, &world.middle, NULL);
    assert_int_equal(tls_context_create(&world.settings, now(), &world.report, &context), 0);
    const STACK_OF(X509_NAME) *names = SSL_CTX_get_client_CA_list(context->ctx);
    assert_int_equal(sk_X509_NAME_num(names), 2);
    assert_int_equal(
        X509_NAME_cmp(sk_X509_NAME_value(names, 1), X509_get_subject_name(world.middle.certificate)), 0);
    tls_context_unref(context);
    tear_down(&world);
}

static bool has_finding(const struct world *world, const char *text)
{
    bool is_there = false;
    for (size_t i = 0; i < world->report.count; i++)
        is_there |= strstr(world->report.findings[i].text, text) != NULL;
    return is_there;
}

/* Where the issuer is not in the file, the number of the certificate decides. */
static void staples_without_an_issuer(void **state)
{
    (void)state;
    struct world world;
    set_up(&world);
    world.pair.certificate = pki_write_chain(&world.tree, "bare.pem", &world.leaf, NULL, NULL);
    world.pair.ocsp =
        pki_write_ocsp(&world.tree, "a.ocsp", &world.leaf, &world.middle, 1, V_OCSP_CERTSTATUS_GOOD);
    assert_int_equal(build_at(&world, now()), 0);
    assert_false(has_finding(&world, "not sent"));
    pki_write_ocsp(&world.tree, "a.ocsp", &world.middle, &world.root, 1, V_OCSP_CERTSTATUS_GOOD);
    assert_int_equal(build_at(&world, now()), 0);
    assert_true(has_finding(&world, "/a.ocsp: is about another certificate; not sent"));
    tear_down(&world);
}

static void staples(void **state)
{
    (void)state;
    struct world world;
    set_up(&world);
    world.pair.ocsp =
        pki_write_ocsp(&world.tree, "a.ocsp", &world.leaf, &world.middle, 1, V_OCSP_CERTSTATUS_GOOD);
    assert_int_equal(build_at(&world, now()), 0);
    assert_int_equal(world.report.count, 0);
    pki_write_ocsp(&world.tree, "a.ocsp", &world.leaf, &world.middle, -1, V_OCSP_CERTSTATUS_GOOD);
    expect(&world, TLS_LEVEL_WARNING, "/a.ocsp: is too old to be sent: it held until ");
    pki_write_ocsp(&world.tree, "a.ocsp", &world.middle, &world.root, 1, V_OCSP_CERTSTATUS_GOOD);
    expect(&world, TLS_LEVEL_WARNING, "/a.ocsp: is about another certificate; not sent");
    pki_write_ocsp(&world.tree, "a.ocsp", &world.leaf, &world.root, 1, V_OCSP_CERTSTATUS_GOOD);
    expect(&world, TLS_LEVEL_WARNING, "/a.ocsp: is about another certificate; not sent");
    pki_write_ocsp(&world.tree, "a.ocsp", &world.leaf, &world.middle, 1, V_OCSP_CERTSTATUS_REVOKED);
    expect(&world, TLS_LEVEL_WARNING, "/a.ocsp: says that the certificate was revoked");
    pki_write_text(&world.tree, "a.ocsp", SLICE("\x30\3\x0a\1\3")); /* tryLater */
    expect(&world, TLS_LEVEL_WARNING, "/a.ocsp: is no successful OCSP response in DER form; not sent");
    world.pair.ocsp = pki_path(&world.tree, "none");
    expect(&world, TLS_LEVEL_WARNING, "/none: No such file or directory; no OCSP response is sent");
    tear_down(&world);
}

/* What may take the place of a context that works. */
static void renewal(void **state)
{
    (void)state;
    struct world world;
    struct tls_context *old, *fresh;
    set_up(&world);
    assert_int_equal(tls_context_create(&world.settings, now(), &world.report, &old), 0);
    assert_int_equal(tls_context_renew(&world.settings, old, now(), &world.report, &fresh), 0);
    assert_int_equal(world.report.count, 0);
    tls_context_unref(fresh);
    pki_write_chain(&world.tree, "a.pem", &world.leaf, NULL, NULL);
    assert_int_equal(tls_context_renew(&world.settings, old, now(), &world.report, &fresh), ERROR_REFUSED);
    assert_non_null(strstr(tls_report_gravest(&world.report), "/a.pem: the chain is incomplete"));
    world.report = (struct tls_report){0};
    pki_write_chain(&world.tree, "a.pem", &world.leaf, &world.middle, NULL);
    assert_int_equal(tls_context_renew(&world.settings, old, now() + 91 * PKI_DAY, &world.report, &fresh),
                     ERROR_REFUSED);
    assert_non_null(strstr(tls_report_gravest(&world.report), "/a.pem: expired on "));
    world.report = (struct tls_report){0};
    pki_write_key(&world.tree, "a.key", &world.middle);
    assert_int_equal(tls_context_renew(&world.settings, old, now(), &world.report, &fresh), ERROR_REFUSED);
    assert_non_null(strstr(tls_report_gravest(&world.report), "/a.key: does not belong to "));
    tls_context_unref(old);
    tear_down(&world);
}

static void a_report_is_bounded(void **state)
{
    (void)state;
    struct tls_report report = {0};
    assert_string_equal(tls_report_gravest(&report), "");
    for (int i = 0; i < 20; i++)
        tls_report_add(&report, TLS_LEVEL_WARNING, "number %d", i);
    tls_report_add(&report, TLS_LEVEL_ERROR, "the last");
    assert_int_equal(report.count, TLS_FINDINGS_MAX);
    assert_true(report.has[TLS_LEVEL_ERROR]);
    assert_string_equal(tls_report_gravest(&report), "number 0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_pair_says_nothing),
        cmocka_unit_test(files_that_cannot_be_used),
        cmocka_unit_test(dates),
        cmocka_unit_test(chains),
        cmocka_unit_test(names),
        cmocka_unit_test(several_pairs),
        cmocka_unit_test(lists_of_ciphers),
        cmocka_unit_test(authorities_of_clients),
        cmocka_unit_test(clients_are_told_of_the_authorities),
        cmocka_unit_test(staples),
        cmocka_unit_test(staples_without_an_issuer),
        cmocka_unit_test(renewal),
        cmocka_unit_test(a_report_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
