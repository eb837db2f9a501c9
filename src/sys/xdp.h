/* A filter in the kernel, before its network stack (XDP, eXpress Data Path): on one interface it drops the
 * TCP packets of listed addresses to listed ports, until the time of their entry is over. Made of a program
 * of BPF instructions (xdp_program.c), three maps, and a link, which attaches the program.
 *
 * The link is a descriptor: the kernel detaches the program when the last process that has it is gone,
 * however it ended. Without libbpf every call fails with -EOPNOTSUPP. -errno on failure. */
#ifndef SYS_XDP_H
#define SYS_XDP_H

#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

/* Addresses for which there is certainly room: of more, the kernel forgets those that it has not seen for
 * longest. */
#define XDP_ADDRESSES_MAX 16384
#define XDP_PORTS_MAX     64

/* An IPv6 network of 64 bits, whose last 8 bytes are 0, or an IPv4 address as "::ffff:a.b.c.d". */
struct xdp_address {
    uint8_t bytes[16];
};

enum xdp_mode {
    XDP_AUTO,    /* native where the driver has it */
    XDP_NATIVE,  /* in the driver */
    XDP_GENERIC, /* behind it: with every driver, and slower */
};

/* The descriptors; -1: there is none. Begins as XDP_NONE. */
struct xdp {
    int program_fd;
    int link_fd;
    int blocked_fd; /* map: by address, until when */
    int ports_fd;   /* map: the ports */
    int totals_fd;  /* map: what was dropped, by processor */
    unsigned interface;
    enum xdp_mode mode; /* while it is attached: native or generic */
};

#define XDP_NONE \
    ((struct xdp){.program_fd = -1, .link_fd = -1, .blocked_fd = -1, .ports_fd = -1, .totals_fd = -1})

/* What another version of vif must have in common to go on with the maps. */
#define XDP_LAYOUT "1"

struct xdp_totals {
    uint64_t packets;
    uint64_t bytes; /* of IP */
};

/* Whether vif was built with it. */
bool sys_has_xdp(void);

/* The number of an interface; 0: there is none of that name. */
unsigned sys_interface_find(const char *name);

/* Whether it is the loopback interface. */
bool sys_interface_is_loopback(const char *name);

/* Makes the maps that `xdp` does not have yet, and loads the program. Returns 0 or -errno; then close it. */
int sys_xdp_load(struct xdp *xdp) MUST_CHECK;

/* Attaches the program. Returns -EBUSY or -EEXIST if the interface has another one. */
int sys_xdp_attach(struct xdp *xdp, unsigned interface, enum xdp_mode mode) MUST_CHECK;

/* The link, which may be another vif's, goes on with this program, without a packet in between. */
int sys_xdp_replace(const struct xdp *xdp) MUST_CHECK;

/* Whether it still is: an interface that is removed takes the program with it. */
bool sys_xdp_is_attached(const struct xdp *xdp);

/* Detaches, whoever has the link: a child process may have a copy of the descriptor. */
void sys_xdp_detach(struct xdp *xdp);

/* Closes everything, and detaches nothing that another process has. */
void sys_xdp_close(struct xdp *xdp);

/* Lists an address until that time of the monotonic clock, or changes the time of one that is listed. */
int sys_xdp_block(const struct xdp *xdp, const struct xdp_address *address, uint64_t until_ns) MUST_CHECK;

/* These are the ports from now on, XDP_PORTS_MAX at most. Returns 0 or -errno. */
int sys_xdp_set_ports(const struct xdp *xdp, const uint16_t *ports, size_t count) MUST_CHECK;

/* Until when an address is listed; 0: it is not. */
uint64_t sys_xdp_blocked_until(const struct xdp *xdp, const struct xdp_address *address);

/* Asks for each listed address until when it is to be, and takes it off the list if that is over. Returns how
 * many are left. */
typedef uint64_t xdp_until(void *context, const struct xdp_address *address, uint64_t until_ns);
unsigned sys_xdp_review(const struct xdp *xdp, xdp_until *until, void *context, uint64_t now_ns);

/* What was dropped so far. */
struct xdp_totals sys_xdp_totals(const struct xdp *xdp);

#endif
