/* The kernel's map is the only record of who is blocked: so an upgrade passes on nothing but descriptors, and
 * a master that crashes leaves nothing behind. */
#include "proc/shield.h"

#include "base/error.h"
#include "sys/address.h"
#include "sys/clock.h"
#include "sys/memory.h"
#include "sys/process.h"

#include <errno.h>
#include <inttypes.h>

/* How often the log says what was dropped, while something is. */
#define TELL_MS 60000

int shield_init(struct shield *shield, struct log *log)
{
    struct hash_key key;
    sys_random(&key, sizeof(key));
    *shield = (struct shield){.log = log, .xdp = XDP_NONE, .next = XDP_NONE};
    offenders_init(&shield->offenders, &key);
    shield->figures = sys_shared_memory(sizeof(*shield->figures));
    return shield->figures ? 0 : -ENOMEM;
}

static void shield_tell_dropped(struct shield *shield, uint64_t now_ms)
{
    uint64_t packets = shield->totals.packets - shield->told.packets;
    uint64_t bytes = shield->totals.bytes - shield->told.bytes;
    if (packets > 0)
        log_info(shield->log,
                 "shield: %" PRIu64 " packets with %" PRIu64 " bytes were dropped; %u clients are blocked",
                 packets, bytes, shield->blocked);
    shield->told = shield->totals;
    shield->told_ms = now_ms;
}

/* The link stays if another vif has it. */
static void shield_close(struct shield *shield, bool leaves_link)
{
    if (!shield_is_on(shield))
        return;
    shield->totals = sys_xdp_totals(&shield->xdp);
    shield_tell_dropped(shield, 0);
    if (!shield->is_taken_over && !leaves_link)
        sys_xdp_detach(&shield->xdp);
    sys_xdp_close(&shield->xdp);
    shield->blocked = 0;
    shield->totals = shield->told = (struct xdp_totals){0};
}

void shield_finish(struct shield *shield)
{
    if (shield->log == NULL)
        return;
    shield_close(shield, false);
    shield_abandon(shield);
    offenders_finish(&shield->offenders);
    sys_shared_memory_free(shield->figures, sizeof(*shield->figures));
}

void shield_leave(struct shield *shield)
{
    sys_xdp_close(&shield->xdp);
    sys_xdp_close(&shield->next);
    offenders_finish(&shield->offenders);
}

/* ---- loading ---- */

const char *shield_fault_text(int error)
{
    switch (error) {
    case -EOPNOTSUPP: return "vif was built without libbpf, or the driver has no such mode";
    case -EPERM: return "it needs root, or CAP_BPF and CAP_NET_ADMIN, from the start of vif on";
    case -ENOSYS:
    case -EINVAL: return "the kernel has no XDP links (it needs Linux 5.9), or the driver refuses them";
    case -EBUSY:
    case -EEXIST: return "another XDP program is attached to the interface (see: ip link)";
    case -ENODEV: return "there is no such interface (see: ip link)";
    default: return error_text(error);
    }
}

int shield_try(void)
{
    struct xdp xdp = XDP_NONE;
    int error = sys_xdp_load(&xdp);
    sys_xdp_close(&xdp);
    return error;
}

static bool is_wanted_by(const struct settings *settings)
{
    return settings->shield.interface.length > 0;
}

static unsigned interface_of(const struct settings *settings)
{
    return sys_interface_find(settings->shield.interface.data);
}

static int shield_load(struct xdp *xdp, const struct settings *settings)
{
    unsigned interface = interface_of(settings);
    int error = interface == 0 ? -ENODEV : sys_xdp_load(xdp);
    if (error == 0)
        error = sys_xdp_attach(xdp, interface, (enum xdp_mode)settings->shield.mode);
    if (error < 0)
        sys_xdp_close(xdp);
    return error;
}

void shield_print_place(const struct shield *shield, struct buffer *out)
{
    buffer_printf(out, "%.*s (%s)", SLICE_ARGS(shield->settings->shield.interface),
                  shield->xdp.mode == XDP_NATIVE ? "native" : "generic");
}

