/* ClientHellos whole, in pieces, in many records, broken and too long; and what is not TLS at all. Each input
 * is also given byte by byte. */
#include "tests/unit/test.h"
#include "tests/unit/tls/hello_builder.h"

#include "tls/client_hello.h"

#define BOUND CLIENT_HELLO_BYTES_MIN

/* Scans the input in pieces of `step` bytes, each time in an allocation of its own size. */
static enum client_hello_result scan_pieces(struct slice input, size_t step,
                                            struct client_hello_fault *ret_fault)
{
    struct client_hello_scan scan = {0};
    enum client_hello_result result = CLIENT_HELLO_MORE;
    for (size_t length = MIN(step, input.length); result == CLIENT_HELLO_MORE; length += step) {
        length = MIN(length, input.length);
        char *copy = malloc(length + 1);
        memcpy(copy, input.data, length);
        result = client_hello_scan(&scan, slice_make(copy, length), BOUND, ret_fault);
        free(copy);
        if (length == input.length)
            break;
    }
    return result;
}

static void expect(struct slice input, enum client_hello_result wanted, enum tls_alert alert)
{
    static const size_t steps[] = {1, 2, 5, 7, 100, 100000};
    for (size_t i = 0; i < ARRAY_LENGTH(steps); i++) {
        struct client_hello_fault fault = {.alert = TLS_ALERT_CLOSE_NOTIFY};
        assert_int_equal(scan_pieces(input, steps[i], &fault), wanted);
        if (wanted == CLIENT_HELLO_BAD) {
            assert_int_equal(fault.alert, alert);
            assert_non_null(fault.text);
        }
    }
}

/* A whole hello with these extensions, in records of `record` bytes, as the parser sees it. */
static bool parse(struct slice extensions, size_t record, struct client_hello *ret_hello)
{
    struct buffer message, records;
    buffer_init(&message, 1 << 17);
    buffer_init(&records, 1 << 17);
    hello_message(&message, extensions);
    hello_records(&records, buffer_slice(&message), record);
    expect(buffer_slice(&records), CLIENT_HELLO_DONE, TLS_ALERT_NONE);
    struct client_hello_fault fault = {.alert = TLS_ALERT_NONE};
    bool is_good = client_hello_parse(buffer_slice(&records), ret_hello, &fault);
    if (!is_good)
        assert_int_equal(fault.alert, TLS_ALERT_DECODE_ERROR);
    buffer_finish(&message);
    buffer_finish(&records);
    return is_good;
}

static void reads_names_and_offers(void **state)
{
    (void)state;
    struct buffer extensions;
    buffer_init(&extensions, 1 << 16);
    hello_extension(&extensions, 0x1a1a, SLICE("")); /* reserved: RFC 8701 */
    hello_name(&extensions, SLICE("www.Example.org"));
    hello_extension(&extensions, 13, SLICE("\0\4\x08\4\4\3"));
    hello_extension(&extensions, 43, SLICE("\6\x7a\x7a\3\4\3\3"));
    static const size_t records[] = {1, 3, 50, 16384};
    TABLE_ROWS(i, records, "") {
        struct client_hello hello;
        assert_true(parse(buffer_slice(&extensions), records[i], &hello));
        assert_slice(client_hello_name(&hello), "www.Example.org");
        assert_int_equal(hello.version, 0x0304);
        assert_int_equal(hello.quick, TLS_QUICK_P256);
    }
    buffer_finish(&extensions);
}

/* Where more than the keys decides which signature is made, nothing is promised. */
static void promises_no_quick_signature_without_being_sure(void **state)
{
    (void)state;
    static const struct {
        struct slice schemes, versions, demands;
        unsigned quick;
    } cases[] = {
        {SLICE("\0\12\4\3\5\3\6\3\x8\7\x8\x8"), SLICE("\2\3\4"), {0}, 31},
        {SLICE("\0\4\x8\4\x8\7"), SLICE("\4\3\3\3\4"), {0}, TLS_QUICK_ED25519},
        {SLICE("\0\4\x8\4\4\1"), SLICE("\2\3\4"), {0}, 0},
        {SLICE("\0\2\4\3"), SLICE("\2\3\3"), {0}, 0},               /* TLS 1.2 */
        {SLICE("\0\2\4\3"), {0}, {0}, 0},                           /* the same */
        {SLICE("\0\2\4\3"), SLICE("\2\3\4"), SLICE("\0\2\4\1"), 0}, /* certificates must be signed by RSA */
    };
    TABLE_ROWS(i, cases, "") {
        struct buffer extensions;
        struct client_hello hello;
        buffer_init(&extensions, 1 << 16);
        hello_extension(&extensions, 13, cases[i].schemes);
        if (cases[i].versions.data)
            hello_extension(&extensions, 43, cases[i].versions);
        if (cases[i].demands.data)
            hello_extension(&extensions, 50, cases[i].demands);
        assert_true(parse(buffer_slice(&extensions), 16384, &hello));
        assert_int_equal(hello.quick, cases[i].quick);
        buffer_finish(&extensions);
    }
}

