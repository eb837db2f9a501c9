/* crypt_ra(3) and crypt_gensalt_ra(3). The forms of hashes are in one table, since libxcrypt itself also
 * takes what is too weak today (DES, MD5), and a cost that would keep a thread busy for hours. */
#include "sys/password.h"

#include <errno.h>

#ifdef HAVE_CRYPT

#include <crypt.h>
#include <stdlib.h>
#include <string.h>

struct hash_form {
    struct slice prefix;
    size_t end_bytes; /* behind the last '$': the hash, and for bcrypt the salt before it */
    bool (*is_too_slow)(struct slice parameters);
};

/* $2b$12$: 2^12 rounds take about 250 ms. */
static bool bcrypt_is_too_slow(struct slice parameters)
{
    uint64_t cost;
    return !slice_to_u64(slice_take(parameters, slice_find(parameters, '$')), &cost) || cost > 14;
}

/* $6$rounds=5000$: the default takes some milliseconds. */
static bool sha_is_too_slow(struct slice parameters)
{
    struct slice key = SLICE("rounds=");
    uint64_t rounds;
    if (!slice_starts_with(parameters, key))
        return false;
    parameters = slice_skip(parameters, key.length);
    return !slice_to_u64(slice_take(parameters, slice_find(parameters, '$')), &rounds) || rounds > 2000000;
}

/* $y$j9T$: one digit each for the logarithm of N, less 1, and for r, less 1, where 128 N r is the memory:
 * "9T" is 16 MiB, "CT" 128 MiB. The digits are in the order of ASCII. */
static bool yescrypt_is_too_slow(struct slice parameters)
{
    struct slice digits = slice_take(parameters, slice_find(parameters, '$'));
    return digits.length != 3 || digits.data[0] != 'j' || digits.data[1] > 'C' || digits.data[2] > 'T';
}

static const struct hash_form forms[] = {
    {{"$y$", 3}, 43, yescrypt_is_too_slow}, {{"$2b$", 4}, 53, bcrypt_is_too_slow},
    {{"$2y$", 4}, 53, bcrypt_is_too_slow},  {{"$2a$", 4}, 53, bcrypt_is_too_slow},
    {{"$6$", 3}, 86, sha_is_too_slow},      {{"$5$", 3}, 43, sha_is_too_slow},
};

static const struct hash_form *form_of(struct slice hash)
{
    for (size_t i = 0; i < ARRAY_LENGTH(forms); i++) {
        if (slice_starts_with(hash, forms[i].prefix))
            return &forms[i];
    }
    return NULL;
}

/* What people may have instead. */
static const char *fault_of_others(struct slice hash)
{
    if (slice_starts_with(hash, SLICE("$apr1$")) || slice_starts_with(hash, SLICE("$1$")))
        return "it is an MD5 hash, which is too weak";
    if (slice_starts_with(hash, SLICE("{")))
        return "it is a hash without salt, or of LDAP, which is too weak";
    return "it is no hash of yescrypt ($y$), bcrypt ($2b$, $2y$) or SHA-512 ($6$)";
}

/* Salt, parameters and hash; crypt(3) forbids colons, blanks, '!', '*', ';' and '\\' in all of them. */
static bool is_hash_byte(char byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
           byte == '.' || byte == '/' || byte == '$' || byte == '=';
}

static size_t bytes_behind_last_dollar(struct slice hash)
{
    size_t count = 0;
    while (count < hash.length && hash.data[hash.length - 1 - count] != '$')
        count++;
    return count;
}

const char *password_hash_fault(struct slice hash)
{
    const struct hash_form *form = form_of(hash);
    if (form == NULL)
        return fault_of_others(hash);
    for (size_t i = 0; i < hash.length; i++) {
        if (!is_hash_byte(hash.data[i]))
            return "it has a character that no hash has";
    }
    if (bytes_behind_last_dollar(hash) != form->end_bytes || hash.length >= PASSWORD_HASH_BYTES)
        return "it is not a whole hash: part of it is missing, or there is too much";
    return form->is_too_slow(slice_skip(hash, form->prefix.length))
               ? "it is too costly: a check would take longer than a second, or need more than 128 MiB"
               : NULL;
}

bool password_matches(const char *password, const char *hash)
{
    void *data = NULL;
    int size = 0;
    char *own = crypt_ra(password, hash, &data, &size);
    size_t length = strlen(hash);
    bool matches = own && own[0] != '*' && strlen(own) == length && password_equal(own, hash, length);
    if (data)
        explicit_bzero(data, (size_t)size);
    free(data);
    return matches;
}

int password_hash(const char *password, char ret_hash[PASSWORD_HASH_BYTES])
{
    void *data = NULL;
    int size = 0, error = 0;
    char *salt = crypt_gensalt_ra("$y$", 0, NULL, 0);
    char *hash = salt ? crypt_ra(password, salt, &data, &size) : NULL;
    if (hash == NULL || hash[0] == '*' || strlen(hash) >= PASSWORD_HASH_BYTES)
        error = errno > 0 ? -errno : -EINVAL;
    else
        memcpy(ret_hash, hash, strlen(hash) + 1);
    if (data)
        explicit_bzero(data, (size_t)size);
    free(data);
    free(salt);
    return error;
}

#else

const char *password_hash_fault(struct slice hash)
{
    (void)hash;
    return "it cannot be checked: vif was built without libcrypt";
}

bool password_matches(const char *password, const char *hash)
{
    (void)password, (void)hash;
    return false;
}

int password_hash(const char *password, char ret_hash[PASSWORD_HASH_BYTES])
{
    (void)password, (void)ret_hash;
    return -ENOTSUP;
}

#endif