static void shield_tell_place(struct shield *shield)
{
    struct buffer text;
    buffer_init(&text, 256);
    shield_print_place(shield, &text);
    log_info(shield->log, "shield: offenders are dropped at %.*s", SLICE_ARGS(buffer_slice(&text)));
    buffer_finish(&text);
}

static bool is_mode_of(const struct xdp *xdp, const struct settings *settings)
{
    int mode = settings->shield.mode;
    return mode == XDP_AUTO || mode == (int)xdp->mode;
}

/* By its name: an interface that is gone may come back. */
static bool is_same_interface(const struct shield *shield, const struct settings *next)
{
    return shield_is_on(shield) && slice_equal(shield->settings->shield.interface, next->shield.interface);
}

static int shield_take_over(struct shield *shield, struct xdp *inherited)
{
    shield->xdp = *inherited;
    *inherited = XDP_NONE;
    shield->is_taken_over = true;
    int error = sys_xdp_load(&shield->xdp);
    if (error < 0)
        sys_xdp_close(&shield->xdp);
    else
        shield->totals = shield->told = sys_xdp_totals(&shield->xdp); /* the former one has logged these */
    return error;
}

int shield_begin(struct shield *shield, const struct settings *settings, struct xdp *inherited)
{
    shield->settings = settings;
    if (!is_wanted_by(settings))
        return 0;
    bool is_inherited = inherited->link_fd >= 0 && inherited->interface == interface_of(settings);
    int error = is_inherited ? shield_take_over(shield, inherited) : shield_load(&shield->xdp, settings);
    if (error == 0) {
        shield_tell_place(shield);
        shield->look_ms = sys_monotonic_ms();
    } else {
        log_error(shield->log, "shield: it cannot be attached to %.*s: %s",
                  SLICE_ARGS(settings->shield.interface), shield_fault_text(error));
    }
    return error;
}

void shield_set_ports(struct shield *shield, const uint16_t *ports, size_t count)
{
    int error =
        shield_is_on(shield) && !shield->is_taken_over ? sys_xdp_set_ports(&shield->xdp, ports, count) : 0;
    if (error < 0)
        log_error(shield->log, "shield: it does not know all ports: %s", error_text(error));
}

void shield_hand_over(struct shield *shield)
{
    shield_close(shield, true);
}

/* ---- blocking ---- */

/* Whether the network contains the address, or is a part of what is blocked together with it. */
static bool network_meets(const struct network *network, const struct xdp_address *address)
{
    struct network wide = *network;
    bool is_mapped_v4 = memcmp(address->bytes, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12) == 0;
    if (!is_mapped_v4 && wide.address.family == AF_INET6)
        wide.bits = MIN(wide.bits, (uint8_t)64);
    return network_have(&wide, 1, AF_INET6, address->bytes);
}

static bool networks_meet(const struct network *networks, size_t count, const struct xdp_address *address)
{
    size_t i = 0;
    while (i < count && !network_meets(&networks[i], address))
        i++;
    return i < count;
}

/* Loopback and unspecified addresses, and the link itself: all neighbours are in one network of 64 bits
 * there. */
static bool is_local(const struct xdp_address *address)
{
    static const struct network local[] = {
        {{AF_INET, {127}}, 8},          {{AF_INET, {0}}, 8},
        {{AF_INET, {169, 254}}, 16},    {{AF_INET6, {0}}, 64},
        {{AF_INET6, {0xfe, 0x80}}, 10},
    };
    return networks_meet(local, ARRAY_LENGTH(local), address);
}

bool shield_exempts(const struct settings *settings, const struct xdp_address *address)
{
    return is_local(address) ||
           networks_meet(settings->shield.exempt, settings->shield.exempt_count, address) ||
           networks_meet(settings->trusted.networks, settings->trusted.network_count, address);
}

static bool may_block(struct shield *shield, uint64_t now_ms)
{
    if (shield->blocked < shield->settings->shield.addresses &&
        !second_count_is_full(&shield->recent, SHIELD_BLOCKS_PER_SECOND, now_ms)) {
        shield->recent.count++;
        return true;
    }
    shield->left_out++;
    uint64_t count = line_limit_add(&shield->full_lines, now_ms * 1000);
    if (count > 0)
        log_warning(shield->log,
                    "shield: %" PRIu64
                    " clients were not blocked: %u are (shield.addresses: %u), and at most %d more "
                    "in a second",
                    count, shield->blocked, shield->settings->shield.addresses, SHIELD_BLOCKS_PER_SECOND);
    return false;
}

