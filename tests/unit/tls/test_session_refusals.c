/* Clients that are refused, each with its alert; and limits that end a session. */
#include "tests/unit/tls/duo.h"

static void refuse_version(struct duo *duo, const char *ciphers, int version)
{
    SSL_CTX_set_cipher_list(duo->client_ctx, ciphers);
    SSL_CTX_set_min_proto_version(duo->client_ctx, version);
    SSL_CTX_set_max_proto_version(duo->client_ctx, version);
    duo_begin(duo, PKI_NAME);
    duo_expect_refusal(duo, TLS_ALERT_PROTOCOL_VERSION, "no TLS version that is allowed");
}

static void old_versions(void **state)
{
    (void)state;
    struct tls_settings settings = duo_settings(&pki.ecdsa_pair, 1);
    struct duo duo;
    duo_init(&duo, &settings);
    refuse_version(&duo, "ALL:@SECLEVEL=0", TLS1_VERSION);
    refuse_version(&duo, "ALL:@SECLEVEL=0", TLS1_1_VERSION);
    duo_finish(&duo);
    settings.policy = TLS_POLICY_MODERN;
    duo_init(&duo, &settings);
    refuse_version(&duo, "DEFAULT", TLS1_2_VERSION);
    duo_finish(&duo);
}

/* CBC, static RSA, finite fields: none is ours. */
static void ciphers_that_are_not_allowed(void **state)
{
    (void)state;
    static const char *const offers[] = {"ECDHE-RSA-AES128-SHA256", "AES128-GCM-SHA256",
                                         "DHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256"};
    struct tls_settings settings = duo_settings(&pki.rsa_pair, 1);
    struct duo duo;
    duo_init(&duo, &settings);
    SSL_CTX_set_max_proto_version(duo.client_ctx, TLS1_2_VERSION);
    TABLE_ROWS(i, offers, offers[i]) {
        SSL_CTX_set_cipher_list(duo.client_ctx, offers[i]);
        duo_begin(&duo, PKI_NAME);
        duo_expect_refusal(&duo, TLS_ALERT_HANDSHAKE_FAILURE, "no cipher that is allowed");
    }
    duo_finish(&duo);
    settings.ciphers = "ECDHE-RSA-AES128-SHA256"; /* for those who must */
    duo_init(&duo, &settings);
    SSL_CTX_set_max_proto_version(duo.client_ctx, TLS1_2_VERSION);
    SSL_CTX_set_cipher_list(duo.client_ctx, offers[0]);
    duo_connect(&duo, PKI_NAME);
    duo_finish(&duo);
}

static void other_refusals(void **state)
{
    (void)state;
    struct tls_settings settings = duo_settings(&pki.ecdsa_pair, 1);
    struct duo duo;
    duo_init(&duo, &settings);
    SSL_CTX_set_alpn_protos(duo.client_ctx, DUO_ALPN("\4spdy\6http/2"));
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        SSL_CTX_set_max_proto_version(duo.client_ctx, version);
        duo_begin(&duo, PKI_NAME);
        duo_expect_refusal(&duo, TLS_ALERT_NO_APPLICATION_PROTOCOL, "no protocol that is spoken here (ALPN)");
    }
    SSL_CTX_set_alpn_protos(duo.client_ctx, NULL, 0);
    SSL_CTX_set1_groups_list(duo.client_ctx, "P-521");
    duo_begin(&duo, PKI_NAME);
    duo_expect_refusal(&duo, TLS_ALERT_HANDSHAKE_FAILURE, "no key exchange that is allowed");
    SSL_CTX_set1_groups_list(duo.client_ctx, "X25519");
    SSL_CTX_set1_sigalgs_list(duo.client_ctx, "rsa_pss_rsae_sha256");
    duo_begin(&duo, PKI_NAME);
    duo_expect_refusal(&duo, TLS_ALERT_HANDSHAKE_FAILURE, "no signature that the certificate can make");
    duo_finish(&duo);
}

