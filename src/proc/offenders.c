/* A hash map for finding them and a list for their age. Whose time is over is forgotten when anybody is
 * added. */
#include "proc/offenders.h"

#include <stdlib.h>

struct offender {
    struct map_link by_address;
    struct list by_age;
    struct list of_reporter;
    size_t reporter; /* that named it first */
    struct xdp_address address;
    uint64_t began_ms;
    uint64_t offences;
};

void offenders_init(struct offenders *offenders, const struct hash_key *key)
{
    *offenders = (struct offenders){.key = *key};
    map_init(&offenders->by_address);
    list_init(&offenders->by_age);
    for (size_t i = 0; i < OFFENDERS_REPORTERS_MAX; i++)
        list_init(&offenders->reporters[i].named);
}

static void offender_forget(struct offenders *offenders, struct offender *offender)
{
    assert(offenders->reporters[offender->reporter].count > 0);
    map_remove(&offenders->by_address, &offender->by_address);
    list_remove(&offender->by_age);
    list_remove(&offender->of_reporter);
    offenders->reporters[offender->reporter].count--;
    free(offender);
}

static struct offender *offender_first(const struct offenders *offenders)
{
    const struct list *first = offenders->by_age.next;
    return list_is_empty(&offenders->by_age) ? NULL : CONTAINER_OF(first, struct offender, by_age);
}

void offenders_finish(struct offenders *offenders)
{
    for (struct offender *offender; (offender = offender_first(offenders)) != NULL;)
        offender_forget(offenders, offender);
    map_finish(&offenders->by_address);
}

static void forget_old(struct offenders *offenders, uint32_t within_ms, uint64_t now_ms)
{
    struct offender *first;
    while ((first = offender_first(offenders)) != NULL && now_ms - first->began_ms >= within_ms)
        offender_forget(offenders, first);
}

static struct offender *offender_find(const struct offenders *offenders, const struct xdp_address *address,
                                      uint64_t hash)
{
    struct map_link *link = map_find(&offenders->by_address, hash);
    for (; link; link = map_find_next(link)) {
        struct offender *offender = CONTAINER_OF(link, struct offender, by_address);
        if (memcmp(&offender->address, address, sizeof(*address)) == 0)
            return offender;
    }
    return NULL;
}

/* Returns NULL if out of memory. */
static struct offender *offender_add(struct offenders *offenders, size_t reporter,
                                     const struct xdp_address *address, uint64_t hash, uint64_t now_ms)
{
    struct list *named = &offenders->reporters[reporter].named;
    if (offenders->reporters[reporter].count == OFFENDERS_MAX)
        offender_forget(offenders, CONTAINER_OF(named->next, struct offender, of_reporter));
    struct offender *offender = calloc(1, sizeof(*offender));
    if (offender == NULL || map_insert(&offenders->by_address, &offender->by_address, hash) < 0) {
        free(offender);
        return NULL;
    }
    offender->address = *address;
    offender->reporter = reporter;
    offender->began_ms = now_ms;
    list_append(&offenders->by_age, &offender->by_age);
    list_append(named, &offender->of_reporter);
    offenders->reporters[reporter].count++;
    return offender;
}

bool offenders_add(struct offenders *offenders, size_t reporter, const struct offence *offence,
                   const struct offender_rule *rule, uint64_t now_ms)
{
    const struct xdp_address *address = &offence->address;
    uint64_t hash = hash_bytes(&offenders->key, slice_make((const char *)address, sizeof(*address)));
    assert(reporter < OFFENDERS_REPORTERS_MAX);
    forget_old(offenders, rule->within_ms, now_ms);
    struct offender *offender = offender_find(offenders, address, hash);
    if (offender == NULL)
        offender = offender_add(offenders, reporter, address, hash, now_ms);
    if (offender == NULL)
        return false;
    offender->offences += offence->count;
    if (offender->offences < rule->offences)
        return false;
    offender_forget(offenders, offender);
    return true;
}
