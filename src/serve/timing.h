/* Where the time of a request goes. Nothing is noted of a request that is answered at once, in the callback
 * that read it: it costs nothing, and there is nothing to tell apart. */
#ifndef SERVE_TIMING_H
#define SERVE_TIMING_H

#include "log/phases.h"
#include "serve/exchange.h"

/* So long was its connection open when its first byte came. 0: nothing to note. */
void timing_note_accept(struct exchange *exchange, uint64_t duration_us);

/* The head took so long. */
void timing_note_head(struct exchange *exchange, uint64_t duration_us);

/* A job is about to be submitted; a thread has it (on that thread); it is back. */
void timing_note_queued(struct exchange *exchange);
void timing_note_job(struct exchange *exchange);
void timing_note_return(struct exchange *exchange);

/* There is a response. */
void timing_note_response(struct exchange *exchange);

/* The phases of a request that has ended after `duration_us`. Returns false if nothing was noted. */
bool timing_phases(const struct exchange *exchange, uint64_t duration_us, struct request_phases *ret_phases);

/* Logs a request that took longer than `log.slow`. */
void timing_log_slow(struct exchange *exchange, uint64_t duration_us, const struct request_phases *phases);

#endif
