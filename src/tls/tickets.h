/* Session ticket keys: tickets let a client resume a session without another signature (RFC 5077, RFC 8446
 * section 4.6.1).
 *
 * The master creates and rotates them, in memory shared with its workers, so that any worker can decrypt the
 * tickets of any other. The newest key encrypts, the others only decrypt. The struct has no pointers, so it
 * can be in shared memory. */
#ifndef TLS_TICKETS_H
#define TLS_TICKETS_H

#include "tls/replay_guard.h"
#include "tls/report.h"

#include <stdint.h>

#define TLS_TICKET_KEYS_MAX   4
#define TLS_TICKET_NAME_BYTES 16

/* Also the file format, 80 bytes, which other servers use, too. */
struct tls_ticket_key {
    uint8_t name[TLS_TICKET_NAME_BYTES]; /* identifies the key; sent in clear text in each ticket */
    uint8_t mac[32];                     /* HMAC-SHA-256 */
    uint8_t cipher[32];                  /* AES-256-CBC */
};

/* Zeroed: no keys, and so no tickets. */
struct tls_ticket_keys {
    uint32_t generation; /* incremented before and after each change: odd during one */
    uint32_t count;
    struct tls_ticket_key keys[TLS_TICKET_KEYS_MAX]; /* the newest first */
};

/* What all workers share about tickets. Zeroed: no tickets. */
struct tls_tickets {
    struct tls_ticket_keys keys;
    struct tls_replay_guard guard;
};

/* Inserts a new random key at the front; drops the oldest if there are too many. May be called at any time,
 * by one process at a time. A ticket can be decrypted until its key was followed by TLS_TICKET_KEYS_MAX newer
 * ones. */
void tls_ticket_keys_rotate(struct tls_ticket_keys *keys);

/* Replaces all keys by those of a file, 80 bytes each, at most TLS_TICKET_KEYS_MAX. The first one encrypts.
 * To change keys on several machines, first append the new one to the file everywhere, then move it to the
 * front. Returns false, without a change, after adding a finding. */
bool tls_ticket_keys_read_file(struct tls_ticket_keys *keys, const char *path,
                               struct tls_report *report) MUST_CHECK;

/* Copies the newest key. Returns false if there is none. May be called by any process at any time. */
bool tls_ticket_keys_newest(const struct tls_ticket_keys *keys, struct tls_ticket_key *ret_key) MUST_CHECK;

/* Copies the key with that name, and whether it is the newest. Returns false if there is none (any more). */
bool tls_ticket_keys_find(const struct tls_ticket_keys *keys, const uint8_t name[TLS_TICKET_NAME_BYTES],
                          struct tls_ticket_key *ret_key, bool *ret_is_newest) MUST_CHECK;

#endif