static void log_block(struct shield *shield, const struct xdp_address *address, uint64_t now_ms)
{
    const struct shield_settings *settings = &shield->settings->shield;
    uint64_t count = line_limit_add(&shield->block_lines, now_ms * 1000);
    char text[ADDRESS_TEXT_BYTES_MAX];
    struct address shown = {.v6 = {.sin6_family = AF_INET6}};
    memcpy(&shown.v6.sin6_addr, address->bytes, sizeof(address->bytes));
    size_t length = address_format_host(&shown, text);
    bool is_v4 = IN6_IS_ADDR_V4MAPPED(&shown.v6.sin6_addr);
    if (count > 0)
        log_warning(shield->log,
                    "shield: %.*s%s is blocked for %g s, after %u offences (%" PRIu64
                    " blocked since the last report)",
                    (int)length, text, is_v4 ? "" : "/64", settings->for_ms / 1000.0, settings->offences,
                    count);
}

static void shield_block(struct shield *shield, const struct xdp_address *address, uint64_t now_ms)
{
    uint64_t now_ns = sys_monotonic_ns();
    uint64_t until_ns = now_ns + (uint64_t)shield->settings->shield.for_ms * 1000000;
    bool is_blocked = sys_xdp_blocked_until(&shield->xdp, address) > now_ns; /* connections that it had open
                                                                              * are still ending */
    if (is_blocked || !may_block(shield, now_ms))
        return;
    int error = sys_xdp_block(&shield->xdp, address, until_ns);
    if (error < 0) {
        if (line_limit_add(&shield->fault_lines, now_ms * 1000) > 0)
            log_error(shield->log, "shield: a client cannot be blocked: %s", error_text(error));
        return;
    }
    shield->blocked++;
    shield->blocks++;
    log_block(shield, address, now_ms);
}

void shield_take_report(struct shield *shield, size_t worker, const struct offence *list, size_t count,
                        uint64_t now_ms)
{
    if (!shield_is_on(shield))
        return;
    const struct offender_rule rule = {
        .offences = shield->settings->shield.offences,
        .within_ms = shield->settings->shield.within_ms,
    };
    for (size_t i = 0; i < count; i++) {
        shield->offences += list[i].count;
        if (offenders_add(&shield->offenders, worker, &list[i], &rule, now_ms) &&
            !shield_exempts(shield->settings, &list[i].address))
            shield_block(shield, &list[i].address, now_ms);
    }
}

struct blocked_review {
    const struct settings *settings;
    uint64_t latest_ns;
};

static uint64_t until_by_settings(void *context, const struct xdp_address *address, uint64_t until_ns)
{
    const struct blocked_review *review = context;
    return shield_exempts(review->settings, address) ? 0 : MIN(until_ns, review->latest_ns);
}

/* Those that are blocked, by other settings or by another vif. */
static void review_blocked(struct shield *shield)
{
    uint64_t now_ns = sys_monotonic_ns();
    struct blocked_review review = {
        .settings = shield->settings,
        .latest_ns = now_ns + (uint64_t)shield->settings->shield.for_ms * 1000000,
    };
    shield->blocked = sys_xdp_review(&shield->xdp, until_by_settings, &review, now_ns);
}

/* ---- new settings ---- */

int shield_prepare(struct shield *shield, const struct settings *next, struct buffer *why)
{
    if (!is_wanted_by(next) || is_same_interface(shield, next))
        return 0;
    int error = shield_load(&shield->next, next);
    if (error < 0)
        buffer_printf(why, "the shield cannot be attached to %.*s: %s\n", SLICE_ARGS(next->shield.interface),
                      shield_fault_text(error));
    return error;
}

void shield_abandon(struct shield *shield)
{
    sys_xdp_detach(&shield->next);
    sys_xdp_close(&shield->next);
}

/* When the settings are in force: the kernel allows one mode at a time. An interface that is gone gets it
 * later. */
