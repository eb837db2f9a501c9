/* A ring of counts. What is "clearly more" must not depend on how many requests there are: one error of two
 * requests says little, and so do ten more of a million. */
#include "proc/error_watch.h"

#include "base/compiler.h"

#define ERRORS_LEAST 5
#define TIMES_MORE   2
#define SHARE_MORE   0.01

void error_watch_look(struct error_watch *watch, const struct error_figures *now, uint64_t now_ms)
{
    assert(watch->next < ERROR_WATCH_SAMPLES);
    if (now_ms < watch->next_ms)
        return;
    watch->next_ms = now_ms + ERROR_WATCH_INTERVAL_MS;
    watch->samples[watch->next] = *now;
    watch->next = (watch->next + 1) % ERROR_WATCH_SAMPLES;
}

void error_watch_restart(struct error_watch *watch, const struct error_figures *now)
{
    for (size_t i = 0; i < ERROR_WATCH_SAMPLES; i++)
        watch->samples[i] = *now;
}

struct error_figures error_figures_since(const struct error_figures *then, const struct error_figures *now)
{
    return (struct error_figures){.requests = now->requests - then->requests,
                                  .errors = now->errors - then->errors};
}

struct error_figures error_watch_before(const struct error_watch *watch, const struct error_figures *now)
{
    return error_figures_since(&watch->samples[watch->next], now);
}

/* A handshake that fails is an error without a request. */
double error_figures_share(const struct error_figures *figures)
{
    uint64_t all = MAX(figures->requests, figures->errors);
    return all > 0 ? (double)figures->errors / (double)all : 0;
}

bool error_figures_are_worse(const struct error_figures *before, const struct error_figures *after)
{
    return after->errors >= ERRORS_LEAST &&
           error_figures_share(after) > TIMES_MORE * error_figures_share(before) + SHARE_MORE;
}
