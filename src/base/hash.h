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

#endif
