/* Counts each request in the result; called for every answer. */
#include "load/run.h"

void run_count_sent(struct run *run, const struct asked *asked)
{
    if (!run_window_has(run, asked->due_us))
        return;
    run->result->sent++;
    run->result->targets[asked->target].sent++;
}

static bool is_right(const struct load_target *target, unsigned status)
{
    return target->status > 0 ? status == target->status : status >= 200 && status < 400;
}

static void count_error(struct run *run, enum load_error kind, int error, bool is_measured)
{
    run->errors++;
    if (run->result->system_errors[kind] == 0)
        run->result->system_errors[kind] = error;
    run->result->errors[kind] += is_measured;
}

void run_count_answer(struct run *run, const struct asked *asked, unsigned status, uint64_t now)
{
    struct load_target_result *target = &run->result->targets[asked->target];
    bool is_measured = run_window_has(run, asked->due_us);
    bool is_good = is_right(&run->plan.targets[asked->target], status);
    run->answers += is_good;
    if (is_measured)
        run->result->status_classes[MIN(status / 100, 5u)]++;
    if (!is_good) {
        run->result->wrong_statuses[MIN(status, LOAD_STATUS_MAX)] += is_measured;
        count_error(run, LOAD_ERROR_STATUS, 0, is_measured);
        return;
    }
    if (!is_measured)
        return;
    run->last_answer_us = now;
    target->answers++;
    histogram_record(&target->latency, now - asked->due_us);
    if (run->plan.rate > 0)
        histogram_record(&target->service, now - asked->sent_us);
}

void run_count_lost(struct run *run, const struct asked *asked, enum load_error kind, int error)
{
    count_error(run, kind, error, run_window_has(run, asked->due_us));
}

void run_count_unconnected(struct run *run, enum load_error kind, int error)
{
    count_error(run, kind, error, true);
}
