/* TLS alerts: the messages that say why a connection ends (RFC 8446 section 6, RFC 5246 section 7.2). */
#ifndef TLS_ALERT_H
#define TLS_ALERT_H

#include <stdint.h>

/*  name in the RFCs, number, enum member */
#define TLS_ALERT_TABLE(X)                                                   \
    X(0, close_notify, CLOSE_NOTIFY)                                         \
    X(10, unexpected_message, UNEXPECTED_MESSAGE)                            \
    X(20, bad_record_mac, BAD_RECORD_MAC)                                    \
    X(22, record_overflow, RECORD_OVERFLOW)                                  \
    X(40, handshake_failure, HANDSHAKE_FAILURE)                              \
    X(42, bad_certificate, BAD_CERTIFICATE)                                  \
    X(43, unsupported_certificate, UNSUPPORTED_CERTIFICATE)                  \
    X(44, certificate_revoked, CERTIFICATE_REVOKED)                          \
    X(45, certificate_expired, CERTIFICATE_EXPIRED)                          \
    X(46, certificate_unknown, CERTIFICATE_UNKNOWN)                          \
    X(47, illegal_parameter, ILLEGAL_PARAMETER)                              \
    X(48, unknown_ca, UNKNOWN_CA)                                            \
    X(49, access_denied, ACCESS_DENIED)                                      \
    X(50, decode_error, DECODE_ERROR)                                        \
    X(51, decrypt_error, DECRYPT_ERROR)                                      \
    X(70, protocol_version, PROTOCOL_VERSION)                                \
    X(71, insufficient_security, INSUFFICIENT_SECURITY)                      \
    X(80, internal_error, INTERNAL_ERROR)                                    \
    X(86, inappropriate_fallback, INAPPROPRIATE_FALLBACK)                    \
    X(90, user_canceled, USER_CANCELED)                                      \
    X(100, no_renegotiation, NO_RENEGOTIATION)                               \
    X(109, missing_extension, MISSING_EXTENSION)                             \
    X(110, unsupported_extension, UNSUPPORTED_EXTENSION)                     \
    X(112, unrecognized_name, UNRECOGNIZED_NAME)                             \
    X(113, bad_certificate_status_response, BAD_CERTIFICATE_STATUS_RESPONSE) \
    X(115, unknown_psk_identity, UNKNOWN_PSK_IDENTITY)                       \
    X(116, certificate_required, CERTIFICATE_REQUIRED)                       \
    X(120, no_application_protocol, NO_APPLICATION_PROTOCOL)

enum tls_alert {
    TLS_ALERT_NONE = -1,
#define X(number, name, member) TLS_ALERT_##member = (number),
    TLS_ALERT_TABLE(X)
#undef X
};

/* The name as the RFCs write it, "unknown" for other numbers. A string constant, never NULL. */
const char *tls_alert_name(int alert);

/* Size of a record with one alert. */
#define TLS_ALERT_RECORD_BYTES 7

/* Writes the record of a fatal alert in plain text, for use before there are keys. */
void tls_alert_write(enum tls_alert alert, char out[TLS_ALERT_RECORD_BYTES]);

#endif