static void change_mode(struct shield *shield, const struct settings *next)
{
    enum xdp_mode former = shield->xdp.mode;
    unsigned interface = shield->xdp.interface;
    if (is_mode_of(&shield->xdp, next) || shield->xdp.link_fd < 0)
        return;
    sys_xdp_detach(&shield->xdp);
    int error = sys_xdp_attach(&shield->xdp, interface, (enum xdp_mode)next->shield.mode);
    if (error < 0) {
        log_error(shield->log, "shield: the mode stays as it is: %s", shield_fault_text(error));
        error = sys_xdp_attach(&shield->xdp, interface, former);
    }
    if (error < 0)
        log_error(shield->log, "shield: nothing is dropped any more: %s", shield_fault_text(error));
}

void shield_go_on(struct shield *shield)
{
    if (!shield->is_taken_over)
        return;
    shield->is_taken_over = false;
    int error = sys_xdp_replace(&shield->xdp);
    if (error < 0)
        log_error(shield->log, "shield: the program of the former vif stays: %s", error_text(error));
    change_mode(shield, shield->settings);
    review_blocked(shield);
}

static void move_to_next(struct shield *shield)
{
    bool was_on = shield_is_on(shield);
    shield_close(shield, false);
    shield->xdp = shield->next;
    shield->next = XDP_NONE;
    shield->is_lost = false;
    if (was_on && !shield_is_on(shield))
        log_info(shield->log, "shield: it is off");
}

void shield_commit(struct shield *shield, const struct settings *next)
{
    enum xdp_mode former = shield->xdp.mode;
    bool is_same = is_same_interface(shield, next);
    if (is_same)
        change_mode(shield, next);
    else
        move_to_next(shield);
    shield->settings = next;
    shield->look_ms = sys_monotonic_ms();
    if (shield_is_on(shield) && (!is_same || shield->xdp.mode != former))
        shield_tell_place(shield);
    if (shield_is_on(shield))
        review_blocked(shield);
}

/* ---- watching ---- */

static void shield_show(const struct shield *shield)
{
    struct shield_figures *figures = shield->figures;
    figures->is_on = shield_is_on(shield);
    figures->blocked = shield->blocked;
    figures->blocks = shield->blocks;
    figures->offences = shield->offences;
    figures->left_out = shield->left_out;
    figures->dropped_packets = shield->totals.packets;
    figures->dropped_bytes = shield->totals.bytes;
}

/* An interface may be removed, and made anew; or somebody else has detached the program. */
static void look_for_interface(struct shield *shield)
{
    if (sys_xdp_is_attached(&shield->xdp))
        return;
    unsigned interface = interface_of(shield->settings);
    if (!shield->is_lost)
        log_error(shield->log, "shield: %s %.*s: nothing is dropped until it is back",
                  interface == 0 ? "there is no interface" : "the program was detached from",
                  SLICE_ARGS(shield->settings->shield.interface));
    shield->is_lost = true;
    sys_xdp_detach(&shield->xdp);
    if (interface == 0 ||
        sys_xdp_attach(&shield->xdp, interface, (enum xdp_mode)shield->settings->shield.mode) < 0)
        return;
    shield->is_lost = false;
    shield_tell_place(shield);
}

static uint64_t until_as_listed(void *context, const struct xdp_address *address, uint64_t until_ns)
{
    (void)context, (void)address;
    return until_ns;
}

void shield_look(struct shield *shield, uint64_t now_ms)
{
    if (shield_is_on(shield) && now_ms >= shield->look_ms) {
        shield->look_ms = now_ms + SHIELD_LOOK_MS;
        look_for_interface(shield);
        shield->blocked = sys_xdp_review(&shield->xdp, until_as_listed, NULL, sys_monotonic_ns());
        shield->totals = sys_xdp_totals(&shield->xdp);
        if (now_ms - shield->told_ms >= TELL_MS)
            shield_tell_dropped(shield, now_ms);
    }
    shield_show(shield);
}

int shield_wait_ms(const struct shield *shield, uint64_t now_ms)
{
    if (!shield_is_on(shield))
        return -1;
    return shield->look_ms > now_ms ? (int)(shield->look_ms - now_ms) : 0;
}