static void needs_no_extensions(void **state)
{
    (void)state;
    struct client_hello hello;
    assert_true(parse((struct slice){0}, 16384, &hello));
    assert_int_equal(hello.version, 0x0303);
    assert_int_equal(hello.name_length, 0);
    assert_int_equal(hello.quick, 0);
    assert_true(parse(SLICE(""), 16384, &hello));
}

static void refuses_lengths_that_do_not_agree(void **state)
{
    (void)state;
    static const struct slice extensions[] = {
        SLICE("\0"),                                 /* half a type */
        SLICE("\0\x0d\0\5\0"),                       /* longer than the list */
        SLICE("\0\0\0\0"),                           /* a server name that is empty */
        SLICE("\0\0\0\5\0\3\0\0\0"),                 /* a host name that is empty */
        SLICE("\0\0\0\6\0\4\1\0\1a"),                /* of another type */
        SLICE("\0\0\0\6\0\5\0\0\1a"),                /* the list is longer than its extension */
        SLICE("\0\0\0\7\0\4\0\0\1ab"),               /* something behind the list */
        SLICE("\0\0\0\x0c\0\x0a\0\0\1a\0\0\3bcd\0"), /* a second name */
    };
    struct client_hello hello;
    TABLE_ROWS_OF_SLICES(i, extensions, extensions[i])
        assert_false(parse(extensions[i], i % 2 ? 2 : 16384, &hello));
}

static void a_name_has_at_most_255_bytes(void **state)
{
    (void)state;
    char name[256];
    memset(name, 'a', sizeof(name));
    for (size_t length = 255; length <= 256; length++) {
        struct buffer extensions;
        struct client_hello hello;
        buffer_init(&extensions, 1024);
        hello_name(&extensions, slice_make(name, length));
        assert_int_equal(parse(buffer_slice(&extensions), 16384, &hello), length == 255);
        buffer_finish(&extensions);
    }
}

static void knows_what_is_not_tls(void **state)
{
    (void)state;
    expect(SLICE("GET / HTTP/1.1\r\n"), CLIENT_HELLO_HTTP, TLS_ALERT_NONE);
    expect(SLICE("PRI * HTTP/2.0\r\n"), CLIENT_HELLO_HTTP, TLS_ALERT_NONE);
    expect(SLICE("VERSION-CONTROL /"), CLIENT_HELLO_HTTP, TLS_ALERT_NONE);
    expect(SLICE("GE"), CLIENT_HELLO_MORE, TLS_ALERT_NONE);
    expect(SLICE(""), CLIENT_HELLO_MORE, TLS_ALERT_NONE);
    expect(SLICE("GET\r\n"), CLIENT_HELLO_BAD, TLS_ALERT_NONE);
    expect(SLICE("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA /"), CLIENT_HELLO_BAD, TLS_ALERT_NONE);
    expect(SLICE("get / HTTP/1.1\r\n"), CLIENT_HELLO_BAD, TLS_ALERT_NONE);
    expect(SLICE("\r\n"), CLIENT_HELLO_BAD, TLS_ALERT_NONE);
    expect(SLICE("\x80"), CLIENT_HELLO_MORE, TLS_ALERT_NONE);
    expect(SLICE("\x80\x2e\1\0\2"), CLIENT_HELLO_BAD, TLS_ALERT_PROTOCOL_VERSION); /* SSL 2.0 */
    expect(SLICE("\x80\x2e\2"), CLIENT_HELLO_BAD, TLS_ALERT_NONE);
    expect(SLICE("\x17\3\3\0\1a"), CLIENT_HELLO_BAD, TLS_ALERT_NONE);
}

