/* A short list, searched from its beginning: while it is full of others nobody is missed who goes on. */
#include "serve/offences.h"

#include "serve/forwarded.h"

static void on_report_time(struct timer *timer)
{
    struct offences *offences = CONTAINER_OF(timer, struct offences, timer);
    if (offences->report(offences->context, offences->list, offences->count))
        offences->count = 0;
    else
        wheel_arm(offences->wheel, timer, OFFENCES_REPORT_MS);
}

void offences_init(struct offences *offences, struct wheel *wheel,
                   bool (*report)(void *context, const struct offence *list, size_t count), void *context)
{
    *offences = (struct offences){.wheel = wheel, .report = report, .context = context};
    timer_init(&offences->timer, on_report_time);
}

void offences_finish(struct offences *offences)
{
    if (offences->wheel)
        timer_disarm(&offences->timer);
}

/* Whose packets are blocked with the peer's. */
static struct xdp_address offences_address(const struct peer *peer)
{
    struct peer part = peer_client(peer);
    struct xdp_address address = {{0}};
    if (part.family == AF_INET) {
        memset(address.bytes + 10, 0xff, 2);
        memcpy(address.bytes + 12, part.bytes, 4);
    } else {
        memcpy(address.bytes, part.bytes, sizeof(address.bytes));
    }
    return address;
}

static bool is_sender(const struct settings *settings, const struct peer *peer)
{
    bool has_address = peer->family == AF_INET || peer->family == AF_INET6;
    return has_address && !peer->is_proxied && !peer_is_trusted(settings, peer);
}

void offences_add(struct offences *offences, const struct settings *settings, const struct peer *peer)
{
    if (settings->shield.interface.length == 0 || !is_sender(settings, peer))
        return;
    struct xdp_address address = offences_address(peer);
    size_t i = 0;
    while (i < offences->count && memcmp(&offences->list[i].address, &address, sizeof(address)) != 0)
        i++;
    if (i == OFFENCES_MAX)
        return;
    if (i == offences->count)
        offences->list[offences->count++] = (struct offence){.address = address};
    offences->list[i].count++;
    if (!timer_is_armed(&offences->timer))
        wheel_arm(offences->wheel, &offences->timer, OFFENCES_REPORT_MS);
}
