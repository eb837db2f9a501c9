/* What a connection costs: bytes that are asked of malloc, by OpenSSL and by us, for each session. */
#include "tests/unit/tls/duo.h"

#include "tls/session_bio.h"

#define SESSIONS 20

/* OpenSSL's share of an idle session: measured with 3.0 and 3.5; the hybrid key exchange keeps its state. */
#define IDLE_BYTES_MAX_30    14100
#define IDLE_BYTES_MAX_35    28200
#define HALF_HELLO_BYTES_MAX 2500

static size_t allocated;
static size_t blocks; /* which malloc makes longer, by 8 bytes and up to the next 16 */

static void *count_malloc(size_t size, const char *file, int line)
{
    (void)file, (void)line;
    size_t *block = malloc(size + 16);
    if (block == NULL)
        return NULL;
    *block = size;
    allocated += size;
    blocks++;
    return (char *)block + 16;
}

static void count_free(void *bytes, const char *file, int line)
{
    (void)file, (void)line;
    if (bytes == NULL)
        return;
    size_t *block = (size_t *)((char *)bytes - 16);
    allocated -= *block;
    blocks--;
    free(block);
}

static void *count_realloc(void *bytes, size_t size, const char *file, int line)
{
    void *copy = count_malloc(size, file, line);
    if (copy && bytes) {
        size_t length = *(size_t *)((char *)bytes - 16);
        memcpy(copy, bytes, MIN(length, size));
        count_free(bytes, file, line);
    }
    return copy;
}

static void free_client(struct duo *duo)
{
    SSL_free(duo->client);
    duo->client = NULL;
    SSL_SESSION_free(duo->ticket);
    duo->ticket = NULL;
}

/* A request and its answer of 16 KiB. */
static void talk(struct duo *duo)
{
    static char content[16384];
    struct slice answer = slice_make(content, sizeof(content));
    struct buffer got;
    buffer_init(&got, sizeof(content));
    duo_client_writes(duo, SLICE("request"));
    duo_server_writes(duo, &answer, 1, sizeof(content));
    duo_client_reads(duo, &got);
    assert_int_equal(got.length, sizeof(content));
    buffer_finish(&got);
}

static void an_idle_session(void **state)
{
    (void)state;
    static struct duo duos[SESSIONS];
    static struct tls_ticket_keys keys;
    struct tls_settings settings = duo_settings(&pki.ecdsa_pair, 1);
    tls_ticket_keys_rotate(&keys);
    settings.ticket_keys = &keys;
    for (size_t i = 0; i < SESSIONS; i++) {
        duo_init(&duos[i], &settings);
        duo_connect(&duos[i], PKI_NAME); /* what is made once, is made */
        duo_finish_connection(&duos[i]);
        free_client(&duos[i]);
    }
    size_t before = allocated, blocks_before = blocks;
    for (size_t i = 0; i < SESSIONS; i++) {
        duo_connect(&duos[i], PKI_NAME);
        talk(&duos[i]);
        free_client(&duos[i]);
        assert_null(duos[i].session.handshake);
    }
    size_t each = (allocated - before) / SESSIONS + sizeof(struct tls_session);
    size_t max = OpenSSL_version_num() < 0x30200000L ? IDLE_BYTES_MAX_30 : IDLE_BYTES_MAX_35;
    print_message("an idle session: %zu bytes, %zu of them vif's; %zu blocks\n", each,
                  sizeof(struct tls_session), (blocks - blocks_before) / SESSIONS);
    assert_true(each <= max);
    for (size_t i = 0; i < SESSIONS; i++)
        duo_finish(&duos[i]);
}

static void half_a_hello(void **state)
{
    (void)state;
    struct tls_settings settings = duo_settings(&pki.ecdsa_pair, 1);
    struct duo duo;
    struct buffer hello;
    buffer_init(&hello, 10000);
    duo_init(&duo, &settings);
    duo_begin(&duo, PKI_NAME);
    SSL_do_handshake(duo.client);
    duo_take(&duo, &hello);
    size_t before = allocated;
    for (size_t i = 0; i + 1 < hello.length; i++) {
        duo_feed_piece(&duo, slice_make(hello.data + i, 1));
        assert_null(duo.session.ssl);
    }
    assert_int_equal(allocated, before);
    size_t each =
        sizeof(struct tls_session) + sizeof(struct tls_handshake) + duo.session.handshake->held.capacity;
    print_message("a ClientHello but for its last byte of %zu: %zu bytes\n", hello.length, each);
    assert_true(each <= HALF_HELLO_BYTES_MAX);
    duo_begin(&duo, PKI_NAME);
    duo_feed(&duo, slice_take(buffer_slice(&hello), 60));
    each = sizeof(struct tls_session) + sizeof(struct tls_handshake) + duo.session.handshake->held.capacity;
    print_message("60 bytes of a ClientHello: %zu bytes\n", each);
    assert_true(each <= HALF_HELLO_BYTES_MAX);
    /* One that announces 16 KiB, and sends nothing of them. */
    duo_begin(&duo, PKI_NAME);
    duo_feed(&duo, SLICE("\x16\3\1\x3f\0\1\0\x3e\0"));
    assert_true(duo.session.handshake->held.capacity + sizeof(struct tls_handshake) <= HALF_HELLO_BYTES_MAX);
    duo_begin(&duo, PKI_NAME);
    assert_null(duo.session.handshake); /* nothing before the first byte */
    buffer_finish(&hello);
    duo_finish(&duo);
}

int main(void)
{
    CRYPTO_set_mem_functions(count_malloc, count_realloc, count_free);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_idle_session),
        cmocka_unit_test(half_a_hello),
    };
    return cmocka_run_group_tests(tests, duo_make_pki, duo_free_pki);
}
