/* With libbpf's wrappers of bpf(2); sys/xdp_program.c has the program. */
#include "sys/xdp.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

unsigned sys_interface_find(const char *name)
{
    return if_nametoindex(name);
}

bool sys_interface_is_loopback(const char *name)
{
    struct ifreq request = {0};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    strncpy(request.ifr_name, name, IFNAMSIZ - 1);
    bool is_loopback = ioctl(fd, SIOCGIFFLAGS, &request) == 0 && (request.ifr_flags & IFF_LOOPBACK) != 0;
    close(fd);
    return is_loopback;
}

#ifdef HAVE_XDP

#include "sys/xdp_program.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include <stdlib.h>

/* Entries that one call reads. */
#define ENTRIES_PER_CALL 256

/* The kernel gives each processor a share of free entries, and forgets old ones when a share is used up: so
 * the map has more than are used. */
#define ENTRIES_MAX (2 * XDP_ADDRESSES_MAX)

struct blocked_value {
    uint64_t until_ns;
};

bool sys_has_xdp(void)
{
    return true;
}

static int create_map(int *fd, enum bpf_map_type type, const char *name, uint32_t key_size,
                      uint32_t value_size, uint32_t count)
{
    if (*fd >= 0)
        return 0;
    *fd = bpf_map_create(type, name, key_size, value_size, count, NULL);
    return *fd < 0 ? -errno : 0;
}

int sys_xdp_load(struct xdp *xdp)
{
    struct bpf_insn instructions[XDP_INSTRUCTIONS_MAX];
    int error = create_map(&xdp->blocked_fd, BPF_MAP_TYPE_LRU_HASH, "vif_blocked", sizeof(struct xdp_address),
                           sizeof(struct blocked_value), ENTRIES_MAX);
    if (error == 0)
        error =
            create_map(&xdp->ports_fd, BPF_MAP_TYPE_HASH, "vif_ports", sizeof(uint16_t), 1, XDP_PORTS_MAX);
    if (error == 0)
        error = create_map(&xdp->totals_fd, BPF_MAP_TYPE_PERCPU_ARRAY, "vif_totals", sizeof(uint32_t),
                           sizeof(struct xdp_totals), 1);
    if (error < 0)
        return error;
    size_t count = xdp_program_write(xdp->blocked_fd, xdp->ports_fd, xdp->totals_fd, instructions);
    xdp->program_fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "vif_shield", "MIT", instructions, count, NULL);
    return xdp->program_fd < 0 ? -errno : 0;
}

static int attach_in_mode(struct xdp *xdp, unsigned interface, enum xdp_mode mode)
{
    LIBBPF_OPTS(bpf_link_create_opts, options,
                .flags = mode == XDP_NATIVE ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE);
    int fd = bpf_link_create(xdp->program_fd, (int)interface, BPF_XDP, &options);
    if (fd < 0)
        return -errno;
    xdp->link_fd = fd;
    xdp->interface = interface;
    xdp->mode = mode;
    return 0;
}

/* What another mode would not change. */
static bool is_final(int error)
{
    return error == -EBUSY || error == -EEXIST || error == -EPERM || error == -ENODEV;
}

int sys_xdp_attach(struct xdp *xdp, unsigned interface, enum xdp_mode mode)
{
    int error = attach_in_mode(xdp, interface, mode == XDP_AUTO ? XDP_NATIVE : mode);
    return error < 0 && mode == XDP_AUTO && !is_final(error) ? attach_in_mode(xdp, interface, XDP_GENERIC)
                                                             : error;
}

/* An interface that is gone has taken the program with it. */
static void xdp_detach_link(int fd)
{
    (void)bpf_link_detach(fd);
}

int sys_xdp_replace(const struct xdp *xdp)
{
    return bpf_link_update(xdp->link_fd, xdp->program_fd, NULL) < 0 ? -errno : 0;
}

bool sys_xdp_is_attached(const struct xdp *xdp)
{
    struct bpf_link_info info = {0};
    uint32_t size = sizeof(info);
    return xdp->link_fd >= 0 && bpf_obj_get_info_by_fd(xdp->link_fd, &info, &size) == 0 &&
           info.xdp.ifindex != 0;
}

int sys_xdp_block(const struct xdp *xdp, const struct xdp_address *address, uint64_t until_ns)
{
    struct blocked_value value = {until_ns};
    return bpf_map_update_elem(xdp->blocked_fd, address, &value, BPF_ANY) < 0 ? -errno : 0;
}

static bool has_port(const uint16_t *ports, size_t count, uint16_t key)
{
    bool has = false;
    for (size_t i = 0; i < count; i++)
        has |= htons(ports[i]) == key;
    return has;
}

/* Starts anew after each removal: the key that was removed is no place to go on from. */
static void remove_other_ports(const struct xdp *xdp, const uint16_t *ports, size_t count)
{
    uint16_t key, next;
    int error = bpf_map_get_next_key(xdp->ports_fd, NULL, &next);
    while (error == 0) {
        key = next;
        bool stays = has_port(ports, count, key);
        if (!stays && bpf_map_delete_elem(xdp->ports_fd, &key) < 0)
            return;
        error = bpf_map_get_next_key(xdp->ports_fd, stays ? &key : NULL, &next);
    }
}

