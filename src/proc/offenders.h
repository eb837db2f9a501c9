/* Counts the offences of clients, and says when one has too many: so many within a time that begins with its
 * first one. Has no clock of its own and does no I/O. */
#ifndef PROC_OFFENDERS_H
#define PROC_OFFENDERS_H

#include "base/hash.h"
#include "base/list.h"
#include "base/map.h"
#include "serve/offences.h"

/* Clients that are counted at a time for each reporter: of more, the one that it named first is forgotten. So
 * a reporter that makes clients up pushes out its own ones. */
#define OFFENDERS_MAX           1024
#define OFFENDERS_REPORTERS_MAX 1024

struct offenders {
    struct map by_address;
    struct list by_age; /* the one that began first is the first */
    struct hash_key key;
    struct {
        struct list named; /* by it first, in order */
        unsigned count;
    } reporters[OFFENDERS_REPORTERS_MAX];
};

struct offender_rule {
    uint32_t offences;
    uint32_t within_ms;
};

void offenders_init(struct offenders *offenders, const struct hash_key *key);
void offenders_finish(struct offenders *offenders);

/* What a reporter says: offences of a client. Returns true if those of all reporters are as many as the rule
 * says: then it is counted anew. */
bool offenders_add(struct offenders *offenders, size_t reporter, const struct offence *offence,
                   const struct offender_rule *rule, uint64_t now_ms);

/* How many clients are counted. */
static inline size_t offenders_count(const struct offenders *offenders)
{
    return offenders->by_address.count;
}

#endif
