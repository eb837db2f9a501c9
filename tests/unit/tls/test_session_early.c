/* Early data (0-RTT): read before the handshake is complete, once for each ticket, and never where it is not
 * wanted. */
#include "tests/unit/tls/duo.h"

static struct tls_tickets tickets;

#define EARLY "GET /early HTTP/1.1\r\n\r\n"

static struct tls_settings early_settings(const struct tls_pair_files *pair)
{
    struct tls_settings settings = duo_settings(pair, 1);
    tickets = (struct tls_tickets){0};
    tls_ticket_keys_rotate(&tickets.keys);
    tls_replay_guard_begin(&tickets.guard, time(NULL) - 1);
    settings.ticket_keys = &tickets.keys;
    settings.replay_guard = &tickets.guard;
    return settings;
}

/* Has a server that accepts early data, and a ticket for it. */
static void get_ticket(struct duo *duo, const struct tls_settings *settings)
{
    duo_init(duo, settings);
    duo->call.may_work = true;
    duo_begin(duo, PKI_NAME);
    duo_pump(duo);
    assert_non_null(duo->ticket);
}

/* Another worker: a context of its own, with the same keys and guard. */
static void change_worker(struct duo *duo, const struct tls_settings *settings)
{
    struct tls_context *context = duo_context(settings);
    tls_names_set_default(&duo->names, context);
    tls_context_unref(context);
}

/* The client sends this with its ClientHello; the bytes are for the server. */
static void write_early(struct duo *duo, const char *name, struct slice text)
{
    size_t length;
    SSL_SESSION *ticket = SSL_SESSION_dup(duo->ticket);
    duo_begin(duo, name);
    SSL_set_session(duo->client, ticket);
    SSL_SESSION_free(ticket);
    while (text.length > 0) {
        size_t piece = MIN(text.length, (size_t)TLS_RECORD_BYTES_MAX);
        assert_int_equal(SSL_write_early_data(duo->client, text.data, piece, &length), 1);
        text = slice_skip(text, length);
    }
}

static void expect_status(const struct duo *duo, int status)
{
    struct tls_info info;
    assert_int_equal(SSL_get_early_data_status(duo->client), status);
    tls_session_info(&duo->session, &info);
    assert_int_equal(info.is_early, status == SSL_EARLY_DATA_ACCEPTED);
    assert_int_equal(info.is_early_refused, status == SSL_EARLY_DATA_REJECTED);
    assert_false(tls_session_is_early(&duo->session));
}

/* Refused early data costs nothing but time: the client sends it again. */
static void expect_refused(struct duo *duo)
{
    duo_pump(duo);
    assert_int_equal(duo->events.data[duo->events.length - 1], 'R');
    assert_int_equal(duo->received.length, 0);
    expect_status(duo, SSL_EARLY_DATA_REJECTED);
    duo_client_writes(duo, SLICE(EARLY));
    assert_slice(buffer_slice(&duo->received), EARLY);
}

/* Also the response arrives before the client's Finished does. */
static void comes_a_round_trip_earlier(void **state)
{
    (void)state;
    static const size_t steps[] = {0, 1, 7, 1000};
    struct slice answer = SLICE("answer"), more = SLICE(" and more");
    struct tls_settings settings = early_settings(&pki.ecdsa_pair);
    for (size_t i = 0; i < ARRAY_LENGTH(steps); i++) {
        struct duo duo;
        struct buffer got;
        buffer_init(&got, 1000);
        get_ticket(&duo, &settings);
        assert_int_equal(SSL_SESSION_get_max_early_data(duo.ticket), 16384);
        duo.step = steps[i];
        write_early(&duo, PKI_NAME, SLICE(EARLY));
        duo_move_to_server(&duo);
        assert_slice(buffer_slice(&duo.events), "R");
        assert_slice(buffer_slice(&duo.received), EARLY);
        assert_true(tls_session_is_early(&duo.session));
        duo_server_writes(&duo, &answer, 1, answer.length);
        assert_int_equal(duo_client_reads(&duo, &got), SSL_ERROR_WANT_READ);
        assert_slice(buffer_slice(&got), "answer");
        assert_slice(buffer_slice(&duo.events), "R");
        duo_client_writes(&duo, SLICE("!"));
        assert_slice(buffer_slice(&duo.events), "RC");
        assert_slice(buffer_slice(&duo.received), EARLY "!");
        expect_status(&duo, SSL_EARLY_DATA_ACCEPTED);
        duo_server_writes(&duo, &more, 1, more.length);
        duo_client_reads(&duo, &got);
        assert_slice(buffer_slice(&got), "answer and more");
        buffer_finish(&got);
        duo_finish(&duo);
    }
}

