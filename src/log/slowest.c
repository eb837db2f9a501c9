/* A short list without order: whoever shows it sorts it. */
#include "log/slowest.h"

#include "base/compiler.h"

/* What comes first in the list to be replaced: what is too old, or missing, then what is quick. */
static uint64_t worth(const struct slow_request *request, int64_t now_seconds)
{
    bool is_old = now_seconds - request->when_seconds >= SLOWEST_SECONDS;
    return is_old || request->when_seconds > now_seconds ? 0 : request->duration_us + 1;
}

static void find_least(struct slowest *slowest, int64_t now_seconds)
{
    uint64_t least = UINT64_MAX;
    int64_t oldest_seconds = now_seconds;
    for (size_t i = 0; i < SLOWEST_MAX; i++) {
        least = MIN(least, worth(&slowest->list[i], now_seconds));
        oldest_seconds = MIN(oldest_seconds, slowest->list[i].when_seconds);
    }
    slowest->least_us = least > 0 ? least - 1 : 0;
    slowest->expiry_seconds = MAX(oldest_seconds + SLOWEST_SECONDS, now_seconds + 1);
}

void slowest_add(struct slowest *slowest, const struct slow_request *request)
{
    int64_t now_seconds = request->when_seconds;
    struct slow_request *place = &slowest->list[0];
    for (size_t i = 1; i < SLOWEST_MAX; i++) {
        if (worth(&slowest->list[i], now_seconds) < worth(place, now_seconds))
            place = &slowest->list[i];
    }
    if (worth(place, now_seconds) <= request->duration_us) {
        shared_write_begin(&slowest->version);
        *place = *request;
        shared_write_end(&slowest->version);
    }
    find_least(slowest, now_seconds);
}

void slowest_begin(struct slowest *slowest)
{
    if (atomic_load(&slowest->version) % 2 == 0)
        return;
    shared_write_begin(&slowest->version);
    memset(slowest->list, 0, sizeof(slowest->list));
    slowest->least_us = 0;
    shared_write_end(&slowest->version);
}

void slow_request_put(char *text, size_t size, struct slice value)
{
    size_t length = MIN(value.length, size - 1);
    if (length > 0)
        memcpy(text, value.data, length);
    text[length] = '\0';
}
