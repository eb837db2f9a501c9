/* The replay guard: accepts the early data of each ticket once (RFC 8446 section 8).
 *
 * Early data comes with the ClientHello, before the client has proved that it is there. So whoever records it
 * can send it again, to the same worker or to another one. OpenSSL refuses early data whose ClientHello is
 * more than ten seconds late, by the age that the client gives of its ticket. Within that time the guard
 * recognises tickets that were used before. It is a table in memory that all workers share, without locks, so
 * a worker that dies cannot leave it locked.
 *
 * When in doubt the guard refuses. Then the handshake goes on as usual and the client sends its data again,
 * so that a refusal costs a round trip only. */
#ifndef TLS_REPLAY_GUARD_H
#define TLS_REPLAY_GUARD_H

#include "base/hash.h"

/* How long a ticket is remembered. OpenSSL accepts a ClientHello for ten seconds, counted in whole seconds.
 */
#define TLS_REPLAY_SECONDS 12

/* Tickets that are remembered at once: 65,536, or 5,400 handshakes with early data per second. A ticket can
 * be stored in one set only; if that is full, early data is refused. */
#define TLS_REPLAY_SETS 8192
#define TLS_REPLAY_WAYS 8

/* Zeroed: refuses everything. */
struct tls_replay_guard {
    struct hash_key key;
    int64_t began;  /* seconds since 1970; earlier tickets may have been used before */
    int64_t latest; /* the latest time that was seen */
    uint64_t entries[TLS_REPLAY_SETS][TLS_REPLAY_WAYS]; /* part of a digest, and a time; 0: free */
};

/* Begins; `now` is in seconds since 1970, here and below. A guard that follows another one, with the same
 * ticket keys, refuses the tickets that were issued before. */
void tls_replay_guard_begin(struct tls_replay_guard *guard, int64_t now);

/* Whether the early data of this ticket may be accepted; true at most once for each ticket while OpenSSL
 * accepts the same ClientHello. `ticket` identifies it, and may be secret. May be called by any process at
 * any time. */
bool tls_replay_guard_admit(struct tls_replay_guard *guard, struct slice ticket, int64_t issued,
                            int64_t now) MUST_CHECK;

#endif
