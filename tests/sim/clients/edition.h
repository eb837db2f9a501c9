/* Editions: the settings that a run has, one of which is in force at a time, and when each of them was.
 *
 * They differ in what shows in answers, so that the oracle sees by which of them a request was answered, and
 * in bounds. A request may be answered by any that was in force when it can have begun, and wholly by that
 * one. */
#ifndef SIM_CLIENTS_EDITION_H
#define SIM_CLIENTS_EDITION_H

#include "settings/settings.h"
#include "sim.h"

struct edition {
    const char *mark; /* X-Edition of all that comes from a route; NULL: no such header */
    bool server_field;
    const char *fixed_body; /* of "/fixed" */
    bool docs_moved;        /* "/docs/" is another folder with files of the same names */
};

/* A time in which an edition was in force, or may have been. */
struct reign {
    const struct edition *edition;
    uint64_t from_us;  /* when the server was told; both included */
    uint64_t until_us; /* when the next one was said to be in force */
};

#define REIGNS_MAX 40

struct editions {
    struct edition all[SIM_EDITIONS_MAX];
    struct reign reigns[REIGNS_MAX];
    size_t reign_count;
    size_t in_force; /* of the reigns: the one that was taken last */
};

/* The first one is in force from the beginning. */
void editions_init(struct editions *editions, bool server_field);

/* What a later one differs in. */
void edition_choose(struct edition *edition, size_t number, struct sim_chance *chance);

/* The server is given the edition with this number: its reign may have begun. Returns which reign that is. */
size_t editions_begin_reign(struct editions *editions, size_t edition);

/* It has begun for certain, and that of the one before is over; or it was none. */
void editions_decide_reign(struct editions *editions, size_t reign, bool is_taken);

#endif
