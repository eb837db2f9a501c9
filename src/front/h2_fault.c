/* Each kind of flood has a counter. Other faults are logged for debugging clients. */
#include "front/h2_fault.h"

#include "front/front.h"
#include "h2/h2.h"

void h2_fault_log(struct front *front, const struct h2 *engine)
{
    enum h2_flood flood = h2_flood(engine);
    if (h2_fault(engine) == NULL)
        return;
    if (flood == H2_FLOOD_NONE) {
        log_debug(front->service->log, "HTTP/2: a connection ends: %s", h2_fault(engine));
        return;
    }
    uint64_t *counts[H2_FLOOD_COUNT] = {
        [H2_FLOOD_RESETS] = &front->counters->h2_resets,
        [H2_FLOOD_CONTINUATIONS] = &front->counters->h2_continuations,
        [H2_FLOOD_HEADERS] = &front->counters->h2_headers,
        [H2_FLOOD_SETTINGS] = &front->counters->h2_settings,
        [H2_FLOOD_PINGS] = &front->counters->h2_pings,
        [H2_FLOOD_PRIORITIES] = &front->counters->h2_priorities,
        [H2_FLOOD_EMPTY_FRAMES] = &front->counters->h2_empty_frames,
        [H2_FLOOD_WINDOWS] = &front->counters->h2_windows,
        [H2_FLOOD_FAULTS] = &front->counters->h2_faults,
        [H2_FLOOD_QUEUE] = &front->counters->h2_queue,
    };
    ++*counts[flood];
    log_info(front->service->log, "HTTP/2: a connection is closed for too many %s", h2_fault(engine));
}
