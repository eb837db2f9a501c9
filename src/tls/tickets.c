/* Ticket keys in memory that other processes read while they change: a sequence lock. Readers copy, and
 * repeat the copy if the generation has changed. Changes are hours apart, and take less than a
 * microsecond. */
#include "tls/tickets.h"

#include "sys/clock.h"
#include "tls/pem.h"

#include <openssl/crypto.h>

static_assert(sizeof(struct tls_ticket_key) == 80, "the form of a file is not to change");

/* Only the master does this, so the generation is odd before only if something else has written to it. */
static void replace_keys(struct tls_ticket_keys *keys, const struct tls_ticket_key *from, uint32_t count)
{
    assert(count >= 1 && count <= TLS_TICKET_KEYS_MAX);
    uint32_t generation = keys->generation | 1;
    __atomic_exchange_n(&keys->generation, generation, __ATOMIC_ACQ_REL);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    memcpy(keys->keys, from, count * sizeof(*from));
    __atomic_store_n(&keys->count, count, __ATOMIC_RELEASE);
    __atomic_store_n(&keys->generation, generation + 1, __ATOMIC_RELEASE);
}

void tls_ticket_keys_rotate(struct tls_ticket_keys *keys)
{
    struct tls_ticket_key all[TLS_TICKET_KEYS_MAX];
    uint32_t count = MIN(keys->count, (uint32_t)TLS_TICKET_KEYS_MAX - 1) + 1;
    sys_random(&all[0], sizeof(all[0]));
    memcpy(all + 1, keys->keys, (count - 1) * sizeof(all[0]));
    replace_keys(keys, all, count);
    OPENSSL_cleanse(all, sizeof(all));
}

bool tls_ticket_keys_read_file(struct tls_ticket_keys *keys, const char *path, struct tls_report *report)
{
    struct buffer bytes;
    struct file_status status;
    struct tls_ticket_key all[TLS_TICKET_KEYS_MAX];
    buffer_init(&bytes, TLS_FILE_BYTES_MAX);
    bool is_read = tls_pem_read_file(path, &bytes, &status, report);
    size_t count = bytes.length / sizeof(all[0]);
    bool is_good = count >= 1 && count <= ARRAY_LENGTH(all) && bytes.length % sizeof(all[0]) == 0;
    if (is_read && is_good) {
        memcpy(all, bytes.data, bytes.length);
        replace_keys(keys, all, (uint32_t)count);
        OPENSSL_cleanse(all, sizeof(all));
        tls_pem_warn_of_readers(path, &status, report);
    } else if (is_read) {
        tls_report_add(report, TLS_LEVEL_ERROR,
                       "%s: has %zu bytes; ticket keys are 1 to %d times 80 (openssl rand 80)", path,
                       bytes.length, TLS_TICKET_KEYS_MAX);
    }
    tls_pem_forget(&bytes);
    return is_read && is_good;
}

/* Far longer than a change takes. */
#define TRIES_MAX 100000

/* A copy that no change went through. No keys, if a process that was killed or taken over has left them as if
 * one were under way: the next change mends that. */
static void read_keys(const struct tls_ticket_keys *keys, struct tls_ticket_keys *ret_copy)
{
    for (unsigned i = 0; i < TRIES_MAX; i++) {
        uint32_t generation = __atomic_load_n(&keys->generation, __ATOMIC_ACQUIRE);
        memcpy(ret_copy, keys, sizeof(*ret_copy));
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
        ret_copy->count = MIN(ret_copy->count, (uint32_t)TLS_TICKET_KEYS_MAX);
        if (generation % 2 == 0 && generation == __atomic_load_n(&keys->generation, __ATOMIC_RELAXED))
            return;
    }
    ret_copy->count = 0;
}

bool tls_ticket_keys_newest(const struct tls_ticket_keys *keys, struct tls_ticket_key *ret_key)
{
    struct tls_ticket_keys copy;
    read_keys(keys, &copy);
    bool has_keys = copy.count > 0;
    if (has_keys)
        *ret_key = copy.keys[0];
    OPENSSL_cleanse(&copy, sizeof(copy));
    return has_keys;
}

bool tls_ticket_keys_find(const struct tls_ticket_keys *keys, const uint8_t name[TLS_TICKET_NAME_BYTES],
                          struct tls_ticket_key *ret_key, bool *ret_is_newest)
{
    struct tls_ticket_keys copy;
    bool is_found = false;
    read_keys(keys, &copy);
    for (uint32_t i = 0; i < copy.count && !is_found; i++) {
        is_found = memcmp(copy.keys[i].name, name, TLS_TICKET_NAME_BYTES) == 0;
        if (is_found) {
            *ret_key = copy.keys[i];
            *ret_is_newest = i == 0;
        }
    }
    OPENSSL_cleanse(&copy, sizeof(copy));
    return is_found;
}
