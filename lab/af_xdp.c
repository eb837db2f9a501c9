/* AF_XDP: packets without the kernel's TCP, and the card still the kernel's.
 *
 * An XDP program runs for each packet that the interface receives, before the kernel's network code sees it.
 * The one here has five instructions: hand the packet to the socket of this queue. The socket is four rings
 * in memory that the kernel and the program share, and a heap of frames: the program gives empty frames
 * (fill), finds them with packets in them (receive), gives packets to be sent (transmit), and gets their
 * frames back (completion). TCP is then the program's own affair: lab/user_tcp.c.
 *
 * Who uses it: Cloudflare and Suricata to look at floods of packets, OVS and VPP to forward them.
 *
 * What it costs: everything that the kernel's TCP has, from congestion control to ss(8) and firewalls, and a
 * card's queue for itself. A packet that is sent still needs a system call, one for up to 32 of them.
 *
 * What breaks it: a handler that blocks, as in every loop; here not even acknowledgements are sent meanwhile.
 * Many connections: see lab/user_tcp.c. On a veth pair packets are copied into the frames; a card whose
 * driver can (XDP_ZEROCOPY) puts them there itself. */
#include "lab/models.h"

#include "lab/user_tcp.h"
#include "lab/veth.h"

#include <errno.h>

#ifdef HAVE_AF_XDP

#include <bpf/bpf.h>
#include <net/if.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <xdp/xsk.h>

/* Of 2 KiB each: for received packets and for those to be sent. Powers of two, as rings have them. */
#define FRAME_BYTES 2048
#define RX_FRAMES   2048
#define TX_FRAMES   2048
#define FRAMES      (RX_FRAMES + TX_FRAMES)

/* The kernel shows packets before it says that their frames have left the fill ring (xsk_flush). A program on
 * another core can be faster than that, and gives frames back that are still counted in the ring: at worst
 * all of them twice. */
#define FILL_ENTRIES (2 * RX_FRAMES)

/* Packets that are taken from the ring at a time. */
#define BATCH 64

struct xdp_port {
    struct lab_port base;
    char *memory; /* the frames */
    struct xsk_umem *umem;
    struct xsk_socket *socket;
    int fd;                         /* of the socket */
    struct xsk_ring_prod fill;      /* empty frames, for the kernel */
    struct xsk_ring_cons received;  /* packets, from the kernel */
    struct xsk_ring_prod transmit;  /* packets, for the kernel */
    struct xsk_ring_cons completed; /* sent frames, from the kernel */
    uint64_t free_frames[TX_FRAMES];
    unsigned free_count;
    unsigned added; /* to `transmit`, and not submitted yet */
};

static struct xdp_port own;

/* ---- the program in the kernel ---- */

/* return bpf_redirect_map(&sockets, context->rx_queue_index, XDP_PASS); */
static int load_program(int map_fd)
{
    const struct bpf_insn program[] = {
        {.code = BPF_LDX | BPF_MEM | BPF_W,
         .dst_reg = BPF_REG_2,
         .src_reg = BPF_REG_1,
         .off = offsetof(struct xdp_md, rx_queue_index)},
        {.code = BPF_DW, /* BPF_LD and BPF_IMM are 0 */
         .dst_reg = BPF_REG_1,
         .src_reg = BPF_PSEUDO_MAP_FD,
         .imm = map_fd},
        {0}, /* the upper half of the map's address */
        {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_3, .imm = XDP_PASS},
        {.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_redirect_map},
        {.code = BPF_JMP | BPF_EXIT},
    };
    return bpf_prog_load(BPF_PROG_TYPE_XDP, "vif_lab", "GPL", program, ARRAY_LENGTH(program), NULL);
}

/* The interface takes the program along when it goes, and the program the map. */
static int attach_program(struct xdp_port *port, int interface)
{
    int map_fd = bpf_map_create(BPF_MAP_TYPE_XSKMAP, "vif_lab", sizeof(int), sizeof(int), 1, NULL);
    if (map_fd < 0)
        return map_fd;
    int program_fd = load_program(map_fd);
    int error = program_fd < 0 ? program_fd : bpf_xdp_attach(interface, program_fd, 0, NULL);
    if (error == 0)
        error = xsk_socket__update_xskmap(port->socket, map_fd);
    if (program_fd >= 0)
        close(program_fd);
    close(map_fd);
    return error;
}

/* ---- the socket ---- */

static int open_memory(struct xdp_port *port)
{
    const struct xsk_umem_config config = {
        .fill_size = FILL_ENTRIES,
        .comp_size = TX_FRAMES,
        .frame_size = FRAME_BYTES,
    };
    size_t size = (size_t)FRAMES * FRAME_BYTES;
    port->memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (port->memory == MAP_FAILED)
        return -errno;
    return xsk_umem__create(&port->umem, port->memory, size, &port->fill, &port->completed, &config);
}

static int open_socket(struct xdp_port *port)
{
    const struct xsk_socket_config config = {
        .rx_size = RX_FRAMES,
        .tx_size = TX_FRAMES,
        .libxdp_flags = XSK_LIBXDP_FLAGS__INHIBIT_PROG_LOAD,
        .bind_flags = XDP_COPY | XDP_USE_NEED_WAKEUP,
    };
    int error = xsk_socket__create(&port->socket, LAB_VETH_INTERFACE, 0, port->umem, &port->received,
                                   &port->transmit, &config);
    if (error == 0)
        port->fd = xsk_socket__fd(port->socket);
    return error;
}

