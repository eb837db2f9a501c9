/* Sessions that are resumed by ticket: with the same worker and with another, after a change of keys, of the
 * certificate and of who may come in; and those that must not be. */
#include "tests/unit/tls/duo.h"

static struct tls_ticket_keys keys;

static bool is_resumed(struct duo *duo)
{
    struct tls_info info;
    tls_session_info(&duo->session, &info);
    assert_int_equal(SSL_session_reused(duo->client), info.is_resumed);
    return info.is_resumed;
}

static struct tls_settings settings_with_tickets(void)
{
    struct tls_settings settings = duo_settings(&pki.ecdsa_pair, 1);
    keys = (struct tls_ticket_keys){0};
    tls_ticket_keys_rotate(&keys);
    settings.ticket_keys = &keys;
    return settings;
}

static void set_version(struct duo *duo, int version)
{
    SSL_CTX_set_max_proto_version(duo->client_ctx, version);
}

#define EACH_VERSION(version) (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++)

/* Another worker has a context of its own, and the same keys in shared memory. */
static void resumes_with_any_worker(void **state)
{
    (void)state;
    struct tls_settings settings = settings_with_tickets();
    for
        EACH_VERSION(version)
        {
            struct duo duo;
            duo_init(&duo, &settings);
            set_version(&duo, version);
            duo_connect(&duo, PKI_NAME);
            assert_false(is_resumed(&duo));
            assert_int_equal(duo.tickets, 1);
            for (int worker = 0; worker < 3; worker++) {
                struct tls_context *context = duo_context(&settings);
                tls_names_set_default(&duo.names, context);
                tls_context_unref(context);
                duo_reconnect(&duo, PKI_NAME);
                assert_true(is_resumed(&duo));
            }
            /* In TLS 1.3 each ticket is for one use. */
            assert_int_equal(duo.tickets, version == TLS1_3_VERSION ? 4 : 1);
            duo_finish(&duo);
        }
}

/* A client that is gone without a word may come back. */
static void resumes_after_a_bare_fin(void **state)
{
    (void)state;
    struct tls_settings settings = settings_with_tickets();
    struct duo duo;
    duo_init(&duo, &settings);
    duo_connect(&duo, PKI_NAME);
    assert_int_equal(tls_session_end(&duo.session), TLS_ERROR);
    duo_reconnect(&duo, PKI_NAME);
    assert_true(is_resumed(&duo));
    duo_finish(&duo);
}

/* The client has got a ticket by the newest key. OpenSSL's client tells of it in TLS 1.3 only. */
static void expect_newest_key(struct duo *duo)
{
    const unsigned char *bytes;
    size_t length;
    if (SSL_version(duo->client) == TLS1_2_VERSION) {
        SSL_SESSION_free(duo->ticket);
        duo->ticket = SSL_SESSION_dup(SSL_get_session(duo->client));
    }
    SSL_SESSION_get0_ticket(duo->ticket, &bytes, &length);
    assert_true(length > TLS_TICKET_NAME_BYTES);
    assert_memory_equal(bytes, keys.keys[0].name, TLS_TICKET_NAME_BYTES);
}

static void keys_rotate(void **state)
{
    (void)state;
    struct tls_settings settings = settings_with_tickets();
    for
        EACH_VERSION(version)
        {
            struct duo duo;
            duo_init(&duo, &settings);
            set_version(&duo, version);
            duo_connect(&duo, PKI_NAME);
            SSL_SESSION *first = SSL_SESSION_dup(duo.ticket);
            for (int i = 0; i < TLS_TICKET_KEYS_MAX - 1; i++)
                tls_ticket_keys_rotate(&keys);
            duo_reconnect(&duo, PKI_NAME);
            assert_true(is_resumed(&duo));
            expect_newest_key(&duo);
            tls_ticket_keys_rotate(&keys);
            duo_reconnect(&duo, PKI_NAME);
            assert_true(is_resumed(&duo));
            SSL_SESSION_free(duo.ticket);
            duo.ticket = first; /* its key is gone */
            duo_reconnect(&duo, PKI_NAME);
            assert_false(is_resumed(&duo));
            duo_finish(&duo);
        }
}

static void no_keys_no_tickets(void **state)
{
    (void)state;
    struct tls_settings settings = settings_with_tickets();
    struct tls_ticket_keys none = {0};
    const struct tls_ticket_keys *cases[] = {NULL, &none};
    TABLE_ROWS(i, cases, "")
        for
            EACH_VERSION(version)
            {
                struct duo duo;
                settings.ticket_keys = cases[i];
                duo_init(&duo, &settings);
                set_version(&duo, version);
                duo_connect(&duo, PKI_NAME);
                assert_int_equal(duo.ticket && SSL_SESSION_has_ticket(duo.ticket), 0);
                duo_finish(&duo);
            }
}