/* A reload lowers the limit while a ClientHello is incomplete. */
static void a_hello_that_has_become_too_long(void **state)
{
    (void)state;
    static char first[8000] = "\x16\3\1\x3f\xf0\1\0\x3f\xec", rest[9000]; /* of 16373 bytes, and more */
    static const size_t lengths[] = {1, 1000, sizeof(rest)};
    struct tls_settings settings = duo_settings(&pki.ecdsa_pair, 1);
    struct duo duo;
    duo_init(&duo, &settings);
    duo.limits.handshake_bytes = 16384; /* no room for all that comes */
    TABLE_ROWS(i, lengths, "") {
        duo_begin(&duo, PKI_NAME);
        duo.limits.hello_bytes = 16384;
        duo_feed_piece(&duo, slice_make(first, sizeof(first)));
        assert_slice(buffer_slice(&duo.events), "");
        duo.limits.hello_bytes = CLIENT_HELLO_BYTES_MIN;
        duo_feed_piece(&duo, slice_make(rest, lengths[i]));
        assert_slice(buffer_slice(&duo.events), "X");
        assert_string_equal(duo.session.fault, "the ClientHello is too long");
        assert_int_equal(duo.session.alert_sent, TLS_ALERT_ILLEGAL_PARAMETER);
    }
    duo_finish(&duo);
}

#define RECORD_HEAD_BYTES  5
#define MESSAGE_HEAD_BYTES 4
#define VERSION_BYTES      2
#define RANDOM_BYTES       32

static size_t number_at(const struct buffer *buffer, size_t at, size_t bytes)
{
    size_t number = 0;
    for (size_t i = 0; i < bytes; i++)
        number = number << 8 | (uint8_t)buffer->data[at + i];
    return number;
}

static void set_number_at(struct buffer *buffer, size_t at, size_t bytes, size_t number)
{
    for (size_t i = 0; i < bytes; i++)
        buffer->data[at + i] = (char)(number >> 8 * (bytes - 1 - i));
}

/* The position behind the session's id in a hello of either side, which is alone in its record. */
static size_t behind_session_id(const struct buffer *hello)
{
    size_t at = RECORD_HEAD_BYTES + MESSAGE_HEAD_BYTES + VERSION_BYTES + RANDOM_BYTES;
    return at + 1 + number_at(hello, at, 1);
}

/* The client offers DEFLATE before no compression. OpenSSL's clients do not, so one is put in. */
static void offer_compression(struct buffer *hello)
{
    size_t suites = behind_session_id(hello), methods = suites + 2 + number_at(hello, suites, 2);
    assert_int_equal(number_at(hello, methods, 2), 0x0100);
    buffer_append_byte(hello, 0);
    memmove(hello->data + methods + 2, hello->data + methods + 1, hello->length - methods - 2);
    hello->data[methods] = 2;
    hello->data[methods + 1] = 1;
    set_number_at(hello, 3, 2, number_at(hello, 3, 2) + 1);
    set_number_at(hello, RECORD_HEAD_BYTES + 1, 3, number_at(hello, RECORD_HEAD_BYTES + 1, 3) + 1);
}

/* Of TLS 1.2 it is passed over, with TLS 1.3 nothing else may be offered than none (RFC 8446 section 4.1.2).
 */
static void compression_is_refused(void **state)
{
    (void)state;
    struct tls_settings settings = duo_settings(&pki.ecdsa_pair, 1);
    struct duo duo;
    duo_init(&duo, &settings);
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        struct buffer hello;
        buffer_init(&hello, 1 << 16);
        SSL_CTX_set_min_proto_version(duo.client_ctx, version);
        SSL_CTX_set_max_proto_version(duo.client_ctx, version);
        duo_begin(&duo, PKI_NAME);
        SSL_do_handshake(duo.client);
        duo_take(&duo, &hello);
        offer_compression(&hello);
        duo_feed(&duo, buffer_slice(&hello));
        buffer_finish(&hello);
        assert_slice(buffer_slice(&duo.events), version == TLS1_3_VERSION ? "X" : "");
        if (version == TLS1_3_VERSION)
            assert_int_equal(duo.session.alert_sent, TLS_ALERT_ILLEGAL_PARAMETER);
        else
            assert_int_equal(number_at(&duo.output, behind_session_id(&duo.output) + 2, 1), 0);
    }
    duo_finish(&duo);
}