/* The first half is for packets to come; the rest is free. */
static void share_out_frames(struct xdp_port *port)
{
    uint32_t at;
    if (xsk_ring_prod__reserve(&port->fill, RX_FRAMES, &at) != RX_FRAMES)
        UNREACHABLE();
    for (uint32_t i = 0; i < RX_FRAMES; i++)
        *xsk_ring_prod__fill_addr(&port->fill, at + i) = (uint64_t)i * FRAME_BYTES;
    xsk_ring_prod__submit(&port->fill, RX_FRAMES);
    for (uint32_t i = RX_FRAMES; i < FRAMES; i++)
        port->free_frames[port->free_count++] = (uint64_t)i * FRAME_BYTES;
}

static int open_port(struct xdp_port *port)
{
    int interface = (int)if_nametoindex(LAB_VETH_INTERFACE);
    if (interface == 0)
        return -errno;
    int error = open_memory(port);
    if (error == 0)
        error = open_socket(port);
    if (error)
        return error;
    share_out_frames(port);
    return attach_program(port, interface);
}

/* ---- packets ---- */

static void take_completed(struct xdp_port *port)
{
    uint32_t at;
    uint32_t count = xsk_ring_cons__peek(&port->completed, TX_FRAMES, &at);
    for (uint32_t i = 0; i < count; i++)
        port->free_frames[port->free_count++] = *xsk_ring_cons__comp_addr(&port->completed, at + i);
    xsk_ring_cons__release(&port->completed, count);
}

/* Never more than there are frames, so the ring has room. */
static void *add_frame(struct lab_port *base, size_t length)
{
    uint32_t at;
    struct xdp_port *port = CONTAINER_OF(base, struct xdp_port, base);
    if (port->free_count == 0)
        take_completed(port);
    if (port->free_count == 0 || xsk_ring_prod__reserve(&port->transmit, 1, &at) != 1)
        return NULL;
    uint64_t frame = port->free_frames[--port->free_count];
    *xsk_ring_prod__tx_desc(&port->transmit, at) = (struct xdp_desc){.addr = frame, .len = (uint32_t)length};
    port->added++;
    return port->memory + frame;
}

/* The kernel sends when it is called, up to 32 packets a call: EAGAIN says that there are more. */
static void send_frames(struct xdp_port *port)
{
    if (port->added == 0)
        return;
    xsk_ring_prod__submit(&port->transmit, port->added);
    port->added = 0;
    while (xsk_ring_prod__needs_wakeup(&port->transmit) &&
           sendto(port->fd, NULL, 0, MSG_DONTWAIT, NULL, 0) < 0 && (errno == EAGAIN || errno == EINTR))
        continue;
    take_completed(port);
}

/* The frames go back empty: FILL_ENTRIES says why there is room for them. */
static void return_frames(struct xdp_port *port, uint32_t first, uint32_t count)
{
    uint32_t at;
    if (xsk_ring_prod__reserve(&port->fill, count, &at) != count)
        UNREACHABLE();
    for (uint32_t i = 0; i < count; i++)
        *xsk_ring_prod__fill_addr(&port->fill, at + i) =
            xsk_ring_cons__rx_desc(&port->received, first + i)->addr;
    xsk_ring_prod__submit(&port->fill, count);
    xsk_ring_cons__release(&port->received, count);
}

static bool receive_frames(struct xdp_port *port)
{
    uint32_t at;
    uint32_t count = xsk_ring_cons__peek(&port->received, BATCH, &at);
    for (uint32_t i = 0; i < count; i++) {
        const struct xdp_desc *packet = xsk_ring_cons__rx_desc(&port->received, at + i);
        lab_user_tcp_receive(port->memory + packet->addr, packet->len);
    }
    return_frames(port, at, count);
    return count > 0;
}

/* ---- the loop ---- */

int lab_serve_af_xdp(struct lab_site *site, int listening_fd)
{
    own.base.add_frame = add_frame;
    int error = lab_site_open(site);
    if (error == 0)
        error = open_port(&own);
    if (error == 0)
        error = lab_user_tcp_open(site, listening_fd, &own.base);
    if (error)
        return error;
    for (;;) {
        bool has_received = receive_frames(&own);
        unsigned wait_ms = lab_user_tcp_tick();
        struct pollfd socket = {.fd = own.fd, .events = POLLIN};
        send_frames(&own);
        if (!has_received)
            poll(&socket, 1, (int)wait_ms);
    }
}

/* A kernel may be built without. */
const char *lab_af_xdp_unavailable(void)
{
    const char *unavailable = lab_user_tcp_unavailable();
    if (unavailable)
        return unavailable;
    int fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return "this kernel has no AF_XDP sockets, or does not allow them";
    close(fd);
    return NULL;
}

#else

int lab_serve_af_xdp(struct lab_site *site, int listening_fd)
{
    (void)site, (void)listening_fd;
    return -ENOSYS;
}

const char *lab_af_xdp_unavailable(void)
{
    return "this vif was built without libxdp, libbpf or lwIP";
}

#endif
