/* Reads the ClientHello, the first message of a TLS client, before OpenSSL sees it (RFC 8446 section 4.1.2).
 *
 * An SSL object takes 70 KB while it waits for the rest of a ClientHello, so it is created only when the
 * message is complete. client_hello_scan finds out when that is; client_hello_parse reads what the server
 * needs to choose a certificate. OpenSSL parses the message again and decides what is valid; whatever this
 * parser rejects, OpenSSL would reject, too.
 *
 * No I/O, no clock, no allocation. The result does not depend on how the input was split into reads. */
#ifndef TLS_CLIENT_HELLO_H
#define TLS_CLIENT_HELLO_H

#include "base/slice.h"
#include "tls/alert.h"

/* Range of the configurable limit for the whole message, including its record headers. */
#define CLIENT_HELLO_BYTES_MIN     4096
#define CLIENT_HELLO_BYTES_DEFAULT 16384
#define CLIENT_HELLO_BYTES_MAX     65536

/* A DNS name has at most 253 characters, and perhaps a final dot. */
#define CLIENT_HELLO_NAME_BYTES_MAX 255

enum client_hello_result {
    CLIENT_HELLO_MORE, /* incomplete */
    CLIENT_HELLO_DONE, /* the input begins with a complete ClientHello */
    CLIENT_HELLO_HTTP, /* the input begins like a plain HTTP request */
    CLIENT_HELLO_BAD,  /* neither; see the fault */
};

/* Why a ClientHello is rejected. */
struct client_hello_fault {
    enum tls_alert alert; /* to send; TLS_ALERT_NONE if the peer does not speak TLS */
    const char *text;     /* for the log, without capital and full stop; a string constant */
};

/* State of the scan; zero it at first. */
struct client_hello_scan {
    uint32_t scanned; /* bytes of the input in complete records */
    uint32_t content; /* bytes of the handshake message in these records */
    uint32_t length;  /* of the handshake message with its four-byte header; 0: unknown yet */
};

/* Scans `input`, all bytes that the peer has sent so far. After CLIENT_HELLO_MORE, call it again with the
 * same scan and the longer input: it continues where it stopped. A message longer than `bytes_max` is
 * CLIENT_HELLO_BAD. `ret_fault` is set with CLIENT_HELLO_BAD only. */
enum client_hello_result client_hello_scan(struct client_hello_scan *scan, struct slice input,
                                           size_t bytes_max, struct client_hello_fault *ret_fault) MUST_CHECK;

/* Signature algorithms that take only some microseconds, by key type. */
enum tls_quick {
    TLS_QUICK_P256 = 1,
    TLS_QUICK_P384 = 2,
    TLS_QUICK_P521 = 4,
    TLS_QUICK_ED25519 = 8,
    TLS_QUICK_ED448 = 16,
};

/* What the server needs of a ClientHello. */
struct client_hello {
    uint16_t version; /* the highest that the client offers; 0x0304 is TLS 1.3 */
    uint8_t quick;    /* non-RSA signatures that the client accepts: enum tls_quick, or-ed; 0 if the choice
                         depends on more than these and the server's order */
    uint8_t name_length;
    char name[CLIENT_HELLO_NAME_BYTES_MAX]; /* server name, as sent (RFC 6066 section 3) */
};

/* Parses a ClientHello that client_hello_scan found complete at the front of `input`. Returns false and sets
 * `ret_fault` if its lengths do not agree. */
bool client_hello_parse(struct slice input, struct client_hello *ret_hello,
                        struct client_hello_fault *ret_fault) MUST_CHECK;

/* The server name that the client asks for, or empty; lives as long as `hello`. */
static inline struct slice client_hello_name(const struct client_hello *hello)
{
    return slice_make(hello->name, hello->name_length);
}

#endif
