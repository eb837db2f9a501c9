/* Noting when things happen, and the differences. */
#include "serve/timing.h"

#include "serve/request_id.h"
#include "serve/service.h"
#include "sys/address.h"

static uint64_t timing_now(const struct exchange *exchange)
{
    return loop_clock_us(exchange->service->loop);
}

/* NULL if durations are not measured, or memory has run out. */
static struct exchange_record *timing_record(struct exchange *exchange)
{
    return exchange->began_us ? exchange_record_of(exchange) : NULL;
}

void timing_note_accept(struct exchange *exchange, uint64_t duration_us)
{
    struct exchange_record *record = duration_us > 0 ? timing_record(exchange) : NULL;
    if (record)
        record->accept_us = duration_us;
}

void timing_note_head(struct exchange *exchange, uint64_t duration_us)
{
    struct exchange_record *record = timing_record(exchange);
    if (record)
        record->head_us = duration_us;
}

void timing_note_queued(struct exchange *exchange)
{
    struct exchange_record *record = timing_record(exchange);
    if (record == NULL)
        return;
    record->queued_us = timing_now(exchange);
    record->job_began_us = 0;
}

void timing_note_job(struct exchange *exchange)
{
    /* Before a job is submitted the record is there, if it is ever. */
    if (exchange->began_us && exchange->record)
        exchange->record->job_began_us = timing_now(exchange);
}

void timing_note_return(struct exchange *exchange)
{
    struct exchange_record *record = exchange->record;
    if (record && record->job_began_us)
        record->queue_us += record->job_began_us - record->queued_us;
    if (record)
        record->queued_us = record->job_began_us = 0;
}

void timing_note_response(struct exchange *exchange)
{
    struct exchange_record *record = timing_record(exchange);
    if (record == NULL)
        return;
    record->responded_us = timing_now(exchange);
    record->waited_us = record->queue_us;
}

/* A response without a time of its own was there at once: all of the time is that of sending it. */
bool timing_phases(const struct exchange *exchange, uint64_t duration_us, struct request_phases *ret_phases)
{
    const struct exchange_record *record = exchange->record;
    if (record == NULL || (record->responded_us == 0 && record->queue_us == 0 && record->head_us == 0 &&
                           record->accept_us == 0))
        return false;
    bool has_response = exchange->is_responded;
    uint64_t responded_us = MAX(record->responded_us, exchange->began_us);
    uint64_t made_us = has_response ? MIN(responded_us - exchange->began_us, duration_us) : duration_us;
    uint64_t waited_us = has_response ? record->waited_us : record->queue_us;
    uint64_t upstream_us = exchange->upstream ? exchange->upstream->head_us : 0;
    uint64_t sent_us = duration_us - made_us, waited_later_us = record->queue_us - waited_us;
    *ret_phases = (struct request_phases){0};
    ret_phases->us[PHASE_ACCEPT] = record->accept_us;
    ret_phases->us[PHASE_HEAD] = record->head_us;
    ret_phases->us[PHASE_QUEUE] = record->queue_us;
    ret_phases->us[PHASE_HANDLER] = made_us - MIN(made_us, waited_us + upstream_us);
    ret_phases->us[PHASE_UPSTREAM] = upstream_us;
    ret_phases->us[PHASE_SEND] = sent_us - MIN(sent_us, waited_later_us);
    return true;
}

static void timing_put_phases(const struct request_phases *phases, struct buffer *out)
{
    static const char *const names[] = {
#define X(member, name, text) name,
        PHASE_TABLE(X)
#undef X
    };
    for (size_t i = PHASE_ACCEPT; i < PHASE_COUNT; i++)
        buffer_printf(out, "%s%s %.1f", i > PHASE_ACCEPT ? ", " : "", names[i], (double)phases->us[i] / 1000);
}

void timing_log_slow(struct exchange *exchange, uint64_t duration_us, const struct request_phases *phases)
{
    char client[ADDRESS_TEXT_BYTES_MAX], id[REQUEST_ID_TEXT_BYTES];
    struct address address = peer_address(exchange->client);
    struct slice target = exchange->request.target;
    struct buffer text;
    buffer_init(&text, 256);
    timing_put_phases(phases, &text);
    log_warning(exchange->service->log, "slow: %.1f ms (%.*s): %.*s %.*s, status %d, for %.*s%s",
                (double)duration_us / 1000, SLICE_ARGS(buffer_slice(&text)),
                SLICE_ARGS(exchange->request.method_text),
                SLICE_ARGS(slice_take(target, MIN(target.length, (size_t)256))),
                exchange->is_responded ? exchange->response.status : ACCESS_LOG_NO_RESPONSE,
                (int)address_format_host(&address, client), client, request_id_text(exchange, id));
    buffer_finish(&text);
}
