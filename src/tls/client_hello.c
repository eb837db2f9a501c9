/* The ClientHello: its records, its message, its extensions.
 *
 * A handshake message may be cut into records at any byte. client_hello_scan walks over the records and reads
 * only their headers and the message's length; client_hello_parse reads the message through a cursor that
 * steps over the record headers. */
#include "tls/client_hello.h"

#define RECORD_HEADER_BYTES    5
#define RECORD_CONTENT_MAX     16384 /* RFC 8446 section 5.1 */
#define HANDSHAKE_HEADER_BYTES 4
#define TYPE_HANDSHAKE         22
#define TYPE_CLIENT_HELLO      1
#define METHOD_BYTES_MAX       32 /* of what might be an HTTP request */
#define RANDOM_BYTES           32

enum extension {
    EXTENSION_SERVER_NAME = 0,
    EXTENSION_SIGNATURE_ALGORITHMS = 13,
    EXTENSION_SUPPORTED_VERSIONS = 43,
    EXTENSION_SIGNATURE_ALGORITHMS_CERT = 50,
};

static uint8_t client_hello_byte_at(struct slice input, size_t at)
{
    return (uint8_t)input.data[at];
}

static enum client_hello_result client_hello_refuse(struct client_hello_fault *ret_fault,
                                                    enum tls_alert alert, const char *text)
{
    *ret_fault = (struct client_hello_fault){.alert = alert, .text = text};
    return CLIENT_HELLO_BAD;
}

/* ---- what is not TLS ---- */

static bool is_method_byte(char byte)
{
    return (byte >= 'A' && byte <= 'Z') || byte == '-' || byte == '_';
}

/* A method and a blank. The first byte of a record is never a letter. */
static enum client_hello_result look_for_http(struct slice input, struct client_hello_fault *ret_fault)
{
    size_t length = 0;
    while (length < input.length && length < METHOD_BYTES_MAX && is_method_byte(input.data[length]))
        length++;
    if (length == input.length && length < METHOD_BYTES_MAX)
        return CLIENT_HELLO_MORE;
    if (length > 0 && length < METHOD_BYTES_MAX && input.data[length] == ' ')
        return CLIENT_HELLO_HTTP;
    return client_hello_refuse(ret_fault, TLS_ALERT_NONE, "what came is not TLS");
}

/* SSL 2.0's hello has a length of two bytes with the highest bit set, then the type. */
static bool is_ssl2(struct slice input)
{
    return (client_hello_byte_at(input, 0) & 0x80) != 0 && input.length >= 3 &&
           client_hello_byte_at(input, 2) == TYPE_CLIENT_HELLO;
}

static enum client_hello_result look_at_stranger(struct slice input, struct client_hello_fault *ret_fault)
{
    if (is_method_byte(input.data[0]))
        return look_for_http(input, ret_fault);
    if ((client_hello_byte_at(input, 0) & 0x80) != 0 && input.length < 3)
        return CLIENT_HELLO_MORE;
    if (is_ssl2(input))
        return client_hello_refuse(ret_fault, TLS_ALERT_PROTOCOL_VERSION, "the client speaks SSL 2.0");
    return client_hello_refuse(ret_fault, TLS_ALERT_NONE, "what came is not TLS");
}

/* ---- records ---- */

static size_t record_length(struct slice record)
{
    return (size_t)client_hello_byte_at(record, 3) << 8 | client_hello_byte_at(record, 4);
}

/* The header of a record, as far as it is there. CLIENT_HELLO_DONE where all of it is in order. */
static enum client_hello_result check_record(struct slice record, struct client_hello_fault *ret_fault)
{
    if (record.length > 0 && client_hello_byte_at(record, 0) != TYPE_HANDSHAKE)
        return client_hello_refuse(ret_fault, TLS_ALERT_UNEXPECTED_MESSAGE,
                                   "a record that is no part of a ClientHello");
    if (record.length > 1 && client_hello_byte_at(record, 1) != 3)
        return client_hello_refuse(ret_fault, TLS_ALERT_PROTOCOL_VERSION, "a record of an unknown version");
    if (record.length < RECORD_HEADER_BYTES)
        return CLIENT_HELLO_MORE;
    if (record_length(record) > RECORD_CONTENT_MAX)
        return client_hello_refuse(ret_fault, TLS_ALERT_RECORD_OVERFLOW, "a record of more than 16 KiB");
    /* RFC 8446 section 5.1 forbids empty ones. */
    if (record_length(record) == 0)
        return client_hello_refuse(ret_fault, TLS_ALERT_UNEXPECTED_MESSAGE,
                                   "an empty record in the ClientHello");
    return CLIENT_HELLO_DONE;
}

