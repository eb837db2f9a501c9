/* Sessions that go well: handshakes of all kinds, however their bytes are cut; reading, writing, closing. */
#include "tests/unit/tls/duo.h"

static const size_t steps[] = {0, 1, 7, 1500};

static void expect_info(struct duo *duo, const char *version, const char *cipher, const char *protocol)
{
    struct tls_info info;
    tls_session_info(&duo->session, &info);
    assert_string_equal(info.version, version);
    assert_string_equal(info.cipher, cipher);
    assert_slice(info.protocol, protocol);
    assert_slice(info.name, PKI_NAME);
    assert_false(info.is_resumed);
    assert_false(info.has_client);
}

/* Both ways: a request and its answer. */
static void talk(struct duo *duo)
{
    struct buffer got;
    buffer_init(&got, 1000);
    duo_client_writes(duo, SLICE("request"));
    assert_slice(buffer_slice(&duo->received), "request");
    struct slice answer = SLICE("answer");
    duo_server_writes(duo, &answer, 1, 6);
    assert_int_equal(duo_client_reads(duo, &got), SSL_ERROR_WANT_READ);
    assert_slice(buffer_slice(&got), "answer");
    buffer_finish(&got);
}

static void handshakes(void **state)
{
    (void)state;
    struct tls_pair_files both[2] = {pki.ecdsa_pair, pki.rsa_pair};
    static const struct {
        size_t first, count;
        int version;
        const char *name, *cipher;
    } cases[] = {
        {0, 1, TLS1_3_VERSION, "TLSv1.3", "TLS_AES_128_GCM_SHA256"},
        {0, 1, TLS1_2_VERSION, "TLSv1.2", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"},
        {1, 1, TLS1_3_VERSION, "TLSv1.3", "TLS_AES_128_GCM_SHA256"},
        {1, 1, TLS1_2_VERSION, "TLSv1.2", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"},
        {0, 2, TLS1_2_VERSION, "TLSv1.2", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"},
    };
    TABLE_ROWS(i, cases, cases[i].name) {
        struct tls_settings settings = duo_settings(both + cases[i].first, cases[i].count);
        struct duo duo;
        duo_init(&duo, &settings);
        for (size_t j = 0; j < ARRAY_LENGTH(steps); j++) {
            duo.step = steps[j];
            SSL_CTX_set_max_proto_version(duo.client_ctx, cases[i].version);
            SSL_CTX_set_alpn_protos(duo.client_ctx, DUO_ALPN("\x08http/1.1\2h2\4spdy"));
            duo_connect(&duo, PKI_NAME);
            expect_info(&duo, cases[i].name, cases[i].cipher, "h2");
            assert_null(duo.session.handshake);
            talk(&duo);
        }
        duo_finish(&duo);
    }
}

/* An RSA client gets the RSA certificate where there are both. */
static void chooses_the_certificate_by_the_client(void **state)
{
    (void)state;
    struct tls_pair_files both[2] = {pki.ecdsa_pair, pki.rsa_pair};
    struct tls_settings settings = duo_settings(both, 2);
    struct duo duo;
    duo_init(&duo, &settings);
    SSL_CTX_set1_sigalgs_list(duo.client_ctx, "rsa_pss_rsae_sha256:RSA+SHA256");
    duo_connect(&duo, NULL);
    X509 *seen = SSL_get1_peer_certificate(duo.client);
    assert_int_equal(X509_cmp(seen, pki.rsa.certificate), 0);
    X509_free(seen);
    duo_finish(&duo);
}

/* A client that puts ChaCha20 first has no instructions for AES. */
static void ciphers_are_ours_unless_the_client_has_no_aes(void **state)
{
    (void)state;
    struct tls_settings settings = duo_settings(&pki.ecdsa_pair, 1);
    static const struct {
        const char *offered, *chosen;
    } cases[] = {
        {"TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256"},
        {"TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_256_GCM_SHA384"},
        {"TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256", "TLS_CHACHA20_POLY1305_SHA256"},
    };
    TABLE_ROWS(i, cases, cases[i].offered) {
        struct duo duo;
        duo_init(&duo, &settings);
        SSL_CTX_set_ciphersuites(duo.client_ctx, cases[i].offered);
        duo_connect(&duo, PKI_NAME);
        expect_info(&duo, "TLSv1.3", cases[i].chosen, "");
        duo_finish(&duo);
    }
}

static void key_exchange(void **state)
{
    (void)state;
    struct tls_settings settings = duo_settings(&pki.ecdsa_pair, 1);
    static const struct {
        const char *offered, *chosen;
    } cases[] = {
        {"X25519", "x25519"},
        {"P-256", "secp256r1"},
        {"P-384:P-256", "secp256r1"}, /* by way of a second ClientHello */
        {"X25519MLKEM768:X25519", "X25519MLKEM768"},
    };
    TABLE_ROWS(i, cases, cases[i].offered) {
        struct duo duo;
        struct tls_info info;
        duo_init(&duo, &settings);
        if (SSL_CTX_set1_groups_list(duo.client_ctx, cases[i].offered) == 1) {
            duo_connect(&duo, PKI_NAME);
            tls_session_info(&duo.session, &info);
            assert_string_equal(info.group, cases[i].chosen);
            talk(&duo);
        } else {
            assert_true(OpenSSL_version_num() < 0x30500000L); /* has no ML-KEM */
        }
        duo_finish(&duo);
    }
}

/* A signature by a long RSA key is made on another thread, also after a second ClientHello. */
static void slow_signatures_are_made_elsewhere(void **state)
{
    (void)state;
    struct tls_pair_files both[2] = {pki.slow_pair, pki.ecdsa_pair};
    static const struct {
        size_t pairs;
        int version;
        const char *groups, *signatures, *events;
    } cases[] = {
        {1, TLS1_3_VERSION, "X25519", "rsa_pss_rsae_sha256", "WR"},
        {1, TLS1_3_VERSION, "P-384:X25519", "rsa_pss_rsae_sha256", "WWR"},
        {1, TLS1_2_VERSION, "X25519", "RSA+SHA256", "WR"},
        {2, TLS1_3_VERSION, "X25519", "rsa_pss_rsae_sha256", "WR"},
        {2, TLS1_3_VERSION, "X25519", "rsa_pss_rsae_sha256:ecdsa_secp256r1_sha256", "R"},
        {2, TLS1_3_VERSION, "X25519", "rsa_pss_rsae_sha256:ed25519", "WR"}, /* of quick ones, not ours */
        {2, TLS1_2_VERSION, "X25519", "RSA+SHA256:ECDSA+SHA256", "WR"},     /* the cipher suite decides */
    };
    TABLE_ROWS(i, cases, cases[i].groups) {
        struct tls_settings settings = duo_settings(both, cases[i].pairs);
        struct duo duo;
        duo_init(&duo, &settings);
        SSL_CTX_set_max_proto_version(duo.client_ctx, cases[i].version);
        SSL_CTX_set1_groups_list(duo.client_ctx, cases[i].groups);
        SSL_CTX_set1_sigalgs_list(duo.client_ctx, cases[i].signatures);
        for (size_t j = 0; j < 2; j++) {
            duo.step = steps[j];
            duo.call.may_work = true;
            duo_begin(&duo, PKI_NAME);
            duo_pump(&duo);
            /* Given byte by byte, the second ClientHello is worked on byte by byte. */
            if (duo.step == 0 || i != 1)
                assert_slice(buffer_slice(&duo.events), cases[i].events);
            talk(&duo);
            duo.call.may_work = false;
            duo_connect(&duo, PKI_NAME);
            talk(&duo);
        }
        duo_finish(&duo);
    }
}

/* What comes while another thread has the session waits; a refusal comes from there, too. */
static void work_may_end_in_a_refusal(void **state)
{
    (void)state;
    struct tls_settings settings = duo_settings(&pki.slow_pair, 1);
    struct duo duo;
    duo_init(&duo, &settings);
    duo.call.may_work = true;
    SSL_CTX_set_alpn_protos(duo.client_ctx, DUO_ALPN("\4spdy"));
    duo_begin(&duo, PKI_NAME);
    duo_expect_refusal(&duo, TLS_ALERT_NO_APPLICATION_PROTOCOL, "no protocol that is spoken here");
    assert_slice(buffer_slice(&duo.events), "WX");
    duo_finish(&duo);
}

static void closes(void **state)
{
    (void)state;
    struct tls_settings settings = duo_settings(&pki.ecdsa_pair, 1);
    struct duo duo;
    struct buffer got;
    buffer_init(&got, 1000);
    duo_init(&duo, &settings);
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        SSL_CTX_set_max_proto_version(duo.client_ctx, version);
        /* The client first; the answer still gets to it. */
        duo_connect(&duo, PKI_NAME);
        duo_client_writes(&duo, SLICE("last"));
        SSL_shutdown(duo.client);
        duo_move_to_server(&duo);
        assert_slice(buffer_slice(&duo.received), "last");
        assert_slice(buffer_slice(&duo.events), "RE");
        struct slice answer = SLICE("bye");
        duo_server_writes(&duo, &answer, 1, 3);
        tls_session_close(&duo.session, &duo.call);
        size_t length = duo.output.length;
        tls_session_close(&duo.session, &duo.call);
        assert_int_equal(duo.output.length, length); /* once */
        assert_int_equal(tls_session_write(&duo.session, &duo.call, &answer, 1), ERROR_CLOSED);
        assert_int_equal(duo_client_reads(&duo, &got), SSL_ERROR_ZERO_RETURN);
        assert_slice(buffer_slice(&got), "bye");
        buffer_clear(&got);
        duo_feed(&duo, SLICE("whatever comes now")); /* is ignored */
        assert_int_equal(tls_session_end(&duo.session), TLS_END);
        /* The server first; the client's last words still come. */
        duo_connect(&duo, PKI_NAME);
        tls_session_close(&duo.session, &duo.call);
        duo_client_writes(&duo, SLICE("more"));
        assert_slice(buffer_slice(&duo.received), "more");
        assert_int_equal(duo_client_reads(&duo, &got), SSL_ERROR_ZERO_RETURN);
        SSL_shutdown(duo.client);
        duo_move_to_server(&duo);
        assert_slice(buffer_slice(&duo.events), "RE");
    }
    buffer_finish(&got);
    duo_finish(&duo);
}

/* A FIN alone is no end: anybody could have sent it. */
static void tells_an_end_from_a_cut(void **state)
{
    (void)state;
    struct tls_settings settings = duo_settings(&pki.ecdsa_pair, 1);
    struct duo duo;
    duo_init(&duo, &settings);
    duo_connect(&duo, PKI_NAME);
    duo_client_writes(&duo, SLICE("half"));
    assert_int_equal(tls_session_end(&duo.session), TLS_ERROR);
    assert_string_equal(tls_session_fault(&duo.session),
                        "the client ended the connection without a close_notify");
    duo_begin(&duo, PKI_NAME);
    assert_int_equal(tls_session_end(&duo.session), TLS_ERROR);
    assert_string_equal(tls_session_fault(&duo.session), "the client left during the handshake");
    duo_finish(&duo);
}

/* Some other call of OpenSSL failed, and nobody asked why: a session has nothing to do with that, even where
 * it has got only a part of a record. */
static void errors_of_others_are_not_its_own(void **state)
{
    (void)state;
    struct tls_settings settings = duo_settings(&pki.ecdsa_pair, 1);
    struct duo duo;
    struct slice answer = SLICE("answer");
    duo_init(&duo, &settings);
    duo_connect(&duo, PKI_NAME);
    for (size_t i = 0; i < ARRAY_LENGTH(steps); i++) {
        duo.step = steps[i];
        ERR_raise(ERR_LIB_SSL, SSL_R_WRONG_VERSION_NUMBER);
        duo_client_writes(&duo, SLICE("request"));
        ERR_raise(ERR_LIB_SSL, SSL_R_WRONG_VERSION_NUMBER);
        duo_server_writes(&duo, &answer, 1, 6);
    }
    assert_slice(buffer_slice(&duo.received), "requestrequestrequestrequest");
    assert_slice(buffer_slice(&duo.events), "R");
    duo_finish(&duo);
}

/* ---- writing ---- */

/* The lengths of the records in the output, less `overhead`. */
static size_t list_records(const struct buffer *output, size_t overhead, size_t *lengths, size_t max)
{
    size_t count = 0;
    for (size_t at = 0; at < output->length; count++) {
        const unsigned char *record = (const unsigned char *)output->data + at;
        size_t length = (size_t)record[3] << 8 | record[4];
        if (count < max)
            lengths[count] = length - overhead;
        at += 5 + length;
    }
    return count;
}

static void records_begin_small_and_grow(void **state)
{
    (void)state;
    struct tls_settings settings = duo_settings(&pki.ecdsa_pair, 1);
    struct duo duo;
    struct buffer got;
    static char content[200000];
    size_t lengths[64];
    buffer_init(&got, sizeof(content));
    for (size_t i = 0; i < sizeof(content); i++)
        content[i] = (char)(i * 7 + i / 256);
    duo_init(&duo, &settings);
    duo_connect(&duo, PKI_NAME);
    struct slice piece = slice_make(content, sizeof(content));
    for (int round = 0; round < 2; round++) {
        duo.call.now_ms += 1000; /* a rest */
        duo_server_writes(&duo, &piece, 1, sizeof(content));
        size_t count = list_records(&duo.output, 17, lengths, 64);
        for (size_t i = 0; i < 10; i++) {
            assert_int_equal(lengths[i], TLS_RECORD_BYTES_FIRST);
            assert_int_equal(lengths[10 + i], TLS_RECORD_BYTES_SECOND);
        }
        for (size_t i = 20; i + 1 < count; i++)
            assert_int_equal(lengths[i], TLS_RECORD_BYTES_MAX);
        assert_int_equal(duo_client_reads(&duo, &got), SSL_ERROR_WANT_READ);
        assert_int_equal(got.length, sizeof(content));
        assert_memory_equal(got.data, content, sizeof(content));
        buffer_clear(&got);
    }
    duo.call.now_ms += 999; /* no rest */
    duo_server_writes(&duo, &piece, 1, sizeof(content));
    list_records(&duo.output, 17, lengths, 1);
    assert_int_equal(lengths[0], TLS_RECORD_BYTES_MAX);
    buffer_finish(&got);
    duo_finish(&duo);
}

/* A head and a short body are one record. */
static void short_pieces_share_a_record(void **state)
{
    (void)state;
    struct tls_settings settings = duo_settings(&pki.ecdsa_pair, 1);
    struct duo duo;
    struct buffer got;
    size_t lengths[8];
    static char large[3000];
    buffer_init(&got, 10000);
    duo_init(&duo, &settings);
    duo_connect(&duo, PKI_NAME);
    struct slice pieces[] = {
        SLICE(""),    SLICE("head "), SLICE(""), SLICE("body "), slice_make(large, sizeof(large)),
        SLICE("end"), SLICE("")};
    duo_server_writes(&duo, pieces, ARRAY_LENGTH(pieces), 5 + 5 + 3000 + 3);
    assert_int_equal(list_records(&duo.output, 17, lengths, 8), 3);
    assert_int_equal(lengths[0], TLS_RECORD_BYTES_FIRST);
    assert_int_equal(lengths[2], 3013 - 2 * TLS_RECORD_BYTES_FIRST);
    duo_client_reads(&duo, &got);
    assert_int_equal(got.length, 3013);
    assert_memory_equal(got.data, "head body \0", 11);
    assert_memory_equal(got.data + 3009, "\0end", 4);
    duo_server_writes(&duo, pieces, 1, 0);
    duo_server_writes(&duo, NULL, 0, 0);
    assert_int_equal(duo.output.length, 0);
    buffer_finish(&got);
    duo_finish(&duo);
}

/* As much as the output takes; never half a record. */
static void writes_until_the_output_is_full(void **state)
{
    (void)state;
    struct tls_settings settings = duo_settings(&pki.ecdsa_pair, 1);
    struct duo duo;
    struct buffer got;
    static char content[100000];
    size_t sent = 0;
    buffer_init(&got, sizeof(content));
    for (size_t i = 0; i < sizeof(content); i++)
        content[i] = (char)(i * 11 + i / 300);
    duo_init(&duo, &settings);
    duo_connect(&duo, PKI_NAME);
    duo.output.length_max = 20000;
    while (sent < sizeof(content)) {
        struct slice piece = slice_make(content + sent, sizeof(content) - sent);
        ssize_t taken = tls_session_write(&duo.session, &duo.call, &piece, 1);
        assert_true(taken > 0);
        assert_false(duo.output.failed);
        sent += (size_t)taken;
        duo_client_reads(&duo, &got);
    }
    assert_int_equal(got.length, sizeof(content));
    assert_memory_equal(got.data, content, sizeof(content));
    buffer_finish(&got);
    duo_finish(&duo);
}

static void keys_are_changed_before_they_wear_out(void **state)
{
    (void)state;
    struct tls_settings settings = duo_settings(&pki.ecdsa_pair, 1);
    struct duo duo;
    struct buffer got;
    buffer_init(&got, 1000);
    duo_init(&duo, &settings);
    duo.limits.records_per_key = 4;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        SSL_CTX_set_max_proto_version(duo.client_ctx, version);
        duo_connect(&duo, PKI_NAME);
        for (int i = 0; i < 10; i++) {
            struct slice word = SLICE("word ");
            duo_server_writes(&duo, &word, 1, 5);
        }
        size_t lengths[64];
        assert_int_equal(list_records(&duo.output, 17, lengths, 64), version == TLS1_3_VERSION ? 12 : 10);
        assert_int_equal(duo_client_reads(&duo, &got), SSL_ERROR_WANT_READ);
        assert_int_equal(got.length, 50);
        buffer_clear(&got);
    }
    buffer_finish(&got);
    duo_finish(&duo);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(handshakes),
        cmocka_unit_test(chooses_the_certificate_by_the_client),
        cmocka_unit_test(ciphers_are_ours_unless_the_client_has_no_aes),
        cmocka_unit_test(key_exchange),
        cmocka_unit_test(slow_signatures_are_made_elsewhere),
        cmocka_unit_test(work_may_end_in_a_refusal),
        cmocka_unit_test(closes),
        cmocka_unit_test(tells_an_end_from_a_cut),
        cmocka_unit_test(errors_of_others_are_not_its_own),
        cmocka_unit_test(records_begin_small_and_grow),
        cmocka_unit_test(short_pieces_share_a_record),
        cmocka_unit_test(writes_until_the_output_is_full),
        cmocka_unit_test(keys_are_changed_before_they_wear_out),
    };
    return cmocka_run_group_tests(tests, duo_make_pki, duo_free_pki);
}
