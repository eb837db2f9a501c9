/* Passwords as crypt(3) hashes them, by libxcrypt: the part of a line of a password file behind the name.
 *
 * Checking one takes long on purpose, tens of milliseconds, and up to 128 MiB of memory: use it on a thread.
 * Without libcrypt no hash is good, and none can be made. */
#ifndef SYS_PASSWORD_H
#define SYS_PASSWORD_H

#include "base/slice.h"

/* Bytes of a password; libxcrypt takes no longer ones. */
#define PASSWORD_BYTES_MAX 511

/* Bytes of a hash, with a NUL. */
#define PASSWORD_HASH_BYTES 384

/* What is wrong with a hash, as "it is …", or NULL. A good one is complete, strong enough (yescrypt, bcrypt,
 * SHA-512 or SHA-256 of crypt(3)), and takes about a second at most. Constant. */
const char *password_hash_fault(struct slice hash);

/* Whether the hash is that of the password; both end with NUL. The time that it takes depends on the hash
 * alone, not on where the two differ. */
bool password_matches(const char *password, const char *hash) MUST_CHECK;

/* Hashes a password with random salt by yescrypt, as this system's passwd(1) does by default. Returns 0,
 * -ENOTSUP without libcrypt, or another -errno. */
int password_hash(const char *password, char ret_hash[PASSWORD_HASH_BYTES]) MUST_CHECK;

/* Whether two texts of the same length are equal, in a time that does not depend on where they differ. */
static inline bool password_equal(const void *a, const void *b, size_t length)
{
    const unsigned char *left = a, *right = b;
    unsigned char difference = 0;
    for (size_t i = 0; i < length; i++)
        difference |= left[i] ^ right[i];
    return difference == 0;
}

#endif