/* ---- a cursor over the content of consecutive records ---- */

struct cursor {
    struct slice input;
    size_t at;     /* the next byte */
    size_t record; /* bytes left in the record */
    size_t left;   /* content bytes that may be read */
    bool failed;   /* more was read than there is; zeros were given instead */
};

static uint8_t cursor_byte(struct cursor *cursor)
{
    if (cursor->left == 0) {
        cursor->failed = true;
        return 0;
    }
    if (cursor->record == 0) {
        cursor->record = record_length(slice_skip(cursor->input, cursor->at));
        cursor->at += RECORD_HEADER_BYTES;
    }
    cursor->record--;
    cursor->left--;
    return client_hello_byte_at(cursor->input, cursor->at++);
}

static uint32_t cursor_number(struct cursor *cursor, int bytes)
{
    uint32_t number = 0;
    while (bytes-- > 0)
        number = number << 8 | cursor_byte(cursor);
    return number;
}

static void cursor_skip(struct cursor *cursor, size_t bytes)
{
    while (bytes-- > 0 && !cursor->failed)
        cursor_byte(cursor);
}

/* Steps over a vector whose length is a number of `length_bytes` bytes. */
static void cursor_skip_vector(struct cursor *cursor, int length_bytes)
{
    cursor_skip(cursor, cursor_number(cursor, length_bytes));
}

/* A second cursor over the next `bytes`, which the first steps over. */
static struct cursor cursor_cut(struct cursor *cursor, size_t bytes)
{
    struct cursor part = *cursor;
    part.left = MIN(bytes, cursor->left);
    cursor_skip(cursor, bytes);
    return part;
}

/* ---- extensions ---- */

/* RFC 6066 section 3: a list of names with types, of which only host names exist. The first counts. */
static void read_server_name(struct cursor *extension, struct client_hello *hello)
{
    uint32_t list = cursor_number(extension, 2);
    uint8_t type = cursor_byte(extension);
    uint32_t length = cursor_number(extension, 2);
    if (list != length + 3 || type != 0 || length == 0 || length > CLIENT_HELLO_NAME_BYTES_MAX ||
        length != extension->left) {
        extension->failed = true;
        return;
    }
    for (uint32_t i = 0; i < length; i++)
        hello->name[i] = (char)cursor_byte(extension);
    hello->name_length = (uint8_t)length;
}

/* RFC 8446 section 4.2.3. */
static unsigned client_hello_quick_of(uint32_t scheme)
{
    switch (scheme) {
    case 0x0403: return TLS_QUICK_P256;
    case 0x0503: return TLS_QUICK_P384;
    case 0x0603: return TLS_QUICK_P521;
    case 0x0807: return TLS_QUICK_ED25519;
    case 0x0808: return TLS_QUICK_ED448;
    default: return 0;
    }
}

static void read_signature_algorithms(struct cursor *extension, struct client_hello *hello)
{
    cursor_number(extension, 2);
    while (extension->left >= 2)
        hello->quick |= client_hello_quick_of(cursor_number(extension, 2));
}

/* Reserved values (RFC 8701) look like very high versions. */
static void read_supported_versions(struct cursor *extension, struct client_hello *hello)
{
    cursor_byte(extension);
    while (extension->left >= 2) {
        uint32_t version = cursor_number(extension, 2);
        if (version > hello->version && version <= 0x0304)
            hello->version = (uint16_t)version;
    }
}

/* By 1.2 the cipher suites decide, too; and whoever has demands on the signatures of certificates (no
 * browser, nor OpenSSL by itself) may have none that a quick key can meet. */
static bool is_by_key_alone(const struct client_hello *hello, bool has_demands)
{
    return hello->version >= 0x0304 && !has_demands;
}

static void read_extension(uint32_t type, struct cursor *extension, struct client_hello *hello)
{
    switch (type) {
    case EXTENSION_SERVER_NAME: read_server_name(extension, hello); break;
    case EXTENSION_SIGNATURE_ALGORITHMS: read_signature_algorithms(extension, hello); break;
    case EXTENSION_SUPPORTED_VERSIONS: read_supported_versions(extension, hello); break;
    }
}

static void read_extensions(struct cursor *message, struct client_hello *hello)
{
    if (message->left == 0) /* TLS 1.2 may do without any */
        return;
    if (cursor_number(message, 2) != message->left)
        message->failed = true;
    bool has_demands = false;
    while (message->left > 0 && !message->failed) {
        uint32_t type = cursor_number(message, 2);
        has_demands |= type == EXTENSION_SIGNATURE_ALGORITHMS_CERT;
        struct cursor extension = cursor_cut(message, cursor_number(message, 2));
        read_extension(type, &extension, hello);
        message->failed |= extension.failed;
    }
    if (!is_by_key_alone(hello, has_demands))
        hello->quick = 0;
}

