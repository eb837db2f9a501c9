/* What watches the server from where its insides are known: tests/sim/inside.c. */
#include "internal.h"

static struct kernel_watch watch;

void kernel_watch_server(const struct kernel_watch *wanted)
{
    watch = *wanted;
}

const struct kernel_watch *kernel_watched(void)
{
    return &watch;
}
