/* Hashing of bytes that an attacker may have chosen.
 *
 * SipHash-1-3 with a random key drawn at start: without the key nobody can craft input that falls into one
 * bucket of a table. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include "base/slice.h"

struct hash_key {
    uint64_t k0;
    uint64_t k1;
};

uint64_t hash_bytes(const struct hash_key *key, struct slice bytes);

/* A 128-bit digest to tell contents apart; an accidental collision is negligibly unlikely. The digest is
 * the same on every machine with the same key. With a key that is known it is not collision-resistant: an
 * attacker can construct two contents with one digest. */
struct digest {
    uint64_t first;
    uint64_t second;
};

static inline bool digest_equal(const struct digest *a, const struct digest *b)
{
    return a->first == b->first && a->second == b->second;
}

struct digest hash_digest(const struct hash_key *key, struct slice bytes);

#endif
