/* A look at the ClientHello, the first message of a TLS client, before OpenSSL sees it (RFC 8446
 * section 4.1.2).
 *
 * An SSL object takes 70 KB while it waits for the rest of a ClientHello. So nobody makes one until the
 * message is whole: client_hello_scan says when that is, client_hello_parse reads the little that a server
 * wants to know before it chooses a certificate. OpenSSL parses the message again and decides what is valid;
 * whatever this parser refuses, OpenSSL would refuse too.
 *
 * Bytes in, answers out: no I/O, no clock, no allocation. The answer does not depend on how the bytes were
 * cut into pieces. */
#ifndef TLS_CLIENT_HELLO_H
#define TLS_CLIENT_HELLO_H

#include "base/slice.h"
#include "tls/alert.h"

/* The bounds that a server may set for the whole message, its record headers included. */
#define CLIENT_HELLO_BYTES_MIN     4096
#define CLIENT_HELLO_BYTES_DEFAULT 16384
#define CLIENT_HELLO_BYTES_MAX     65536

/* A name in DNS has at most 253 characters, and a final dot. */
#define CLIENT_HELLO_NAME_BYTES_MAX 255

enum client_hello_result {
    CLIENT_HELLO_MORE, /* not whole yet */
    CLIENT_HELLO_DONE, /* the input begins with a whole ClientHello */
    CLIENT_HELLO_HTTP, /* the input begins like a request of plain HTTP */
    CLIENT_HELLO_BAD,  /* neither; see the fault */
};

/* Why a ClientHello is refused. */
struct client_hello_fault {
    enum tls_alert alert; /* what to tell the peer; TLS_ALERT_NONE where it does not speak TLS */
    const char *text;     /* for the log, without capital and full stop; lives for ever */
};

/* How far the scan has come; zeroed at the beginning. */
struct client_hello_scan {
    uint32_t scanned; /* bytes of the input in records that were seen whole */
    uint32_t content; /* bytes of the handshake message in these records */
    uint32_t length;  /* of the handshake message with its four-byte header; 0: not known yet */
};

/* Looks at `input`, all bytes that the peer has sent so far. On CLIENT_HELLO_MORE call it again, with the
 * same scan, when there are more bytes behind the same ones: it goes on where it was. A message that is
 * longer than `bytes_max` is CLIENT_HELLO_BAD. `ret_fault` is set with CLIENT_HELLO_BAD only. */
enum client_hello_result client_hello_scan(struct client_hello_scan *scan, struct slice input,
                                           size_t bytes_max, struct client_hello_fault *ret_fault) MUST_CHECK;

/* Signatures that take some microseconds, by the keys that make them. */
enum tls_quick {
    TLS_QUICK_P256 = 1,
    TLS_QUICK_P384 = 2,
    TLS_QUICK_P521 = 4,
    TLS_QUICK_ED25519 = 8,
    TLS_QUICK_ED448 = 16,
};

/* What a ClientHello says, as far as it is asked. */
struct client_hello {
    uint16_t version; /* the highest that the client offers: 0x0304 is TLS 1.3 */
    uint8_t quick;    /* signatures without RSA that will do for the client: enum tls_quick, or-ed; none where
                         it depends on more than these and the server's order which will be chosen */
    uint8_t name_length;
    char name[CLIENT_HELLO_NAME_BYTES_MAX]; /* of the server, as sent (RFC 6066 section 3) */
};

/* Reads a ClientHello that client_hello_scan found whole at the front of `input`. False, with `ret_fault`,
 * where its lengths do not agree. */
bool client_hello_parse(struct slice input, struct client_hello *ret_hello,
                        struct client_hello_fault *ret_fault) MUST_CHECK;

/* The server name that the client asks for, empty where it names none; lives as long as `hello`. */
static inline struct slice client_hello_name(const struct client_hello *hello)
{
    return slice_make(hello->name, hello->name_length);
}

#endif
