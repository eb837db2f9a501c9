/* Choosing a server: pure functions of what is known about the servers. They know no request, no clock and no
 * connection, so that tables can test them.
 *
 * Sets of servers are bits of a 64-bit word, by index. */
#ifndef PROXY_BALANCE_H
#define PROXY_BALANCE_H

#include "base/slice.h"
#include "settings/settings.h"

/* Weights are multiplied by this, so that a server that starts slowly can have a part of its weight. */
#define BALANCE_WEIGHT_UNIT 100

/* With `hash`, no server gets more than this part of its share of the requests in progress, in percent. */
#define BALANCE_BOUND_PERCENT 125

struct balance_server {
    uint32_t weight;  /* in 1/BALANCE_WEIGHT_UNIT; 0: it gets nothing new */
    uint32_t in_use;  /* requests that it has */
    uint32_t limit;   /* of requests at once; 0: none */
    uint32_t time_us; /* how long it takes for an answer; 0: not known */
    uint64_t hash;    /* of its name: the same in every process and on every machine */
    bool is_backup;
    bool is_out; /* it should get no requests: it is not healthy */
};

/* The servers that a request may go to, of those not in `tried`: those in use that are healthy; if there are
 * none, the backups that are healthy; if there are none, the servers in use, and then the backups, healthy or
 * not. If fewer than `panic_percent` of the servers in use are healthy, it does not count who is.
 * Servers without weight are in none of these sets. */
uint64_t balance_candidates(const struct balance_server *servers, unsigned count, uint64_t tried,
                            unsigned panic_percent);

/* Those of a set that are below their limit. */
uint64_t balance_with_room(const struct balance_server *servers, uint64_t set);

/* The functions below choose from a set that is not empty. */

/* The next one in turn, by weight (smooth weighted round robin): of 2:1, every third request goes to the
 * second. `turns` belongs to the caller: one for each server, 0 at first. */
unsigned balance_in_turn(const struct balance_server *servers, uint64_t set, int64_t *turns);

/* The one with the fewest requests for its weight; of equal ones the first from `start` on. */
unsigned balance_least_connections(const struct balance_server *servers, uint64_t set, unsigned start);

/* Of two, chosen by `random`, the one that is likely to answer sooner: by its time and the requests that it
 * has. */
unsigned balance_least_time(const struct balance_server *servers, uint64_t set, uint64_t random);

/* The one that `key` belongs to (rendezvous hashing: if a server comes or goes, only the keys that it gets or
 * had change their server). If it has more than its share of the requests, the next one for that key. */
unsigned balance_by_hash(const struct balance_server *servers, uint64_t set, uint64_t key);

/* The weight, in units, of a server that has been in use for `age_ms`. It rises from a tenth to all of it. */
uint32_t balance_starting_weight(uint32_t weight, uint64_t age_ms, uint32_t slow_start_ms);

/* The average time after one more measurement: each counts for an eighth. */
uint32_t balance_average_us(uint32_t average_us, uint64_t time_us);

/* What an average means that was measured `age_ms` ago: it halves with each second, so that a server that was
 * slow is tried again. */
uint32_t balance_aged_us(uint32_t average_us, uint64_t age_ms);

#endif
