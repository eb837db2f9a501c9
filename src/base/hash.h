/* Hashing of bytes that a stranger may have chosen.
 *
 * SipHash-1-3 under a key drawn at start: without the key nobody can aim requests at one bucket of a table.
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include "base/slice.h"

struct hash_key {
    uint64_t k0;
    uint64_t k1;
};

uint64_t hash_bytes(const struct hash_key *key, struct slice bytes);

/* 128 bits, to tell contents apart: two that differ have the same digest by no chance that matters. The same
 * on every machine where the key is the same; then it is no match for somebody who looks for two contents
 * with one digest. */
struct digest {
    uint64_t first;
    uint64_t second;
};

struct digest hash_digest(const struct hash_key *key, struct slice bytes);

#endif
