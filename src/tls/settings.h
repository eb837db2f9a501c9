/* The TLS settings of a set of server names, or of connections to other servers: plain values, independent of
 * their source. All strings and arrays are borrowed for the duration of a call. */
#ifndef TLS_SETTINGS_H
#define TLS_SETTINGS_H

#include "tls/pair.h"
#include "tls/tickets.h"

enum tls_policy {
    TLS_POLICY_INTERMEDIATE, /* TLS 1.2 and 1.3: every client of the last ten years */
    TLS_POLICY_MODERN,       /* TLS 1.3 only */
};

/* Whether client certificates are requested. */
enum tls_client_mode {
    TLS_CLIENT_NONE,
    TLS_CLIENT_OPTIONAL, /* a certificate is requested; if one is sent it must be valid */
    TLS_CLIENT_REQUIRED,
};

/* Application protocols (ALPN, RFC 7301), in order of preference. */
enum tls_protocol {
    TLS_PROTOCOL_H2 = 1,
    TLS_PROTOCOL_HTTP1 = 2,
};

/* One certificate for each kind of key: ECDSA, RSA, Ed25519. */
#define TLS_PAIRS_MAX 4

struct tls_settings {
    const struct tls_pair_files *pairs;
    size_t pair_count;         /* 1 to TLS_PAIRS_MAX; with is_client 0 or 1 */
    const struct slice *hosts; /* that the certificates should cover; only for findings of level doubt */
    size_t host_count;

    enum tls_policy policy;
    const char *ciphers;       /* of TLS 1.2, in OpenSSL's notation; NULL: the policy's */
    const char *cipher_suites; /* of TLS 1.3; NULL: the policy's */
    const char *groups;        /* key exchange; NULL: X25519MLKEM768, X25519, P-256 */
    unsigned protocols;        /* enum tls_protocol, or-ed; a client that offers only others is refused */

    enum tls_client_mode client_mode;
    const char *client_ca;  /* PEM: accepted issuers of client certificates */
    const char *client_crl; /* PEM: revocation lists; NULL: not checked */
    unsigned client_depth;  /* most intermediate certificates; 0: the default, 4 */
    uint64_t client_auth;   /* the caller's number for these demands, see struct tls_context */

    /* For connections to other servers, as their client. Then nothing of the rest counts. */
    bool is_client;
    bool accepts_any;      /* does not verify servers' certificates */
    const char *server_ca; /* PEM: accepted issuers of servers' certificates; NULL: tls_system_roots */

    const struct tls_ticket_keys *ticket_keys; /* NULL: no tickets. Must outlive the context; may change */
    uint32_t ticket_seconds;                   /* how long a session can be resumed; 0: the default, a day */
    struct tls_replay_guard *replay_guard;     /* NULL: no early data (0-RTT). Like the keys. Early data also
                                                  needs tickets, and clients without certificates */
};

#endif
