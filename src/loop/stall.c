/* The waiting time is read at the beginning of a turn, but at most once in ASK_INTERVAL_NS, and after a
 * callback that was slow by the clock. This costs at most a microsecond in ten milliseconds. */
#include "loop/stall.h"

#include "base/compiler.h"
#include "sys/process.h"
#include "sys/socket.h"

#define ASK_INTERVAL_NS UINT64_C(10000000)

void stall_meter_open(struct stall_meter *meter, uint64_t now_ns)
{
    *meter = (struct stall_meter){.fd = sys_waiting_open(), .next_ask_ns = UINT64_MAX};
    if (meter->fd >= 0)
        stall_meter_ask(meter, now_ns);
}

void stall_meter_disable(struct stall_meter *meter)
{
    *meter = (struct stall_meter){.fd = -1, .next_ask_ns = UINT64_MAX};
}

void stall_meter_close(struct stall_meter *meter)
{
    if (meter->fd >= 0)
        sys_close(meter->fd);
    stall_meter_disable(meter);
}

void stall_meter_ask(struct stall_meter *meter, uint64_t now_ns)
{
    meter->waited_ns = sys_waiting_ns(meter->fd);
    meter->next_ask_ns = now_ns + ASK_INTERVAL_NS;
}

uint64_t stall_meter_own_ns(struct stall_meter *meter, uint64_t duration_ns, uint64_t now_ns)
{
    if (meter->fd < 0)
        return duration_ns;
    uint64_t before_ns = meter->waited_ns;
    stall_meter_ask(meter, now_ns);
    uint64_t waited_ns = meter->waited_ns - before_ns;
    return duration_ns - MIN(waited_ns, duration_ns);
}
