/* The slowest requests of a worker in the last ten minutes, in memory that all processes share. */
#ifndef LOG_SLOWEST_H
#define LOG_SLOWEST_H

#include "base/slice.h"
#include "log/phases.h"
#include "log/shared_copy.h"

#define SLOWEST_MAX     8
#define SLOWEST_SECONDS 600

/* Texts are cut, and end with a NUL. */
struct slow_request {
    int64_t when_seconds; /* since 1970; 0: no request */
    uint64_t duration_us;
    struct request_phases phases;
    int status;
    char method[16];
    char host[64];
    char target[128];
    char request_id[40];
};

struct slowest {
    atomic_uint version;
    struct slow_request list[SLOWEST_MAX];
    uint64_t least_us;      /* what does not take longer is not among them; */
    int64_t expiry_seconds; /* until then */
};

/* Whether a request that has ended now is among them: quick. */
static inline bool slowest_wants(const struct slowest *slowest, uint64_t duration_us, int64_t now_seconds)
{
    return duration_us > slowest->least_us || now_seconds >= slowest->expiry_seconds;
}

/* Adds it, in place of one that is too old, or of the quickest. */
void slowest_add(struct slowest *slowest, const struct slow_request *request);

/* A new worker begins with what the one before it in this place has left. */
void slowest_begin(struct slowest *slowest);

/* Fills a text of a struct slow_request. */
void slow_request_put(char *text, size_t size, struct slice value);

#endif