/* ---- the message ---- */

bool client_hello_parse(struct slice input, struct client_hello *ret_hello,
                        struct client_hello_fault *ret_fault)
{
    struct client_hello hello = {0};
    struct cursor message = {.input = input, .left = HANDSHAKE_HEADER_BYTES};
    cursor_byte(&message);
    message.left = cursor_number(&message, 3);
    hello.version = (uint16_t)cursor_number(&message, 2);
    cursor_skip(&message, RANDOM_BYTES);
    cursor_skip_vector(&message, 1); /* legacy_session_id */
    cursor_skip_vector(&message, 2); /* cipher_suites */
    cursor_skip_vector(&message, 1); /* legacy_compression_methods */
    read_extensions(&message, &hello);
    if (message.failed) {
        client_hello_refuse(ret_fault, TLS_ALERT_DECODE_ERROR, "the lengths in the ClientHello do not agree");
        return false;
    }
    *ret_hello = hello;
    return true;
}

/* The type and the length of the message, once four bytes of it are there; the first may be in the record
 * that is not whole yet. */
static enum client_hello_result read_message_header(struct client_hello_scan *scan, struct slice input,
                                                    size_t content, struct client_hello_fault *ret_fault)
{
    struct cursor message = {.input = input, .left = content};
    if (content >= 1 && cursor_byte(&message) != TYPE_CLIENT_HELLO)
        return client_hello_refuse(ret_fault, TLS_ALERT_UNEXPECTED_MESSAGE,
                                   "the first message is no ClientHello");
    if (content >= HANDSHAKE_HEADER_BYTES)
        scan->length = HANDSHAKE_HEADER_BYTES + cursor_number(&message, 3);
    return CLIENT_HELLO_MORE;
}

/* Where what is still to come of the message cannot fit. */
static bool client_hello_is_too_long(const struct client_hello_scan *scan, size_t bytes_max)
{
    uint32_t missing = scan->length > scan->content ? scan->length - scan->content : 0;
    return scan->scanned + (size_t)missing > bytes_max;
}

static enum client_hello_result refuse_length(struct client_hello_fault *ret_fault)
{
    return client_hello_refuse(ret_fault, TLS_ALERT_ILLEGAL_PARAMETER, "the ClientHello is too long");
}

/* Looks at the record that begins behind what was scanned. CLIENT_HELLO_DONE: it is whole; go on. */
static enum client_hello_result scan_record(struct client_hello_scan *scan, struct slice input,
                                            struct client_hello_fault *ret_fault)
{
    struct slice record = slice_skip(input, scan->scanned);
    enum client_hello_result result = check_record(record, ret_fault);
    if (result != CLIENT_HELLO_DONE)
        return result;
    size_t length = record_length(record);
    size_t present = MIN(length, record.length - RECORD_HEADER_BYTES);
    if (scan->length == 0) {
        result = read_message_header(scan, input, scan->content + present, ret_fault);
        if (result == CLIENT_HELLO_BAD)
            return result;
    }
    if (present < length)
        return CLIENT_HELLO_MORE;
    scan->scanned += (uint32_t)(RECORD_HEADER_BYTES + length);
    scan->content += (uint32_t)length;
    return CLIENT_HELLO_DONE;
}

enum client_hello_result client_hello_scan(struct client_hello_scan *scan, struct slice input,
                                           size_t bytes_max, struct client_hello_fault *ret_fault)
{
    assert(bytes_max >= CLIENT_HELLO_BYTES_MIN && bytes_max <= CLIENT_HELLO_BYTES_MAX);
    if (input.length == 0)
        return CLIENT_HELLO_MORE;
    if (client_hello_byte_at(input, 0) != TYPE_HANDSHAKE)
        return look_at_stranger(input, ret_fault);
    enum client_hello_result result = CLIENT_HELLO_DONE;
    while (result == CLIENT_HELLO_DONE) {
        result = scan_record(scan, input, ret_fault);
        if (result != CLIENT_HELLO_BAD && client_hello_is_too_long(scan, bytes_max))
            return refuse_length(ret_fault);
        if (scan->length > 0 && scan->content >= scan->length)
            return CLIENT_HELLO_DONE;
    }
    /* The record that is not whole ends past the bound. */
    return result == CLIENT_HELLO_MORE && input.length >= bytes_max ? refuse_length(ret_fault) : result;
}