/* Two names and no default. */
static void names_that_are_not_served(void **state)
{
    (void)state;
    struct tls_settings settings = duo_settings(&pki.ecdsa_pair, 1);
    struct duo duo;
    duo_init(&duo, &settings);
    struct tls_context *context = tls_context_ref(tls_names_find(&duo.names, SLICE("any")));
    tls_names_set_default(&duo.names, NULL);
    assert_int_equal(tls_names_add(&duo.names, SLICE(PKI_NAME), context), 0);
    tls_context_unref(context);
    duo_connect(&duo, PKI_NAME);
    duo_begin(&duo, "other.example.org");
    duo_expect_refusal(&duo, TLS_ALERT_UNRECOGNIZED_NAME, "no certificate for the name");
    assert_null(duo.session.ssl);
    duo_begin(&duo, NULL);
    duo_expect_refusal(&duo, TLS_ALERT_UNRECOGNIZED_NAME, "no certificate for the name");
    duo_finish(&duo);
}

/* A client that has to say hello twice must ask for the same name again: the certificate is chosen. */
static void a_second_hello_for_another_name(void **state)
{
    (void)state;
    struct tls_settings settings = duo_settings(&pki.ecdsa_pair, 1);
    static const char *const names[] = {"other.example.org", "WWW.example.org"};
    struct duo duo;
    duo_init(&duo, &settings);
    SSL_CTX_set1_groups_list(duo.client_ctx, "P-384:X25519");
    TABLE_ROWS(i, names, names[i]) {
        duo_begin(&duo, PKI_NAME);
        SSL_do_handshake(duo.client);
        duo_move_to_server(&duo);
        duo_move_to_client(&duo); /* a HelloRetryRequest */
        SSL_set_tlsext_host_name(duo.client, names[i]);
        if (i == 0)
            duo_expect_refusal(&duo, TLS_ALERT_ILLEGAL_PARAMETER, "");
        duo_pump(&duo);
        assert_slice(buffer_slice(&duo.events), i == 0 ? "X" : "R");
    }
    duo_finish(&duo);
}

/* ---- certificates of clients ---- */

static void present(struct duo *duo, const struct pki_cert *cert)
{
    if (cert)
        SSL_use_cert_and_key(duo->client, cert->certificate, cert->key, NULL, 1);
}

static void certificates_of_clients(void **state)
{
    (void)state;
    struct tls_settings settings = duo_settings(&pki.ecdsa_pair, 1);
    settings.client_mode = TLS_CLIENT_REQUIRED;
    settings.client_ca = pki.ca;
    settings.client_crl = pki_write_crl(&pki.tree, "root.crl", &pki.root, &pki.revoked, 10);
    const struct {
        const struct pki_cert *cert;
        int alert_12, alert_13;
        const char *words;
    } cases[] = {
        {NULL, TLS_ALERT_HANDSHAKE_FAILURE, TLS_ALERT_CERTIFICATE_REQUIRED, "the client sent no certificate"},
        {&pki.revoked, TLS_ALERT_CERTIFICATE_REVOKED, TLS_ALERT_CERTIFICATE_REVOKED, "was revoked"},
        {&pki.expired, TLS_ALERT_CERTIFICATE_EXPIRED, TLS_ALERT_CERTIFICATE_EXPIRED, "has expired"},
        {&pki.stranger, TLS_ALERT_UNKNOWN_CA, TLS_ALERT_UNKNOWN_CA, "issuer of the client's certificate"},
    };
    struct duo duo;
    duo_init(&duo, &settings);
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        SSL_CTX_set_max_proto_version(duo.client_ctx, version);
        TABLE_ROWS(i, cases, cases[i].words) {
            duo_begin(&duo, PKI_NAME);
            present(&duo, cases[i].cert);
            duo_expect_refusal(&duo, version == TLS1_2_VERSION ? cases[i].alert_12 : cases[i].alert_13,
                               cases[i].words);
        }
        duo_begin(&duo, PKI_NAME);
        present(&duo, &pki.client);
        duo_pump(&duo);
        assert_slice(buffer_slice(&duo.events), "R");
    }
    duo_finish(&duo);
}

