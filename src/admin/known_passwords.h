/* Passwords that were found to be right, so that not every request of a dashboard or a scraper takes the tens
 * of milliseconds of a check. What is kept of one is a hash with a key that this process drew: it shows
 * nothing of the password. The line of the password file is part of it, so a changed line counts at once.
 *
 * At most KNOWN_PASSWORDS_MAX are kept, each for KNOWN_PASSWORDS_MS after its check; then it is checked
 * again. */
#ifndef ADMIN_KNOWN_PASSWORDS_H
#define ADMIN_KNOWN_PASSWORDS_H

#include "base/hash.h"

#include <stdbool.h>

#define KNOWN_PASSWORDS_MAX 32
#define KNOWN_PASSWORDS_MS  300000

struct known_password {
    struct digest digest;
    uint64_t until_ms; /* 0: the place is free */
};

/* Zeroed at first. */
struct known_passwords {
    bool has_key;
    struct hash_key key;
    struct known_password list[KNOWN_PASSWORDS_MAX];
    unsigned next; /* the place of the next one: the oldest goes */
};

/* What stands for a name with this password and this hash of it. The first call draws the key. */
struct digest known_passwords_digest(struct known_passwords *known, struct slice name, struct slice password,
                                     struct slice hash);

/* Takes the same time wherever it is in the list, and if it is not. */
bool known_passwords_have(const struct known_passwords *known, const struct digest *digest, uint64_t now_ms);

void known_passwords_add(struct known_passwords *known, const struct digest *digest, uint64_t now_ms);

#endif