/* The response may need several records, between the early data and the Finished. */
static void answers_at_length(void **state)
{
    (void)state;
    static char bytes[200000];
    struct slice answer = slice_make(bytes, sizeof(bytes));
    struct tls_settings settings = early_settings(&pki.ecdsa_pair);
    struct duo duo;
    struct buffer got;
    buffer_init(&got, 1 << 20);
    get_ticket(&duo, &settings);
    write_early(&duo, PKI_NAME, SLICE(EARLY));
    duo_move_to_server(&duo);
    duo_server_writes(&duo, &answer, 1, answer.length);
    duo_client_reads(&duo, &got);
    assert_int_equal(got.length, answer.length);
    duo_pump(&duo);
    assert_slice(buffer_slice(&duo.events), "RC");
    buffer_finish(&got);
    duo_finish(&duo);
}

/* The same bytes again, to the same worker and to another one. */
static void a_replay_is_refused(void **state)
{
    (void)state;
    struct tls_settings settings = early_settings(&pki.ecdsa_pair);
    struct duo duo;
    struct buffer flight;
    buffer_init(&flight, 1 << 20);
    get_ticket(&duo, &settings);
    write_early(&duo, PKI_NAME, SLICE(EARLY));
    duo_take(&duo, &flight);
    duo_feed(&duo, buffer_slice(&flight));
    assert_slice(buffer_slice(&duo.received), EARLY);
    for (int i = 0; i < 3; i++) {
        change_worker(&duo, &settings);
        duo_finish_connection(&duo);
        duo_feed(&duo, buffer_slice(&flight));
        assert_slice(buffer_slice(&duo.events), "");
        assert_int_equal(duo.received.length, 0);
        assert_false(tls_session_is_ready(&duo.session));
    }
    buffer_finish(&flight);
    duo_finish(&duo);
}

/* A client that uses a ticket twice, with another ClientHello. */
static void a_ticket_is_for_one_use(void **state)
{
    (void)state;
    struct tls_settings settings = early_settings(&pki.ecdsa_pair);
    struct duo duo;
    get_ticket(&duo, &settings);
    SSL_SESSION *ticket = SSL_SESSION_dup(duo.ticket);
    write_early(&duo, PKI_NAME, SLICE(EARLY));
    duo_pump(&duo);
    expect_status(&duo, SSL_EARLY_DATA_ACCEPTED);
    SSL_SESSION *next = SSL_SESSION_dup(duo.ticket);
    SSL_SESSION_free(duo.ticket);
    duo.ticket = ticket;
    write_early(&duo, PKI_NAME, SLICE(EARLY));
    expect_refused(&duo);
    SSL_SESSION_free(duo.ticket);
    duo.ticket = next; /* the one that came with the first resumption */
    write_early(&duo, PKI_NAME, SLICE(EARLY));
    duo_pump(&duo);
    expect_status(&duo, SSL_EARLY_DATA_ACCEPTED);
    duo_finish(&duo);
}