int sys_xdp_set_ports(const struct xdp *xdp, const uint16_t *ports, size_t count)
{
    uint8_t value = 1;
    int error = 0;
    assert(count <= XDP_PORTS_MAX);
    remove_other_ports(xdp, ports, count);
    for (size_t i = 0; i < count && error == 0; i++) {
        uint16_t key = htons(ports[i]);
        error = bpf_map_update_elem(xdp->ports_fd, &key, &value, BPF_ANY) < 0 ? -errno : 0;
    }
    return error;
}

uint64_t sys_xdp_blocked_until(const struct xdp *xdp, const struct xdp_address *address)
{
    struct blocked_value value;
    return bpf_map_lookup_elem(xdp->blocked_fd, address, &value) == 0 ? value.until_ns : 0;
}

/* Returns whether it stays. */
static bool review(const struct xdp *xdp, const struct xdp_address *address, uint64_t before_ns,
                   uint64_t until_ns, uint64_t now_ns)
{
    bool stays = until_ns > now_ns;
    int error = !stays                  ? bpf_map_delete_elem(xdp->blocked_fd, address)
                : until_ns != before_ns ? sys_xdp_block(xdp, address, until_ns)
                                        : 0;
    (void)error; /* an entry that has just gone is as good */
    return stays;
}

unsigned sys_xdp_review(const struct xdp *xdp, xdp_until *until, void *context, uint64_t now_ns)
{
    struct xdp_address addresses[ENTRIES_PER_CALL];
    struct blocked_value values[ENTRIES_PER_CALL];
    uint32_t place, *from = NULL;
    unsigned left = 0;
    int error = 0;
    while (error == 0) {
        uint32_t count = ENTRIES_PER_CALL;
        error = bpf_map_lookup_batch(xdp->blocked_fd, from, &place, addresses, values, &count, NULL);
        if (error < 0 && errno != ENOENT) /* ENOENT: these are the last ones */
            break;
        from = &place;
        for (uint32_t i = 0; i < count; i++) {
            uint64_t until_ns = until(context, &addresses[i], values[i].until_ns);
            left += review(xdp, &addresses[i], values[i].until_ns, until_ns, now_ns);
        }
    }
    return left;
}

struct xdp_totals sys_xdp_totals(const struct xdp *xdp)
{
    struct xdp_totals sum = {0};
    uint32_t key = 0;
    int count = libbpf_num_possible_cpus();
    struct xdp_totals *totals = count > 0 ? calloc((size_t)count, sizeof(*totals)) : NULL;
    if (totals && bpf_map_lookup_elem(xdp->totals_fd, &key, totals) == 0) {
        for (int i = 0; i < count; i++) {
            sum.packets += totals[i].packets;
            sum.bytes += totals[i].bytes;
        }
    }
    free(totals);
    return sum;
}

#else

bool sys_has_xdp(void)
{
    return false;
}

static void xdp_detach_link(int fd)
{
    (void)fd;
}

int sys_xdp_load(struct xdp *xdp)
{
    (void)xdp;
    return -EOPNOTSUPP;
}

int sys_xdp_attach(struct xdp *xdp, unsigned interface, enum xdp_mode mode)
{
    (void)xdp, (void)interface, (void)mode;
    return -EOPNOTSUPP;
}

int sys_xdp_replace(const struct xdp *xdp)
{
    (void)xdp;
    return -EOPNOTSUPP;
}

bool sys_xdp_is_attached(const struct xdp *xdp)
{
    (void)xdp;
    return false;
}

int sys_xdp_block(const struct xdp *xdp, const struct xdp_address *address, uint64_t until_ns)
{
    (void)xdp, (void)address, (void)until_ns;
    return -EOPNOTSUPP;
}

int sys_xdp_set_ports(const struct xdp *xdp, const uint16_t *ports, size_t count)
{
    (void)xdp, (void)ports, (void)count;
    return -EOPNOTSUPP;
}

uint64_t sys_xdp_blocked_until(const struct xdp *xdp, const struct xdp_address *address)
{
    (void)xdp, (void)address;
    return 0;
}

unsigned sys_xdp_review(const struct xdp *xdp, xdp_until *until, void *context, uint64_t now_ns)
{
    (void)xdp, (void)until, (void)context, (void)now_ns;
    return 0;
}

struct xdp_totals sys_xdp_totals(const struct xdp *xdp)
{
    (void)xdp;
    return (struct xdp_totals){0};
}

#endif

static void xdp_close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void sys_xdp_detach(struct xdp *xdp)
{
    if (xdp->link_fd >= 0)
        xdp_detach_link(xdp->link_fd);
    xdp_close_fd(&xdp->link_fd);
}

void sys_xdp_close(struct xdp *xdp)
{
    xdp_close_fd(&xdp->link_fd);
    xdp_close_fd(&xdp->program_fd);
    xdp_close_fd(&xdp->blocked_fd);
    xdp_close_fd(&xdp->ports_fd);
    xdp_close_fd(&xdp->totals_fd);
}
