/* TLS to a server, over a socket whose other end is a server of OpenSSL's. Its records reach vif when the
 * test says so, and time passes as it wishes: the linker puts the clock here in the place of the real one. */
#include "tests/unit/loop/stream_owner.h"
#include "tests/unit/tls/duo.h"

#include "proxy/upstream_link.h"
#include "proxy/upstream_tls.h"
#include "tls/remotes.h"

#define HOUR_NS        UINT64_C(3600000000000)
#define TICKET_BYTES   1500 /* so that a ticket has several records */
#define RECORD_HEAD    5
#define PATIENCE_TURNS 20000
#define BYTES_AT_ONCE  65536

static uint64_t passed_ns;

uint64_t __real_sys_monotonic_ns(void);
uint64_t __wrap_sys_monotonic_ns(void);

uint64_t __wrap_sys_monotonic_ns(void)
{
    return __real_sys_monotonic_ns() + passed_ns;
}

struct pair {
    struct upstream_link link; /* vif's end */
    struct loop *loop;
    struct upstreams all;
    struct upstream upstream;
    struct proxy_settings settings;
    struct task turn;
    struct buffer received;
    unsigned secured, sents, errors, ends, closeds;
    unsigned more; /* how often more came than was read */
    bool pauses;   /* once it is secured */
    enum upstream_offer offer;
    bool chose_h2, refused_h2;
    const char *fault;

    SSL_CTX *ctx; /* the server's end */
    SSL *server;
    int peer;
};

/* ---- vif's end ---- */

static struct pair *pair_of(const struct stream *stream)
{
    return CONTAINER_OF((struct stream *)stream, struct pair, link.stream);
}

static void on_read(struct stream *stream, struct slice bytes)
{
    struct pair *pair = pair_of(stream);
    pair->more += upstream_link_has_more(&pair->link);
    buffer_append(&pair->received, bytes);
}

static bool may_send_file(struct stream *stream, const struct segment *segment)
{
    (void)stream, (void)segment;
    return false;
}

static void on_end(struct stream *stream)
{
    pair_of(stream)->ends++;
}

static void on_sent(struct stream *stream)
{
    pair_of(stream)->sents++;
}

static void on_error(struct stream *stream, int error)
{
    struct pair *pair = pair_of(stream);
    assert_true(error < 0);
    pair->errors++;
    pair->fault = upstream_link_fault(&pair->link);
    pair->refused_h2 = upstream_link_refused_h2(&pair->link);
    upstream_link_close(&pair->link);
}

static void on_closed(struct stream *stream)
{
    pair_of(stream)->closeds++;
}

static size_t describe(const struct stream *stream, char *out, size_t size)
{
    (void)stream, (void)out, (void)size;
    return 0;
}

static void on_secured(struct stream *stream)
{
    struct pair *pair = pair_of(stream);
    pair->secured++;
    pair->chose_h2 = upstream_link_chose_h2(&pair->link);
    if (pair->pauses)
        upstream_link_pause(&pair->link);
}

static const struct upstream_link_events events = {
    .stream = {on_read, may_send_file, on_end, on_sent, on_error, on_closed, describe},
    .on_secured = on_secured,
};

static void end_turn(struct task *task)
{
    loop_stop(CONTAINER_OF(task, struct pair, turn)->loop);
}

static void pair_turn(struct pair *pair)
{
    task_init(&pair->turn, end_turn);
    task_defer(pair->loop, &pair->turn);
    assert_int_equal(loop_run(pair->loop), 0);
}

/* ---- the server's end ---- */

static int make_long_ticket(SSL *ssl, void *argument)
{
    static const char data[TICKET_BYTES];
    (void)argument;
    return SSL_SESSION_set1_ticket_appdata(SSL_get_session(ssl), data, sizeof(data));
}

static SSL_TICKET_RETURN take_ticket(SSL *ssl, SSL_SESSION *session, const unsigned char *name, size_t length,
                                     SSL_TICKET_STATUS status, void *argument)
{
    (void)ssl, (void)session, (void)name, (void)length, (void)argument;
    return status >= SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_IGNORE_RENEW;
}

