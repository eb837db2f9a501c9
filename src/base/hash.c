/* SipHash-1-3 (Aumasson and Bernstein, "SipHash: a fast short-input PRF"), with one compression and three
 * finalisation rounds as the Rust and Python hash tables use it. */
#include "base/hash.h"

#include <endian.h>

struct sip_state {
    uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotate_left(uint64_t value, int bits)
{
    return value << bits | value >> (64 - bits);
}

static inline void sip_round(struct sip_state *s)
{
    s->v0 += s->v1;
    s->v2 += s->v3;
    s->v1 = rotate_left(s->v1, 13) ^ s->v0;
    s->v3 = rotate_left(s->v3, 16) ^ s->v2;
    s->v0 = rotate_left(s->v0, 32);
    s->v2 += s->v1;
    s->v0 += s->v3;
    s->v1 = rotate_left(s->v1, 17) ^ s->v2;
    s->v3 = rotate_left(s->v3, 21) ^ s->v0;
    s->v2 = rotate_left(s->v2, 32);
}

static inline void sip_absorb(struct sip_state *s, uint64_t word)
{
    s->v3 ^= word;
    sip_round(s);
    s->v0 ^= word;
}

static inline struct sip_state sip_begin(const struct hash_key *key)
{
    return (struct sip_state){
        .v0 = key->k0 ^ UINT64_C(0x736f6d6570736575),
        .v1 = key->k1 ^ UINT64_C(0x646f72616e646f6d),
        .v2 = key->k0 ^ UINT64_C(0x6c7967656e657261),
        .v3 = key->k1 ^ UINT64_C(0x7465646279746573),
    };
}

static inline uint64_t load_32(const char *bytes)
{
    uint32_t half;
    memcpy(&half, bytes, sizeof(half));
    return le32toh(half);
}

/* Loads fewer than eight bytes as a little-endian word. The loads may overlap; the overlapping bits are
 * equal. */
static inline uint64_t load_few(const char *bytes, size_t length)
{
    if (length >= 4)
        return load_32(bytes) | load_32(bytes + length - 4) << (8 * (length - 4));
    if (length == 0)
        return 0;
    const unsigned char *each = (const unsigned char *)bytes;
    return each[0] | (uint64_t)each[length / 2] << (8 * (length / 2)) |
           (uint64_t)each[length - 1] << (8 * (length - 1));
}

static inline void sip_absorb_all(struct sip_state *s, struct slice bytes)
{
    size_t whole = bytes.length & ~(size_t)7;
    for (size_t i = 0; i < whole; i += 8) {
        uint64_t word;
        memcpy(&word, bytes.data + i, 8);
        sip_absorb(s, le64toh(word));
    }
    /* An empty slice may have a null pointer, and C forbids arithmetic on it. */
    const char *last = whole == 0 ? bytes.data : bytes.data + whole;
    sip_absorb(s, (uint64_t)bytes.length << 56 | load_few(last, bytes.length - whole));
}

static inline uint64_t sip_finish(struct sip_state *s)
{
    sip_round(s);
    sip_round(s);
    sip_round(s);
    return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

uint64_t hash_bytes(const struct hash_key *key, struct slice bytes)
{
    struct sip_state s = sip_begin(key);
    sip_absorb_all(&s, bytes);
    s.v2 ^= 0xff;
    return sip_finish(&s);
}

struct digest hash_digest(const struct hash_key *key, struct slice bytes)
{
    struct sip_state s = sip_begin(key);
    struct digest digest;
    s.v1 ^= 0xee;
    sip_absorb_all(&s, bytes);
    s.v2 ^= 0xee;
    digest.first = sip_finish(&s);
    s.v1 ^= 0xdd;
    digest.second = sip_finish(&s);
    return digest;
}