static void says_who_the_client_is(void **state)
{
    (void)state;
    struct tls_settings settings = duo_settings(&pki.ecdsa_pair, 1);
    settings.client_mode = TLS_CLIENT_OPTIONAL;
    settings.client_ca = pki.ca;
    struct duo duo;
    struct tls_info info;
    struct tls_client client;
    struct arena arena;
    arena_init(&arena, 10000);
    duo_init(&duo, &settings);
    duo_connect(&duo, PKI_NAME); /* without */
    tls_session_info(&duo.session, &info);
    assert_false(info.has_client);
    duo_begin(&duo, PKI_NAME);
    present(&duo, &pki.client);
    duo_pump(&duo);
    tls_session_info(&duo.session, &info);
    assert_true(info.has_client);
    const STACK_OF(X509_NAME) *names = SSL_get0_peer_CA_list(duo.client);
    assert_int_equal(sk_X509_NAME_num(names), 1); /* who may have issued it was sent */
    assert_true(tls_session_client(&duo.session, &arena, &client));
    assert_slice(client.subject, "CN=Ada");
    assert_slice(client.issuer, "CN=Root");
    assert_int_equal(strlen(client.fingerprint), 64);
    unsigned char digest[32];
    char hexadecimal[3];
    X509_digest(pki.client.certificate, EVP_sha256(), digest, NULL);
    snprintf(hexadecimal, sizeof(hexadecimal), "%02x", digest[31]);
    assert_string_equal(client.fingerprint + 62, hexadecimal);
    /* One that is sent must be good. */
    duo_begin(&duo, PKI_NAME);
    present(&duo, &pki.stranger);
    duo_expect_refusal(&duo, TLS_ALERT_UNKNOWN_CA, "issuer of the client's certificate");
    arena_finish(&arena);
    duo_finish(&duo);
}

/* The chain of a client's certificate has so many intermediate ones at most. */
static void depth_of_clients_chains(void **state)
{
    (void)state;
    struct tls_settings settings = duo_settings(&pki.ecdsa_pair, 1);
    settings.client_mode = TLS_CLIENT_REQUIRED;
    settings.client_ca = pki.ca;
    const struct pki_options ca = {.common_name = "Middle", .is_ca = true};
    struct pki_cert first = pki_make(ca, &pki.root), second = pki_make(ca, &first);
    struct pki_cert client = pki_make((struct pki_options){.common_name = "Bob", .is_client = true}, &second);
    for (unsigned depth = 1; depth <= 2; depth++) {
        struct duo duo;
        settings.client_depth = depth;
        duo_init(&duo, &settings);
        duo_begin(&duo, PKI_NAME);
        present(&duo, &client);
        SSL_add1_chain_cert(duo.client, second.certificate);
        SSL_add1_chain_cert(duo.client, first.certificate);
        if (depth == 1)
            duo_expect_refusal(&duo, TLS_ALERT_UNKNOWN_CA,
                               "the chain of the client's certificate is too long");
        duo_pump(&duo);
        assert_slice(buffer_slice(&duo.events), depth == 1 ? "X" : "R");
        duo_finish(&duo);
    }
    pki_free(&first);
    pki_free(&second);
    pki_free(&client);
}

/* ---- what is no TLS, or no good TLS ---- */

static void feed_alone(struct duo *duo, struct slice bytes, const char *events, struct slice output)
{
    for (duo->step = 0; duo->step < 2; duo->step++) {
        duo_begin(duo, NULL);
        duo_feed(duo, bytes);
        assert_int_equal(duo->events.data[0], events[0]);
        assert_true(slice_equal(buffer_slice(&duo->output), output));
        assert_null(duo->session.ssl);
    }
    duo->step = 0;
}