static void server_take(struct pair *pair)
{
    static char bytes[BYTES_AT_ONCE];
    ssize_t count;
    while ((count = recv(pair->peer, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0)
        BIO_write(SSL_get_rbio(pair->server), bytes, (int)count);
}

/* The whole of it, or its first record, at once. */
static void server_send(struct pair *pair, bool is_whole)
{
    static char bytes[BYTES_AT_ONCE];
    int length = BIO_read(SSL_get_wbio(pair->server), bytes, is_whole ? (int)sizeof(bytes) : RECORD_HEAD);
    if (length <= 0)
        return;
    if (!is_whole) {
        int content = (uint8_t)bytes[3] << 8 | (uint8_t)bytes[4];
        length += BIO_read(SSL_get_wbio(pair->server), bytes + length, content);
    }
    assert_int_equal(send(pair->peer, bytes, (size_t)length, MSG_NOSIGNAL), length);
}

static void expect_server_reads(struct pair *pair, const char *text)
{
    char bytes[100];
    server_take(pair);
    int length = SSL_read(pair->server, bytes, sizeof(bytes));
    assert_slice(slice_make(bytes, (size_t)MAX(length, 0)), text);
}

/* ---- both ---- */

static void pair_init(struct pair *pair, const struct tls_settings *settings, int version)
{
    *pair = (struct pair){.loop = make_loop()};
    struct tls_context *context = duo_context(settings);
    pair->all.loop = pair->loop;
    pair->upstream.all = &pair->all;
    pair->upstream.parts.is_secure = true;
    pair->upstream.parts.host = SLICE(PKI_NAME);
    pair->upstream.remote = tls_remote_create(1, context);
    tls_context_unref(context);
    buffer_init(&pair->received, BYTES_AT_ONCE);
    pair->ctx = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_max_proto_version(pair->ctx, version);
    SSL_CTX_use_certificate(pair->ctx, pki.leaf.certificate);
    SSL_CTX_use_PrivateKey(pair->ctx, pki.leaf.key);
    SSL_CTX_set_num_tickets(pair->ctx, 0);
    SSL_CTX_set_session_ticket_cb(pair->ctx, make_long_ticket, take_ticket, NULL);
}

static void pair_begin(struct pair *pair)
{
    int fds[2];
    connect_unix(fds);
    pair->peer = fds[1];
    pair->secured = pair->sents = pair->errors = pair->ends = pair->closeds = pair->more = 0;
    pair->server = SSL_new(pair->ctx);
    SSL_set_bio(pair->server, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_max_send_fragment(pair->server, 512);
    SSL_set_accept_state(pair->server);
    const struct upstream_link_plan plan = {.settings = &pair->settings, .offer = pair->offer};
    assert_int_equal(upstream_link_start(&pair->link, &pair->upstream, fds[0], &events, &plan), 0);
}

/* Until vif's end is secured. `last`: what the server says right behind its last message. */
static void pair_shake_hands(struct pair *pair, const char *last)
{
    for (int turns = 0; !pair->secured; turns++) {
        assert_true(turns < PATIENCE_TURNS && pair->errors == 0);
        pair_turn(pair);
        server_take(pair);
        if (!SSL_is_init_finished(pair->server) && SSL_do_handshake(pair->server) == 1 && last)
            assert_true(SSL_write(pair->server, last, (int)strlen(last)) > 0);
        server_send(pair, true);
    }
    while (!SSL_is_init_finished(pair->server)) {
        pair_turn(pair);
        server_take(pair);
        (void)SSL_do_handshake(pair->server);
    }
}

static void pair_connect(struct pair *pair)
{
    pair_begin(pair);
    pair_shake_hands(pair, NULL);
}

static void pair_close(struct pair *pair)
{
    upstream_link_close(&pair->link);
    while (!pair->closeds)
        pair_turn(pair);
    SSL_free(pair->server);
    close(pair->peer);
    buffer_clear(&pair->received);
}

static void pair_finish(struct pair *pair)
{
    upstream_tls_forget(&pair->upstream);
    upstream_tls_finish(&pair->all);
    tls_remote_unref(pair->upstream.remote);
    buffer_finish(&pair->received);
    SSL_CTX_free(pair->ctx);
    loop_destroy(pair->loop);
    ERR_clear_error();
}

static struct tls_settings trusting(void)
{
    return (struct tls_settings){.is_client = true, .server_ca = pki.ca};
}

static void server_makes_ticket(struct pair *pair)
{
    assert_int_equal(SSL_new_session_ticket(pair->server), 1);
    assert_int_equal(SSL_do_handshake(pair->server), 1);
}

static enum send_result pair_send(struct pair *pair, const char *text)
{
    struct segment segments[] = {segment_memory(slice_make(text, 2)), segment_memory(slice_from(text + 2))};
    return upstream_link_send(&pair->link, segments, 2);
}

/* What the server chooses, whatever it was offered; without `chosen` it refuses all. */
static int choose(SSL *ssl, const unsigned char **ret_chosen, unsigned char *ret_length,
                  const unsigned char *offered, unsigned length, void *chosen)
{
    (void)ssl, (void)offered, (void)length;
    if (chosen == NULL)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *ret_chosen = chosen;
    *ret_length = (unsigned char)strlen(chosen);
    return SSL_TLSEXT_ERR_OK;
}

/* Until vif's end is secured, or has failed. */
static void pair_negotiate(struct pair *pair)
{
    pair_begin(pair);
    for (int turns = 0; !pair->secured && !pair->errors; turns++) {
        assert_true(turns < PATIENCE_TURNS);
        pair_turn(pair);
        server_take(pair);
        (void)SSL_do_handshake(pair->server);
        ERR_clear_error();
        server_send(pair, true);
    }
}

/* ---- the tests ---- */

/* OpenSSL encrypts nothing between the records of a ticket: a send waits for the last one. */
static void sends_wait_for_the_rest_of_a_message(void **state)
{
    (void)state;
    struct tls_settings settings = trusting();
    struct pair pair;
    pair_init(&pair, &settings, TLS1_3_VERSION);
    pair_connect(&pair);
    server_makes_ticket(&pair);
    server_send(&pair, false);
    pair_turn(&pair);
    assert_int_equal(pair_send(&pair, "hello"), SEND_PENDING);
    assert_true(upstream_link_is_sending(&pair.link));
    assert_int_equal(upstream_link_unsent(&pair.link), 5);
    server_send(&pair, false);
    pair_turn(&pair);
    assert_int_equal(pair.sents, 0);
    server_send(&pair, true);
    pair_turn(&pair);
    assert_int_equal(pair.sents, 1);
    assert_false(upstream_link_is_sending(&pair.link));
    pair_turn(&pair);
    expect_server_reads(&pair, "hello");
    assert_int_equal(pair.errors, 0);
    pair_close(&pair);
    pair_finish(&pair);
}

/* The owner reads no response before its upload is through. `pauses_first`: it had stopped before it sent;
 * `comes_first`: the rest of the ticket and the response behind it had come by then. */
static void expect_send_gets_on(struct pair *pair, bool pauses_first, bool comes_first)
{
    pair_connect(pair);
    server_makes_ticket(pair);
    assert_int_equal(SSL_write(pair->server, "answer", 6), 6);
    server_send(pair, false);
    pair_turn(pair);
    if (pauses_first)
        upstream_link_pause(&pair->link);
    if (comes_first)
        server_send(pair, true);
    assert_int_equal(pair_send(pair, "hello"), SEND_PENDING);
    upstream_link_pause(&pair->link);
    server_send(pair, true);
    for (int turns = 0; pair->sents == 0; turns++) {
        assert_true(turns < PATIENCE_TURNS && "the send waits for the owner to read");
        pair_turn(pair);
    }
    pair_turn(pair);
    expect_server_reads(pair, "hello");
    assert_int_equal(pair->received.length, 0);
    upstream_link_resume(&pair->link);
    for (int turns = 0; pair->received.length == 0 && turns < PATIENCE_TURNS; turns++)
        pair_turn(pair);
    assert_slice(buffer_slice(&pair->received), "answer");
    assert_int_equal(pair->errors, 0);
    pair_close(pair);
}

static void sends_do_not_wait_for_the_owner_to_read(void **state)
{
    (void)state;
    struct tls_settings settings = trusting();
    struct pair pair;
    pair_init(&pair, &settings, TLS1_3_VERSION);
    expect_send_gets_on(&pair, false, false);
    expect_send_gets_on(&pair, true, false);
    expect_send_gets_on(&pair, true, true);
    pair_finish(&pair);
}

static void a_send_that_waits_can_be_dropped(void **state)
{
    (void)state;
    struct tls_settings settings = trusting();
    struct pair pair;
    pair_init(&pair, &settings, TLS1_3_VERSION);
    for (int drops = 0; drops < 2; drops++) {
        pair_connect(&pair);
        server_makes_ticket(&pair);
        server_send(&pair, false);
        pair_turn(&pair);
        assert_int_equal(pair_send(&pair, "hello"), SEND_PENDING);
        if (drops) {
            upstream_link_drop_send(&pair.link);
            assert_false(upstream_link_is_sending(&pair.link));
            server_send(&pair, true);
            pair_turn(&pair);
            assert_int_equal(pair.sents + pair.errors, 0);
            assert_int_equal(pair_send(&pair, "hello"), SEND_FAILED);
        }
        pair_close(&pair);
    }
    pair_finish(&pair);
}

/* However often its session is resumed. */
static void the_certificate_is_looked_at_again_after_an_hour(void **state)
{
    (void)state;
    struct tls_settings settings = trusting();
    static const bool is_resumed[] = {false, true, false, true};
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        struct pair pair;
        pair_init(&pair, &settings, version);
        TABLE_ROWS(i, is_resumed, "") {
            pair_connect(&pair);
            assert_int_equal(SSL_session_reused(pair.server), is_resumed[i]);
            if (version == TLS1_3_VERSION)
                server_makes_ticket(&pair);
            server_send(&pair, true);
            pair_turn(&pair);
            pair_close(&pair);
            passed_ns += HOUR_NS / 3 * 2;
            pair_turn(&pair);
        }
        pair_finish(&pair);
    }
}

/* A record behind a KeyUpdate that cannot be answered. */
static void what_came_is_read_although_nothing_can_be_sent(void **state)
{
    (void)state;
    struct tls_settings settings = trusting();
    struct pair pair;
    pair_init(&pair, &settings, TLS1_3_VERSION);
    pair_connect(&pair);
    assert_int_equal(SSL_key_update(pair.server, SSL_KEY_UPDATE_REQUESTED), 1);
    assert_int_equal(SSL_write(pair.server, "answer", 6), 6);
    assert_int_equal(shutdown(pair.peer, SHUT_RD), 0);
    server_send(&pair, true);
    pair_turn(&pair);
    assert_slice(buffer_slice(&pair.received), "answer");
    assert_int_equal(pair.errors, 0);
    assert_int_equal(pair_send(&pair, "hello"), SEND_FAILED);
    upstream_link_drop_send(&pair.link);
    assert_int_equal(SSL_write(pair.server, "!", 1), 1);
    server_send(&pair, true);
    pair_turn(&pair);
    assert_slice(buffer_slice(&pair.received), "answer!");
    pair_close(&pair);
    pair_finish(&pair);
}

/* Its alert cannot be sent; but it is not sending that failed. */
static void an_error_of_tls_is_told(void **state)
{
    (void)state;
    struct tls_settings settings = trusting();
    struct pair pair;
    static const char record[] = {23, 3,  3,  0,  20, 1,  2,  3,  4,  5,  6,  7, 8,
                                  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20};
    pair_init(&pair, &settings, TLS1_3_VERSION);
    pair_connect(&pair);
    assert_int_equal(shutdown(pair.peer, SHUT_RD), 0);
    assert_int_equal(send(pair.peer, record, sizeof(record), 0), sizeof(record));
    pair_turn(&pair);
    assert_int_equal(pair.errors, 1);
    assert_non_null(pair.fault);
    pair_close(&pair);
    pair_finish(&pair);
}

/* What was received while the other thread was at work waits in the session. */
static void what_came_during_work_is_read_when_it_is_wanted(void **state)
{
    (void)state;
    struct tls_settings settings = trusting();
    struct pair pair;
    settings.pairs = &pki.slow_pair;
    settings.pair_count = 1;
    pair_init(&pair, &settings, TLS1_2_VERSION);
    pair.pauses = true;
    pair_begin(&pair);
    pair_shake_hands(&pair, "early answer");
    pair_turn(&pair);
    assert_int_equal(pair.received.length, 0);
    upstream_link_resume(&pair.link);
    pair_turn(&pair);
    pair_turn(&pair);
    assert_slice(buffer_slice(&pair.received), "early answer");
    pair_close(&pair);
    pair_finish(&pair);
}

static void records_behind_what_is_read_are_noticed(void **state)
{
    (void)state;
    struct tls_settings settings = trusting();
    struct pair pair;
    pair_init(&pair, &settings, TLS1_3_VERSION);
    pair_connect(&pair);
    assert_int_equal(SSL_write(pair.server, "1", 1), 1);
    server_send(&pair, true);
    pair_turn(&pair);
    assert_int_equal(pair.more, 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(SSL_write(pair.server, &"23"[i % 2], 1), 1);
    server_send(&pair, true);
    pair_turn(&pair);
    assert_slice(buffer_slice(&pair.received), "1232");
    assert_int_equal(pair.more, 2);
    pair_close(&pair);
    pair_finish(&pair);
}

struct negotiation {
    enum upstream_offer offer;
    char *chosen; /* NULL: the server refuses */
    bool is_good, chose_h2, refused_h2;
};

static void the_server_chooses_what_it_was_offered(void **state)
{
    (void)state;
    static const struct negotiation rows[] = {
        {UPSTREAM_OFFER_H1, "http/1.1", true, false, false},
        {UPSTREAM_OFFER_H1, "h2", false, false, false},
        {UPSTREAM_OFFER_H1, NULL, false, false, false},
        {UPSTREAM_OFFER_H2, "h2", true, true, false},
        {UPSTREAM_OFFER_H2, "http/1.1", false, false, false},
        {UPSTREAM_OFFER_H2, NULL, false, false, true},
        {UPSTREAM_OFFER_ANY, "h2", true, true, false},
        {UPSTREAM_OFFER_ANY, "http/1.1", true, false, false},
        {UPSTREAM_OFFER_ANY, "spdy/3", false, false, false},
        {UPSTREAM_OFFER_ANY, NULL, false, false, false},
    };
    struct tls_settings settings = trusting();
    for (size_t i = 0; i < 2 * ARRAY_LENGTH(rows); i++) {
        const struct negotiation *row = &rows[i / 2];
        struct pair pair;
        pair_init(&pair, &settings, i % 2 ? TLS1_3_VERSION : TLS1_2_VERSION);
        pair.offer = row->offer;
        SSL_CTX_set_alpn_select_cb(pair.ctx, choose, row->chosen);
        pair_negotiate(&pair);
        assert_int_equal(pair.secured, row->is_good);
        assert_int_equal(pair.chose_h2, row->chose_h2);
        assert_int_equal(pair.refused_h2, row->refused_h2);
        assert_true(pair.fault != NULL || row->is_good);
        pair_close(&pair);
        pair_finish(&pair);
    }
}

/* As servers do that know HTTP/1 alone. */
static void a_server_may_take_no_notice_of_what_is_offered(void **state)
{
    (void)state;
    struct tls_settings settings = trusting();
    for (int offer = UPSTREAM_OFFER_H1; offer <= UPSTREAM_OFFER_ANY; offer++) {
        struct pair pair;
        pair_init(&pair, &settings, TLS1_3_VERSION);
        pair.offer = (enum upstream_offer)offer;
        pair_negotiate(&pair);
        assert_int_equal(pair.secured, offer != UPSTREAM_OFFER_H2);
        assert_int_equal(pair.refused_h2, offer == UPSTREAM_OFFER_H2);
        assert_false(pair.chose_h2);
        pair_close(&pair);
        pair_finish(&pair);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sends_wait_for_the_rest_of_a_message),
        cmocka_unit_test(sends_do_not_wait_for_the_owner_to_read),
        cmocka_unit_test(a_send_that_waits_can_be_dropped),
        cmocka_unit_test(the_certificate_is_looked_at_again_after_an_hour),
        cmocka_unit_test(what_came_is_read_although_nothing_can_be_sent),
        cmocka_unit_test(an_error_of_tls_is_told),
        cmocka_unit_test(what_came_during_work_is_read_when_it_is_wanted),
        cmocka_unit_test(records_behind_what_is_read_are_noticed),
        cmocka_unit_test(the_server_chooses_what_it_was_offered),
        cmocka_unit_test(a_server_may_take_no_notice_of_what_is_offered),
    };
    return cmocka_run_group_tests(tests, duo_make_pki, duo_free_pki);
}
