/* The beginning and the end of a run's kernel. */
#include "datagrams.h"

/* A fifth of the runs has so few descriptors that they do not last. */
#define DESCRIPTORS_FEW 14
#define DESCRIPTORS_MAX 1100

static size_t descriptor_limit(void)
{
    struct sim_chance chance = sim_chance_for("descriptors", 0);
    return sim_one_in(&chance, 5) ? DESCRIPTORS_FEW + sim_below(&chance, 40) : DESCRIPTORS_MAX;
}

void kernel_start(const struct kernel_options *options)
{
    trace_start(options);
    calls_start();
    serving_start();
    memory_start();
    time_start();
    faults_start(options);
    descriptors_start(descriptor_limit());
    network_start();
    datagrams_start();
    files_start();
    file_calls_start();
    clock_calls_start();
    offload_start();
    kernel_watch_server(&(struct kernel_watch){0});
}

void kernel_check_nothing_is_left(void)
{
    if (descriptors_open() > 0) {
        descriptors_list();
        sim_fail("%zu descriptors were left open", descriptors_open());
    }
    if (network_server_ends() > 0)
        sim_fail("%zu connections were left open", network_server_ends());
    if (memory_blocks() > 0)
        sim_fail("%zu blocks of memory were not freed", memory_blocks());
}

void kernel_finish(void)
{
    kernel_enter(SIDE_WORLD);
    descriptors_finish();
    network_finish();
    datagrams_finish();
    files_finish();
    time_finish();
}
