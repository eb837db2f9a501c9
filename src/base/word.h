/* Words: testing eight bytes with one operation (Mycroft's tests for a byte within a word). */
#ifndef BASE_WORD_H
#define BASE_WORD_H

#include <stdint.h>
#include <string.h>

#define WORD_OF_BYTES(byte) (UINT64_C(0x0101010101010101) * (unsigned char)(byte))

/* Loads eight bytes from any address, in native byte order. */
static inline uint64_t word_load(const char *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof(word));
    return word;
}

/* Nonzero if one of the bytes is less than `bound` (at most 128). */
static inline uint64_t word_has_less(uint64_t word, unsigned char bound)
{
    return (word - WORD_OF_BYTES(bound)) & ~word & WORD_OF_BYTES(0x80);
}

/* Nonzero if one of the bytes is `byte`. */
static inline uint64_t word_has(uint64_t word, unsigned char byte)
{
    return word_has_less(word ^ WORD_OF_BYTES(byte), 1);
}

#endif