/* A certificate that is renewed: new sessions have it, old ones resume. */
static void resumes_after_a_renewal(void **state)
{
    (void)state;
    struct tls_settings settings = settings_with_tickets();
    struct tls_pair_files pair = pki.ecdsa_pair;
    settings.pairs = &pair;
    struct pki_cert fresh =
        pki_make((struct pki_options){.common_name = "fresh", .names = "DNS:" PKI_NAME}, &pki.root);
    struct duo duo;
    struct tls_report report = {0};
    struct tls_context *context;
    duo_init(&duo, &settings);
    duo_connect(&duo, PKI_NAME);
    pair = duo_write_pair("fresh", &fresh);
    struct tls_context *old = tls_names_find(&duo.names, SLICE(PKI_NAME));
    assert_int_equal(tls_context_renew(&settings, old, time(NULL), &report, &context), 0);
    tls_names_replace(&duo.names, old, context);
    tls_context_unref(context);
    duo_client_writes(&duo, SLICE("goes on")); /* with the old one */
    assert_slice(buffer_slice(&duo.received), "goes on");
    duo_reconnect(&duo, PKI_NAME);
    assert_true(is_resumed(&duo));
    duo_connect(&duo, PKI_NAME);
    X509 *seen = SSL_get1_peer_certificate(duo.client);
    assert_int_equal(X509_cmp(seen, fresh.certificate), 0);
    X509_free(seen);
    pki_free(&fresh);
    duo_finish(&duo);
}

/* RFC 6066 section 3: a session belongs to the name that it was begun for. */
static void not_under_another_name(void **state)
{
    (void)state;
    struct tls_settings settings = settings_with_tickets();
    for
        EACH_VERSION(version)
        {
            struct duo duo;
            duo_init(&duo, &settings);
            set_version(&duo, version);
            duo_connect(&duo, PKI_NAME);
            SSL_SESSION *first = SSL_SESSION_dup(duo.ticket);
            static const char *const names[] = {"other.example.org", NULL, "WWW.example.org"};
            TABLE_ROWS(i, names, names[i]) {
                SSL_SESSION_free(duo.ticket);
                duo.ticket = SSL_SESSION_dup(first);
                duo_reconnect(&duo, names[i]);
                assert_int_equal(is_resumed(&duo), i == 2);
            }
            SSL_SESSION_free(first);
            duo_finish(&duo);
        }
}

/* ---- clients with certificates ---- */

static struct tls_settings settings_for(enum tls_client_mode mode, const char *crl)
{
    struct tls_settings settings = duo_settings(&pki.ecdsa_pair, 1);
    settings.ticket_keys = &keys;
    settings.client_mode = mode;
    settings.client_ca = pki.ca;
    settings.client_crl = crl;
    return settings;
}

static void use_settings(struct duo *duo, const struct tls_settings *settings)
{
    struct tls_context *context = duo_context(settings);
    tls_names_set_default(&duo->names, context);
    tls_context_unref(context);
}

static void connect_as(struct duo *duo, const struct pki_cert *cert)
{
    duo_begin(duo, PKI_NAME);
    if (cert)
        SSL_use_cert_and_key(duo->client, cert->certificate, cert->key, NULL, 1);
    duo_pump(duo);
    assert_slice(buffer_slice(&duo->events), "R");
}

/* Comes back with its ticket and without its certificate: says what becomes of it. */
static const char *come_back(struct duo *duo)
{
    struct tls_info info;
    SSL_SESSION *ticket = SSL_SESSION_dup(duo->ticket);
    duo_begin(duo, PKI_NAME);
    SSL_set_session(duo->client, ticket);
    duo_pump(duo);
    SSL_SESSION_free(ticket);
    if (duo->events.data[duo->events.length - 1] == 'X')
        return "refused";
    tls_session_info(&duo->session, &info);
    return info.is_resumed ? info.has_client ? "resumed, known" : "resumed" : "new";
}

static void clients_are_known_again(void **state)
{
    (void)state;
    for
        EACH_VERSION(version)
        {
            struct tls_settings settings = settings_for(TLS_CLIENT_REQUIRED, NULL);
            struct arena arena;
            struct tls_client client;
            struct duo duo;
            arena_init(&arena, 10000);
            duo_init(&duo, &settings);
            set_version(&duo, version);
            connect_as(&duo, &pki.client);
            assert_string_equal(come_back(&duo), "resumed, known");
            assert_true(tls_session_client(&duo.session, &arena, &client));
            assert_slice(client.subject, "CN=Ada");
            assert_string_equal(come_back(&duo), "resumed, known");
            arena_finish(&arena);
            duo_finish(&duo);
        }
}

