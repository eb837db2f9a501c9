/* A ring. The parts of a digest are hashed one by one, so that none can reach into the next. */
#include "admin/known_passwords.h"

#include "sys/clock.h"
#include "sys/password.h"

struct digest known_passwords_digest(struct known_passwords *known, struct slice name, struct slice password,
                                     struct slice hash)
{
    if (!known->has_key)
        sys_random(&known->key, sizeof(known->key));
    known->has_key = true;
    const struct digest parts[] = {
        hash_digest(&known->key, name),
        hash_digest(&known->key, password),
        hash_digest(&known->key, hash),
    };
    return hash_digest(&known->key, slice_make((const char *)parts, sizeof(parts)));
}

bool known_passwords_have(const struct known_passwords *known, const struct digest *digest, uint64_t now_ms)
{
    bool is_known = false;
    for (size_t i = 0; i < KNOWN_PASSWORDS_MAX; i++) {
        const struct known_password *one = &known->list[i];
        bool is_this = password_equal(&one->digest, digest, sizeof(*digest));
        is_known |= is_this & (now_ms < one->until_ms);
    }
    return is_known;
}

void known_passwords_add(struct known_passwords *known, const struct digest *digest, uint64_t now_ms)
{
    known->list[known->next] = (struct known_password){*digest, now_ms + KNOWN_PASSWORDS_MS};
    known->next = (known->next + 1) % KNOWN_PASSWORDS_MAX;
}
