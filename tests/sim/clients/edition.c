/* Reigns are noted as the run tells of them. */
#include "edition.h"

static const char *const marks[SIM_EDITIONS_MAX] = {NULL, "second", "third"};
static const char *const bodies[SIM_EDITIONS_MAX] = {"Fixed, word for word.\n", "Fixed in another way.\n",
                                                     "Fixed once more, and a little longer.\n"};

void editions_init(struct editions *editions, bool server_field)
{
    *editions = (struct editions){
        .all[0] = {.server_field = server_field, .fixed_body = bodies[0]},
        .reigns[0] = {.edition = &editions->all[0], .until_us = UINT64_MAX},
        .reign_count = 1,
    };
}

void edition_choose(struct edition *edition, size_t number, struct sim_chance *chance)
{
    *edition = (struct edition){
        .mark = marks[number],
        .server_field = sim_one_in(chance, 2),
        .fixed_body = bodies[number],
        .docs_moved = sim_one_in(chance, 2),
    };
}

size_t editions_begin_reign(struct editions *editions, size_t edition)
{
    assert(editions->reign_count < REIGNS_MAX);
    editions->reigns[editions->reign_count] =
        (struct reign){.edition = &editions->all[edition], .from_us = sim_now_us(), .until_us = UINT64_MAX};
    return editions->reign_count++;
}

void editions_decide_reign(struct editions *editions, size_t reign, bool is_taken)
{
    if (!is_taken) {
        editions->reigns[reign].from_us = UINT64_MAX;
        return;
    }
    editions->reigns[editions->in_force].until_us = sim_now_us();
    editions->in_force = reign;
}
