/* Any bytes as what a client of TLS sends: to a new session, or behind a handshake that a real client made.
 * The first byte chooses which, and how the rest is cut. Whatever comes, the session takes all of it or is
 * broken, the output is whole records, and nothing is left over when it ends. */
#include "fuzz.h"

#include "tls/local_ca.h"
#include "tls/session.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define OUTPUT_BYTES (1 << 20)

enum start { START_NEW, START_TLS_13, START_TLS_12, START_WORK, START_COUNT };

struct side {
    struct tls_names names;
    struct tls_limits limits;
    struct tls_ticket_keys keys;
    struct tls_call call;
    struct buffer output;
    char room[TLS_RECORD_BYTES_MAX];
    SSL_CTX *client_ctx;
};

static void make_context(struct side *side, const char *folder)
{
    struct tls_report report = {0};
    struct tls_local_ca ca;
    struct tls_context *context;
    char path[TLS_LOCAL_CA_PATH_BYTES];
    struct slice host = SLICE("localhost");
    bool is_made = tls_local_ca_open(folder, "fuzz", time(NULL), &ca, &report) &&
                   tls_local_ca_issue(&ca, &host, 1, time(NULL), path, &report);
    assert(is_made);
    struct tls_pair_files files = {.certificate = path};
    tls_ticket_keys_rotate(&side->keys);
    struct tls_settings settings = {.pairs = &files,
                                    .pair_count = 1,
                                    .protocols = TLS_PROTOCOL_HTTP1,
                                    .ticket_keys = &side->keys,
                                    .client_mode = TLS_CLIENT_OPTIONAL};
    char authority[TLS_LOCAL_CA_PATH_BYTES];
    tls_local_ca_path(&ca, authority);
    settings.client_ca = authority;
    int error = tls_context_create(&settings, time(NULL), &report, &context);
    assert(error == 0);
    (void)error;
    tls_names_init(&side->names);
    tls_names_set_default(&side->names, context);
    tls_context_unref(context);
    tls_local_ca_finish(&ca);
    ERR_clear_error();
}

static void remove_folder(const char *folder)
{
    static const char *const names[] = {"issued/localhost.pem", "issued", "ca.pem", "ca.key", ""};
    char path[100];
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        remove(path);
    }
}

static struct side *get_side(void)
{
    static struct side side;
    if (side.client_ctx)
        return &side;
    char folder[] = "/tmp/vif-fuzz-XXXXXX";
    assert(mkdtemp(folder));
    make_context(&side, folder);
    remove_folder(folder);
    side.limits = TLS_LIMITS_DEFAULT;
    side.limits.hello_bytes = CLIENT_HELLO_BYTES_MIN;
    buffer_init(&side.output, OUTPUT_BYTES);
    side.call = (struct tls_call){.names = &side.names,
                                  .limits = &side.limits,
                                  .output = &side.output,
                                  .room = side.room,
                                  .room_size = sizeof(side.room)};
    side.client_ctx = SSL_CTX_new(TLS_client_method());
    return &side;
}

/* One piece, in an allocation of its own size. False when the session takes no more. */
static bool feed(struct side *side, struct tls_session *session, struct slice piece)
{
    char *copy = malloc(piece.length + 1);
    memcpy(copy, piece.data, piece.length);
    struct slice input = slice_make(copy, piece.length), plain;
    enum tls_event event;
    do {
        event = tls_session_next(session, &side->call, &input, &plain);
        if (event == TLS_DATA)
            assert(plain.length > 0 && plain.data == side->room);
        if (event == TLS_WORK)
            tls_session_work(session);
    } while (event != TLS_MORE && event != TLS_ERROR && event != TLS_HTTP);
    assert(event != TLS_MORE || input.length == 0);
    assert((event != TLS_MORE) == (tls_session_fault(session) != NULL));
    free(copy);
    return event == TLS_MORE;
}

/* A handshake with a real client, whose SSL object stays for more. */
static SSL *shake_hands(struct side *side, struct tls_session *session, int version)
{
    SSL *client = SSL_new(side->client_ctx);
    char bytes[8192];
    SSL_set_bio(client, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(client);
    SSL_set_max_proto_version(client, version);
    for (int i = 0; i < 3; i++) {
        SSL_do_handshake(client);
        int length = BIO_read(SSL_get_wbio(client), bytes, sizeof(bytes));
        if (length > 0 && !feed(side, session, slice_make(bytes, (size_t)length)))
            break;
        BIO_write(SSL_get_rbio(client), side->output.data, (int)side->output.length);
        buffer_clear(&side->output);
    }
    assert(tls_session_is_ready(session));
    return client;
}

static void check_output(const struct buffer *output)
{
    assert(!output->failed);
    for (size_t at = 0; at < output->length;) {
        const uint8_t *record = (const uint8_t *)output->data + at;
        assert(output->length - at >= 5 && record[0] >= 20 && record[0] <= 23 && record[1] == 3);
        at += 5 + ((size_t)record[3] << 8 | record[4]);
        assert(at <= output->length);
    }
}

/* What the fuzzer has, encrypted by the client, so that it gets past the record layer: the plaintext of one
 * record for each piece. */
static void feed_encrypted(struct side *side, struct tls_session *session, SSL *client, struct slice piece)
{
    char bytes[1024];
    int length;
    if (piece.length > 0 && piece.data[0] == 'K')
        SSL_key_update(client, SSL_KEY_UPDATE_REQUESTED);
    SSL_write(client, piece.data, (int)piece.length);
    bool goes_on = true;
    while (goes_on && (length = BIO_read(SSL_get_wbio(client), bytes, sizeof(bytes))) > 0)
        goes_on = feed(side, session, slice_make(bytes, (size_t)length));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct side *side = get_side();
    enum start start = data[0] % START_COUNT;
    size_t step = 1 + data[0] / START_COUNT * 8u;
    struct slice input = slice_make((const char *)data + 1, size - 1);
    struct tls_session session;
    SSL *client = NULL;
    tls_session_init(&session);
    side->call.may_work = start == START_WORK;
    if (start == START_TLS_13 || start == START_TLS_12)
        client = shake_hands(side, &session, start == START_TLS_13 ? TLS1_3_VERSION : TLS1_2_VERSION);
    for (bool goes_on = true; goes_on && input.length > 0;) {
        struct slice piece = slice_take(input, MIN(step, input.length));
        if (client && piece.data[0] % 2 == 0)
            feed_encrypted(side, &session, client, slice_skip(piece, 1));
        else
            goes_on = feed(side, &session, piece);
        input = slice_skip(input, piece.length);
        goes_on &= tls_session_fault(&session) == NULL;
    }
    tls_session_close(&session, &side->call);
    check_output(&side->output);
    tls_session_finish(&session);
    SSL_free(client);
    buffer_clear(&side->output);
    ERR_clear_error();
    return 0;
}