static void refuses_records_that_are_no_hello(void **state)
{
    (void)state;
    expect(SLICE("\x16\2\0\0\4"), CLIENT_HELLO_BAD, TLS_ALERT_PROTOCOL_VERSION);
    expect(SLICE("\x16\3\1\x40\1"), CLIENT_HELLO_BAD, TLS_ALERT_RECORD_OVERFLOW);
    expect(SLICE("\x16\3\1\0\0"), CLIENT_HELLO_BAD, TLS_ALERT_UNEXPECTED_MESSAGE);
    expect(SLICE("\x16\3\1\0\4\2"), CLIENT_HELLO_BAD, TLS_ALERT_UNEXPECTED_MESSAGE); /* a ServerHello */
    expect(SLICE("\x16\3\1\0\1\1\x15"), CLIENT_HELLO_BAD, TLS_ALERT_UNEXPECTED_MESSAGE);
    expect(SLICE("\x16\3\1\0\1\1\x16\3\1\0\0"), CLIENT_HELLO_BAD, TLS_ALERT_UNEXPECTED_MESSAGE);
    expect(SLICE("\x16\3\1\0\4\1\0\x0f\xf7"), CLIENT_HELLO_MORE, TLS_ALERT_NONE);
    expect(SLICE("\x16\3\1\0\4\1\0\x0f\xf8"), CLIENT_HELLO_BAD, TLS_ALERT_ILLEGAL_PARAMETER);
    expect(SLICE("\x16\3\1\0\4\1\xff\xff\xff"), CLIENT_HELLO_BAD, TLS_ALERT_ILLEGAL_PARAMETER);
}

/* Headers count too: a byte a record is six bytes. */
static void is_bounded(void **state)
{
    (void)state;
    char filler[4000];
    memset(filler, 0, sizeof(filler));
    static const struct {
        size_t filler, record;
        enum client_hello_result result;
    } cases[] = {
        {4000, 16384, CLIENT_HELLO_DONE},
        {4000, 200, CLIENT_HELLO_BAD},
        {600, 1, CLIENT_HELLO_DONE},
        {700, 1, CLIENT_HELLO_BAD},
    };
    TABLE_ROWS(i, cases, "") {
        struct buffer extensions, message, records;
        buffer_init(&extensions, 1 << 16);
        buffer_init(&message, 1 << 16);
        buffer_init(&records, 1 << 16);
        hello_extension(&extensions, 21, slice_make(filler, cases[i].filler)); /* padding: RFC 7685 */
        hello_message(&message, buffer_slice(&extensions));
        hello_records(&records, buffer_slice(&message), cases[i].record);
        expect(buffer_slice(&records), cases[i].result, TLS_ALERT_ILLEGAL_PARAMETER);
        buffer_finish(&extensions);
        buffer_finish(&message);
        buffer_finish(&records);
    }
    /* A short message in a record that is longer than the bound. */
    char record[BOUND] = "\x16\3\1\x40\0\1\0\0\x10";
    expect(slice_make(record, sizeof(record)), CLIENT_HELLO_BAD, TLS_ALERT_ILLEGAL_PARAMETER);
    expect(slice_make(record, sizeof(record) - 1), CLIENT_HELLO_MORE, TLS_ALERT_NONE);
}

static void alerts_have_names_and_a_record(void **state)
{
    (void)state;
    assert_string_equal(tls_alert_name(TLS_ALERT_UNRECOGNIZED_NAME), "unrecognized_name");
    assert_string_equal(tls_alert_name(99), "unknown");
    char record[TLS_ALERT_RECORD_BYTES];
    tls_alert_write(TLS_ALERT_UNRECOGNIZED_NAME, record);
    assert_memory_equal(record, "\x15\3\3\0\2\2\x70", sizeof(record));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_names_and_offers),
        cmocka_unit_test(promises_no_quick_signature_without_being_sure),
        cmocka_unit_test(needs_no_extensions),
        cmocka_unit_test(refuses_lengths_that_do_not_agree),
        cmocka_unit_test(a_name_has_at_most_255_bytes),
        cmocka_unit_test(knows_what_is_not_tls),
        cmocka_unit_test(refuses_records_that_are_no_hello),
        cmocka_unit_test(is_bounded),
        cmocka_unit_test(alerts_have_names_and_a_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