static void what_is_not_tls(void **state)
{
    (void)state;
    struct tls_settings settings = duo_settings(&pki.ecdsa_pair, 1);
    struct duo duo;
    duo_init(&duo, &settings);
    feed_alone(&duo, SLICE("GET / HTTP/1.1\r\n\r\n"), "H", SLICE(""));
    assert_string_equal(tls_session_fault(&duo.session), "the client speaks plain HTTP");
    feed_alone(&duo, SLICE("SSH-2.0-x\r\n"), "X", SLICE(""));
    feed_alone(&duo, SLICE("\x80\x2e\1\0\2"), "X", SLICE("\x15\3\3\0\2\2\x46"));
    feed_alone(&duo, SLICE("\x16\3\1\0\4\2\0\0\0"), "X", SLICE("\x15\3\3\0\2\2\x0a"));
    duo_finish(&duo);
}

static void damaged_records(void **state)
{
    (void)state;
    struct tls_settings settings = duo_settings(&pki.ecdsa_pair, 1);
    struct duo duo;
    struct buffer bytes;
    buffer_init(&bytes, 1000);
    duo_init(&duo, &settings);
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        SSL_CTX_set_max_proto_version(duo.client_ctx, version);
        duo_connect(&duo, PKI_NAME);
        buffer_clear(&bytes);
        SSL_write(duo.client, "hello", 5);
        duo_take(&duo, &bytes);
        bytes.data[bytes.length - 1] ^= 1;
        duo_feed(&duo, buffer_slice(&bytes));
        assert_slice(buffer_slice(&duo.events), "RX");
        assert_int_equal(duo.session.alert_sent, TLS_ALERT_BAD_RECORD_MAC);
        assert_string_equal(tls_session_fault(&duo.session), "a record was damaged on its way, or forged");
        assert_int_equal(duo_client_reads(&duo, &bytes), SSL_ERROR_SSL); /* it got the alert */
    }
    buffer_finish(&bytes);
    duo_finish(&duo);
}

/* A client that does not trust us says so. */
static void alerts_of_clients(void **state)
{
    (void)state;
    struct tls_settings settings = duo_settings(&pki.ecdsa_pair, 1);
    struct duo duo;
    duo_init(&duo, &settings);
    SSL_CTX_set_cert_store(duo.client_ctx, X509_STORE_new());
    duo_begin(&duo, PKI_NAME);
    duo_pump(&duo);
    assert_slice(buffer_slice(&duo.events), "X");
    assert_int_equal(duo.session.alert_received, TLS_ALERT_UNKNOWN_CA);
    assert_string_equal(tls_session_fault(&duo.session),
                        "the client does not trust the issuer of the certificate (unknown_ca)");
    duo_finish(&duo);
}

/* ---- limits ---- */

static void a_long_handshake(void **state)
{
    (void)state;
    struct tls_settings settings = duo_settings(&pki.ecdsa_pair, 1);
    settings.client_mode = TLS_CLIENT_OPTIONAL;
    settings.client_ca = pki.ca;
    struct duo duo;
    duo_init(&duo, &settings);
    duo_begin(&duo, PKI_NAME);
    duo.limits.handshake_bytes = 16384;
    present(&duo, &pki.client);
    for (int i = 0; i < 80; i++)
        SSL_add1_chain_cert(duo.client, pki.client.certificate);
    duo_pump(&duo);
    assert_slice(buffer_slice(&duo.events), "X");
    assert_string_equal(tls_session_fault(&duo.session), "the handshake is too long");
    duo_finish(&duo);
}

static void change_keys(struct duo *duo, int times)
{
    for (int i = 0; i < times; i++) {
        SSL_key_update(duo->client, SSL_KEY_UPDATE_REQUESTED);
        SSL_do_handshake(duo->client);
    }
    duo_move_to_server(duo);
}