/* No ticket leads past who is let in today. */
static void tickets_do_not_skip_authentication(void **state)
{
    (void)state;
    const char *good = pki_write_crl(&pki.tree, "good.crl", &pki.root, &pki.revoked, 10);
    const char *bad = pki_write_crl(&pki.tree, "bad.crl", &pki.root, &pki.client, 10);
    const struct {
        const struct pki_cert *cert;
        struct tls_settings first, second;
        const char *outcome;
    } cases[] = {
        {&pki.client, settings_for(TLS_CLIENT_REQUIRED, good), settings_for(TLS_CLIENT_REQUIRED, good),
         "resumed, known"},
        {&pki.client, settings_for(TLS_CLIENT_REQUIRED, good), settings_for(TLS_CLIENT_REQUIRED, bad),
         "refused"},
        {&pki.client, settings_for(TLS_CLIENT_REQUIRED, NULL), settings_for(TLS_CLIENT_REQUIRED, bad),
         "refused"},
        {NULL, settings_for(TLS_CLIENT_NONE, NULL), settings_for(TLS_CLIENT_REQUIRED, NULL), "refused"},
        {NULL, settings_for(TLS_CLIENT_OPTIONAL, NULL), settings_for(TLS_CLIENT_REQUIRED, NULL), "refused"},
        {NULL, settings_for(TLS_CLIENT_OPTIONAL, NULL), settings_for(TLS_CLIENT_OPTIONAL, NULL), "resumed"},
        {&pki.client, settings_for(TLS_CLIENT_OPTIONAL, NULL), settings_for(TLS_CLIENT_OPTIONAL, NULL),
         "resumed, known"},
        {&pki.client, settings_for(TLS_CLIENT_REQUIRED, NULL), settings_for(TLS_CLIENT_NONE, NULL), "new"},
    };
    TABLE_ROWS(i, cases, cases[i].outcome)
        for
            EACH_VERSION(version)
            {
                struct duo duo;
                duo_init(&duo, &cases[i].first);
                set_version(&duo, version);
                connect_as(&duo, cases[i].cert);
                use_settings(&duo, &cases[i].second);
                const char *outcome = come_back(&duo);
                if (strcmp(outcome, cases[i].outcome) != 0)
                    fail_msg("case %zu: %s, expected %s", i, outcome, cases[i].outcome);
                duo_finish(&duo);
            }
}

/* The same settings, and yet the certificate is no longer good: the list was replaced in the store, as time
 * would do with a certificate that expires. */
static void certificates_are_verified_again(void **state)
{
    (void)state;
    for
        EACH_VERSION(version)
        {
            struct tls_settings settings = settings_for(TLS_CLIENT_REQUIRED, NULL);
            struct duo duo;
            duo_init(&duo, &settings);
            set_version(&duo, version);
            connect_as(&duo, &pki.client);
            X509_STORE *store = SSL_CTX_get_cert_store(tls_names_find(&duo.names, SLICE("x"))->ctx);
            X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(store), time(NULL) + 91 * PKI_DAY);
            assert_string_equal(come_back(&duo), "refused");
            duo_finish(&duo);
        }
}

/* ---- staples ---- */

static long staple_length(struct duo *duo)
{
    const unsigned char *bytes;
    SSL_set_tlsext_status_type(duo->client, TLSEXT_STATUSTYPE_ocsp);
    duo_pump(duo);
    assert_slice(buffer_slice(&duo->events), "R");
    return SSL_get_tlsext_status_ocsp_resp(duo->client, &bytes);
}

static void staples_are_sent_while_they_hold(void **state)
{
    (void)state;
    struct tls_pair_files pairs[2] = {pki.ecdsa_pair, pki.rsa_pair};
    pairs[0].ocsp = pki_write_ocsp(&pki.tree, "ecdsa.ocsp", &pki.leaf, &pki.root, 1, V_OCSP_CERTSTATUS_GOOD);
    struct tls_settings settings = duo_settings(pairs, 2);
    for
        EACH_VERSION(version)
        {
            struct duo duo;
            duo_init(&duo, &settings);
            set_version(&duo, version);
            duo_begin(&duo, PKI_NAME);
            assert_true(staple_length(&duo) > 100);
            duo_connect(&duo, PKI_NAME); /* not asked for */
            duo_begin(&duo, PKI_NAME);
            SSL_set1_sigalgs_list(duo.client, "rsa_pss_rsae_sha256:RSA+SHA256");
            assert_true(staple_length(&duo) <= 0); /* there is none for this certificate */
            tls_names_find(&duo.names, SLICE("x"))->pairs[0].staple.until = time(NULL) - 1;
            duo_begin(&duo, PKI_NAME);
            assert_true(staple_length(&duo) <= 0); /* too old now */
            duo_finish(&duo);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resumes_with_any_worker),
        cmocka_unit_test(resumes_after_a_bare_fin),
        cmocka_unit_test(keys_rotate),
        cmocka_unit_test(no_keys_no_tickets),
        cmocka_unit_test(resumes_after_a_renewal),
        cmocka_unit_test(not_under_another_name),
        cmocka_unit_test(clients_are_known_again),
        cmocka_unit_test(tickets_do_not_skip_authentication),
        cmocka_unit_test(certificates_are_verified_again),
        cmocka_unit_test(staples_are_sent_while_they_hold),
    };
    return cmocka_run_group_tests(tests, duo_make_pki, duo_free_pki);
}