static void off_by_default(void **state)
{
    (void)state;
    struct tls_settings settings = early_settings(&pki.ecdsa_pair), off = settings;
    struct duo duo;
    off.replay_guard = NULL;
    duo_init(&duo, &off);
    duo_connect(&duo, PKI_NAME);
    assert_int_equal(SSL_SESSION_get_max_early_data(duo.ticket), 0);
    duo_finish(&duo);
    /* Turned off since the ticket was issued. */
    get_ticket(&duo, &settings);
    change_worker(&duo, &off);
    write_early(&duo, PKI_NAME, SLICE(EARLY));
    expect_refused(&duo);
    duo_finish(&duo);
}

static void refused_where_it_might_harm(void **state)
{
    (void)state;
    struct tls_settings settings = early_settings(&pki.ecdsa_pair), asking = settings;
    struct duo duo;
    asking.client_mode = TLS_CLIENT_OPTIONAL;
    asking.client_ca = pki.ca;
    duo_init(&duo, &asking);
    duo_connect(&duo, PKI_NAME);
    assert_int_equal(SSL_SESSION_get_max_early_data(duo.ticket), 0);
    duo_finish(&duo);

    /* The client was not asked for a certificate when it got the ticket. */
    get_ticket(&duo, &settings);
    asking.client_mode = TLS_CLIENT_REQUIRED;
    change_worker(&duo, &asking);
    write_early(&duo, PKI_NAME, SLICE(EARLY));
    duo_pump(&duo);
    assert_slice(buffer_slice(&duo.events), "X");
    assert_int_equal(duo.received.length, 0);
    duo_finish(&duo);

    get_ticket(&duo, &settings);
    SSL_SESSION_set1_hostname(duo.ticket, "other.example.org"); /* or the client would not send it */
    write_early(&duo, "other.example.org", SLICE(EARLY));
    expect_refused(&duo);
    duo_finish(&duo);

    /* The ClientHello is late by a minute. */
    get_ticket(&duo, &settings);
    SSL_SESSION_set_time(duo.ticket, time(NULL) - 60);
    write_early(&duo, PKI_NAME, SLICE(EARLY));
    expect_refused(&duo);
    duo_finish(&duo);

    /* Needs a second ClientHello. */
    get_ticket(&duo, &settings);
    SSL_CTX_set1_groups_list(duo.client_ctx, "P-384:P-256");
    write_early(&duo, PKI_NAME, SLICE(EARLY));
    expect_refused(&duo);
    duo_finish(&duo);
}

/* Clients that send none are not affected. */
static void others_connect_as_ever(void **state)
{
    (void)state;
    struct tls_settings settings = early_settings(&pki.ecdsa_pair);
    static const struct {
        int version;
        const char *groups;
    } cases[] = {
        {TLS1_2_VERSION, "X25519:P-256"}, {TLS1_3_VERSION, "X25519"}, {TLS1_3_VERSION, "P-384:P-256"}};
    static const size_t steps[] = {0, 1};
    TABLE_ROWS(i, cases, cases[i].groups)
        for (size_t j = 0; j < ARRAY_LENGTH(steps); j++) {
            struct duo duo;
            duo_init(&duo, &settings);
            duo.step = steps[j];
            SSL_CTX_set_max_proto_version(duo.client_ctx, cases[i].version);
            SSL_CTX_set1_groups_list(duo.client_ctx, cases[i].groups);
            duo_connect(&duo, PKI_NAME);
            duo_client_writes(&duo, SLICE("late"));
            assert_slice(buffer_slice(&duo.received), "late");
            duo_reconnect(&duo, PKI_NAME);
            expect_status(&duo, SSL_EARLY_DATA_NOT_SENT);
            duo_finish(&duo);
        }
}

static void too_much_is_an_error(void **state)
{
    (void)state;
    static char bytes[20000];
    struct tls_settings settings = early_settings(&pki.ecdsa_pair), off = settings;
    struct duo duo;
    off.replay_guard = NULL;
    for (int i = 0; i < 2; i++) {
        get_ticket(&duo, &settings);
        if (i == 1) /* the same for refused early data, which has to be discarded */
            change_worker(&duo, &off);
        SSL_SESSION_set_max_early_data(duo.ticket, 100000);
        write_early(&duo, PKI_NAME, slice_make(bytes, sizeof(bytes)));
        duo_expect_refusal(&duo, TLS_ALERT_UNEXPECTED_MESSAGE, "too much early data");
        assert_true(duo.received.length <= 16384);
        duo_finish(&duo);
    }
}

