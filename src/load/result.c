/* Figures derived from a result, and merging the results of threads. */
#include "load/load.h"

/* Fractions: of a core; of the requests due; of the requests sent. */
#define BUSY_SHARE_MAX 0.9
#define KEPT_SHARE_MIN 0.99
#define LATE_SHARE_MAX 0.01

const char *const load_error_names[LOAD_ERROR_COUNT] = {
#define X(member, name, text) [LOAD_ERROR_##member] = name,
    LOAD_ERROR_TABLE(X)
#undef X
};

const char *const load_error_texts[LOAD_ERROR_COUNT] = {
#define X(member, name, text) [LOAD_ERROR_##member] = text,
    LOAD_ERROR_TABLE(X)
#undef X
};

void load_result_latency(const struct load_result *result, struct histogram *ret_all)
{
    memset(ret_all, 0, sizeof(*ret_all));
    for (size_t i = 0; i < result->target_count; i++)
        histogram_merge(ret_all, &result->targets[i].latency);
}

void load_result_service(const struct load_result *result, struct histogram *ret_all)
{
    memset(ret_all, 0, sizeof(*ret_all));
    for (size_t i = 0; i < result->target_count; i++)
        histogram_merge(ret_all, &result->targets[i].service);
}

double load_result_rate(const struct load_result *result)
{
    return result->elapsed_us == 0 ? 0 : (double)result->answers * 1e6 / (double)result->elapsed_us;
}

uint64_t load_result_errors(const struct load_result *result)
{
    uint64_t count = 0;
    for (unsigned i = 0; i < LOAD_ERROR_COUNT; i++)
        count += result->errors[i];
    return count;
}

bool load_result_is_client_bound(const struct load_result *result)
{
    return result->cpu_share_most > BUSY_SHARE_MAX;
}

bool load_result_is_client_late(const struct load_result *result)
{
    return (double)result->late > LATE_SHARE_MAX * (double)result->sent;
}

bool load_result_kept_rate(const struct load_result *result)
{
    return (double)result->sent >= KEPT_SHARE_MIN * (double)result->due;
}

static void merge_target(struct load_target_result *to, const struct load_target_result *from)
{
    to->sent += from->sent;
    to->answers += from->answers;
    histogram_merge(&to->latency, &from->latency);
    histogram_merge(&to->service, &from->service);
}

void load_result_merge(struct load_result *to, const struct load_result *from)
{
    to->elapsed_us = MAX(to->elapsed_us, from->elapsed_us);
    to->due += from->due;
    to->sent += from->sent;
    to->answers += from->answers;
    for (size_t i = 0; i < ARRAY_LENGTH(to->status_classes); i++)
        to->status_classes[i] += from->status_classes[i];
    for (unsigned i = 0; i <= LOAD_STATUS_MAX; i++)
        to->wrong_statuses[i] += from->wrong_statuses[i];
    for (unsigned i = 0; i < LOAD_ERROR_COUNT; i++) {
        to->errors[i] += from->errors[i];
        if (to->system_errors[i] == 0)
            to->system_errors[i] = from->system_errors[i];
    }
    to->bytes_received += from->bytes_received;
    to->bytes_sent += from->bytes_sent;
    to->connects += from->connects;
    to->open_most += from->open_most;
    to->was_stopped |= from->was_stopped;
    to->threads += from->threads;
    to->cpu_us += from->cpu_us;
    to->waiting_us += from->waiting_us;
    to->late += from->late;
    to->cpu_share_most = MAX(to->cpu_share_most, from->cpu_share_most);
    to->target_count = MAX(to->target_count, from->target_count);
    for (size_t i = 0; i < from->target_count; i++)
        merge_target(&to->targets[i], &from->targets[i]);
}