static void key_updates_are_answered_and_counted(void **state)
{
    (void)state;
    struct tls_settings settings = duo_settings(&pki.ecdsa_pair, 1);
    struct duo duo;
    struct buffer got;
    static char content[TLS_INTERRUPTION_BYTES / 2];
    buffer_init(&got, 1000);
    duo_init(&duo, &settings);
    duo_connect(&duo, PKI_NAME);
    buffer_init(&duo.received, 8 << 20);
    change_keys(&duo, 10);
    struct slice word = SLICE("word");
    duo_server_writes(&duo, &word, 1, 4);
    assert_int_equal(duo_client_reads(&duo, &got), SSL_ERROR_WANT_READ);
    assert_slice(buffer_slice(&got), "word");
    for (int i = 0; i < 4; i++) { /* with content between */
        duo_client_writes(&duo, slice_make(content, sizeof(content)));
        duo_client_writes(&duo, slice_make(content, sizeof(content)));
        change_keys(&duo, 10);
    }
    assert_slice(buffer_slice(&duo.events), "R");
    change_keys(&duo, 300);
    assert_slice(buffer_slice(&duo.events), "RX");
    assert_string_equal(tls_session_fault(&duo.session),
                        "too many changes of keys, or attempts to renegotiate");
    assert_true(duo.session.interruptions <= TLS_INTERRUPTIONS_MAX + 1); /* the rest was not looked at */
    buffer_finish(&got);
    duo_finish(&duo);
}

static void renegotiation_is_refused(void **state)
{
    (void)state;
    struct tls_settings settings = duo_settings(&pki.ecdsa_pair, 1);
    struct duo duo;
    duo_init(&duo, &settings);
    SSL_CTX_set_max_proto_version(duo.client_ctx, TLS1_2_VERSION);
    duo_connect(&duo, PKI_NAME);
    assert_int_equal(SSL_renegotiate(duo.client), 1);
    SSL_do_handshake(duo.client);
    duo_move_to_server(&duo);
    assert_int_equal(duo.session.alert_sent, TLS_ALERT_NO_RENEGOTIATION);
    assert_int_equal(duo.session.interruptions, 1);
    duo_finish(&duo);
}

static void early_data_is_off(void **state)
{
    (void)state;
    struct tls_ticket_keys keys = {0};
    tls_ticket_keys_rotate(&keys);
    struct tls_settings settings = duo_settings(&pki.ecdsa_pair, 1);
    settings.ticket_keys = &keys;
    struct duo duo;
    duo_init(&duo, &settings);
    duo_connect(&duo, PKI_NAME);
    assert_non_null(duo.ticket);
    assert_int_equal(SSL_SESSION_get_max_early_data(duo.ticket), 0);
    /* A client that sends some all the same: it is skipped. */
    SSL_SESSION *ticket = SSL_SESSION_dup(duo.ticket);
    SSL_SESSION_set_max_early_data(ticket, 1000);
    size_t written = 0;
    duo_begin(&duo, PKI_NAME);
    SSL_set_session(duo.client, ticket);
    assert_int_equal(SSL_write_early_data(duo.client, "early", 5, &written), 1);
    duo_pump(&duo);
    assert_slice(buffer_slice(&duo.events), "R");
    assert_int_equal(duo.received.length, 0);
    assert_int_equal(SSL_get_early_data_status(duo.client), SSL_EARLY_DATA_REJECTED);
    duo_client_writes(&duo, SLICE("later"));
    assert_slice(buffer_slice(&duo.received), "later");
    SSL_SESSION_free(ticket);
    duo_finish(&duo);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(old_versions),
        cmocka_unit_test(ciphers_that_are_not_allowed),
        cmocka_unit_test(other_refusals),
        cmocka_unit_test(a_hello_that_has_become_too_long),
        cmocka_unit_test(compression_is_refused),
        cmocka_unit_test(names_that_are_not_served),
        cmocka_unit_test(a_second_hello_for_another_name),
        cmocka_unit_test(certificates_of_clients),
        cmocka_unit_test(says_who_the_client_is),
        cmocka_unit_test(depth_of_clients_chains),
        cmocka_unit_test(what_is_not_tls),
        cmocka_unit_test(damaged_records),
        cmocka_unit_test(alerts_of_clients),
        cmocka_unit_test(a_long_handshake),
        cmocka_unit_test(key_updates_are_answered_and_counted),
        cmocka_unit_test(renegotiation_is_refused),
        cmocka_unit_test(early_data_is_off),
    };
    return cmocka_run_group_tests(tests, duo_make_pki, duo_free_pki);
}