/* As much as a ticket allows. */
static void as_much_as_is_allowed(void **state)
{
    (void)state;
    static char bytes[16384];
    struct tls_settings settings = early_settings(&pki.ecdsa_pair);
    struct duo duo;
    get_ticket(&duo, &settings);
    write_early(&duo, PKI_NAME, slice_make(bytes, sizeof(bytes)));
    duo_pump(&duo);
    assert_int_equal(duo.received.length, sizeof(bytes));
    assert_slice(buffer_slice(&duo.events), "RC");
    duo_finish(&duo);
}

/* Where signatures are made on another thread, it does what it would do here. */
static void on_another_thread(void **state)
{
    (void)state;
    static const size_t steps[] = {0, 1, 100};
    struct tls_settings settings = early_settings(&pki.slow_pair), off = settings;
    off.replay_guard = NULL;
    for (size_t i = 0; i < ARRAY_LENGTH(steps); i++) {
        struct duo duo;
        get_ticket(&duo, &settings);
        duo.step = steps[i];
        write_early(&duo, PKI_NAME, SLICE(EARLY));
        duo_pump(&duo);
        assert_slice(buffer_slice(&duo.events), "WRC");
        assert_slice(buffer_slice(&duo.received), EARLY);
        change_worker(&duo, &off);
        write_early(&duo, PKI_NAME, SLICE(EARLY));
        expect_refused(&duo);
        duo_finish(&duo);
    }
}

static void closes_when_it_is_confirmed(void **state)
{
    (void)state;
    struct tls_settings settings = early_settings(&pki.ecdsa_pair);
    struct slice answer = SLICE("answer");
    struct duo duo;
    struct buffer got;
    buffer_init(&got, 1000);
    get_ticket(&duo, &settings);
    write_early(&duo, PKI_NAME, SLICE(EARLY));
    duo_move_to_server(&duo);
    duo_server_writes(&duo, &answer, 1, answer.length);
    size_t length = duo.output.length;
    tls_session_close(&duo.session, &duo.call);
    assert_int_equal(duo.output.length, length);
    duo_client_reads(&duo, &got);
    duo_pump(&duo);
    assert_slice(buffer_slice(&duo.events), "RC");
    tls_session_close(&duo.session, &duo.call);
    assert_int_equal(duo_client_reads(&duo, &got), SSL_ERROR_ZERO_RETURN);
    assert_slice(buffer_slice(&got), "answer");
    buffer_finish(&got);
    duo_finish(&duo);
}

/* The client leaves between early data and Finished. */
static void leaves_early(void **state)
{
    (void)state;
    struct tls_settings settings = early_settings(&pki.ecdsa_pair);
    struct duo duo;
    get_ticket(&duo, &settings);
    write_early(&duo, PKI_NAME, SLICE(EARLY));
    duo_move_to_server(&duo);
    assert_int_equal(tls_session_end(&duo.session), TLS_ERROR);
    duo_finish(&duo);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_a_round_trip_earlier),
        cmocka_unit_test(answers_at_length),
        cmocka_unit_test(a_replay_is_refused),
        cmocka_unit_test(a_ticket_is_for_one_use),
        cmocka_unit_test(off_by_default),
        cmocka_unit_test(refused_where_it_might_harm),
        cmocka_unit_test(others_connect_as_ever),
        cmocka_unit_test(too_much_is_an_error),
        cmocka_unit_test(as_much_as_is_allowed),
        cmocka_unit_test(on_another_thread),
        cmocka_unit_test(closes_when_it_is_confirmed),
        cmocka_unit_test(leaves_early),
    };
    return cmocka_run_group_tests(tests, duo_make_pki, duo_free_pki);
}
