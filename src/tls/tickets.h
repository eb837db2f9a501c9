/* Keys of session tickets: what lets a client resume without a certificate's signature (RFC 5077, RFC 8446
 * section 4.6.1).
 *
 * One process makes and changes them (the master), in memory that its workers share, so that any worker opens
 * what any other has sealed; the newest key seals, the others only open. The struct has no pointers: it may
 * lie in shared memory, be handed over in an upgrade, or be filled from a file that several machines have. */
#ifndef TLS_TICKETS_H
#define TLS_TICKETS_H

#include "tls/report.h"

#include <stdint.h>

#define TLS_TICKET_KEYS_MAX   4
#define TLS_TICKET_NAME_BYTES 16

/* As in a file: 80 bytes, the form that other servers have too. */
struct tls_ticket_key {
    uint8_t name[TLS_TICKET_NAME_BYTES]; /* which key it is: in clear text in each ticket */
    uint8_t mac[32];                     /* HMAC-SHA-256 */
    uint8_t cipher[32];                  /* AES-256-CBC */
};

/* Zeroed: no keys, so no tickets. */
struct tls_ticket_keys {
    uint32_t generation; /* grows with each change; odd while one is under way */
    uint32_t count;
    struct tls_ticket_key keys[TLS_TICKET_KEYS_MAX]; /* the newest first */
};

/* Puts a new key before the others; the oldest leaves where there are too many. By one process at a time, at
 * any time. A ticket is good for TLS_TICKET_KEYS_MAX - 1 rotations after its own at least. */
void tls_ticket_keys_rotate(struct tls_ticket_keys *keys);

/* Takes the keys of a file of 80 bytes each, at most TLS_TICKET_KEYS_MAX, in place of those there are. The
 * first seals. To change keys on several machines, first add the new one behind the others everywhere, then
 * move it to the front. False, and nothing is changed, after a finding. */
bool tls_ticket_keys_read_file(struct tls_ticket_keys *keys, const char *path,
                               struct tls_report *report) MUST_CHECK;

/* A copy of the newest key. False where there is none. By any process, at any time. */
bool tls_ticket_keys_newest(const struct tls_ticket_keys *keys, struct tls_ticket_key *ret_key) MUST_CHECK;

/* A copy of the key of that name, and whether it is the newest. False where it is not known (any more). */
bool tls_ticket_keys_find(const struct tls_ticket_keys *keys, const uint8_t name[TLS_TICKET_NAME_BYTES],
                          struct tls_ticket_key *ret_key, bool *ret_is_newest) MUST_CHECK;

#endif
