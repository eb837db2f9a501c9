/* The answer to the command "figures", which `vif top` reads: a line for each figure, a word and numbers.
 * Unlike the text of the status it is for a program, of this or another version: unknown words are skipped.
 */
#include "proc/master_internal.h"

#include "sys/clock.h"

#include <inttypes.h>

#define FIGURES_BYTES_MAX (1u << 17)

static const struct {
    const char *name;
    size_t offset;
} figures[] = {
#define X(name, text) {#name, offsetof(struct counters, name)},
    COUNTER_TABLE(X)
#undef X
};

static uint64_t figure_of(const struct counters *counters, size_t offset)
{
    return *(const uint64_t *)(const void *)((const char *)counters + offset);
}

static void figures_put_sums(const struct master *master, struct buffer *out)
{
    for (size_t i = 0; i < ARRAY_LENGTH(figures); i++) {
        uint64_t sum = 0;
        for (size_t j = 0; j < master->worker_count; j++)
            sum += figure_of(&master->slots[j].counters, figures[i].offset);
        buffer_printf(out, "%s %" PRIu64 "\n", figures[i].name, sum);
    }
}

/* Of all classes of statuses, by bucket. */
static void figures_put_durations(const struct master *master, struct buffer *out)
{
    struct counters_view view = {
        .first = &master->slots->counters, .stride = sizeof(struct slot), .count = master->worker_count};
    uint64_t counts[DURATION_BUCKETS] = {0};
    for (size_t class = 0; class < STATUS_CLASSES; class ++) {
        struct duration_histogram of_class = counters_durations(&view, class);
        for (size_t i = 0; i < DURATION_BUCKETS; i++)
            counts[i] += of_class.counts[i];
    }
    buffer_printf(out, "durations");
    for (size_t i = 0; i < DURATION_BUCKETS; i++)
        buffer_printf(out, " %" PRIu64, counts[i]);
    buffer_printf(out, "\n");
}

static void figures_put_worker_figures(const struct master *master, size_t number, struct buffer *out)
{
    const struct counters *counters = &master->slots[number].counters;
    pid_t pid = master->supervisor.children[number].pid;
    if (pid > 0)
        buffer_printf(out, "worker %d %s %u %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", (int)pid,
                      master_state_of_worker(master, number), master->reload.links.list[number].taken,
                      counters->requests, counters->bytes_sent, counters->connections_open,
                      counters->connections_idle);
}

void master_answer_figures(const struct master *master, struct control_client *client)
{
    struct buffer out;
    buffer_init(&out, FIGURES_BYTES_MAX);
    buffer_printf(&out, "version " VIF_VERSION "\npid %d\nserves %s\nnow_ms %" PRIu64 "\nup_ms %" PRIu64 "\n",
                  (int)master->pid, master->options->title, sys_monotonic_ms(),
                  sys_monotonic_ms() - master->began_ms);
    buffer_printf(&out, "generation %u\n", master->reload.current.number);
    figures_put_sums(master, &out);
    figures_put_durations(master, &out);
    for (size_t i = 0; i < master->worker_count; i++)
        figures_put_worker_figures(master, i, &out);
    control_answer(client, out.failed ? CONTROL_FAILED : CONTROL_DONE, buffer_slice(&out));
    buffer_finish(&out);
}
