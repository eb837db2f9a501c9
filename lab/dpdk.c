/* DPDK: the whole card in the program's hands.
 *
 * A driver in user space maps the card's registers and rings, and the kernel does not see it any more. There
 * are no interrupts and no system calls: a thread asks the card all the time, as lab/spin.c asks its sockets
 * (poll mode). Packets lie in buffers from a pool (mbufs), which the card fills itself. TCP is the program's
 * own affair: lab/user_tcp.c.
 *
 * Here is no card to take away from the kernel. DPDK's driver net_af_packet stands in for one: it maps the
 * rings of a packet(7) socket, into which the kernel copies each packet of the interface. So receiving costs
 * no system call, and sending one for each burst; and no huge pages are needed.
 *
 * Who uses it: routers, firewalls and gateways of telephone companies, and load balancers (VPP, Open vSwitch,
 * Katran's predecessors); databases that have everything for themselves (ScyllaDB's Seastar).
 *
 * What it costs: a processor, also without any client; the card, which nobody else can use; everything that
 * the kernel's TCP has.
 *
 * What breaks it: a handler that blocks, as in every loop, here with TCP itself. A neighbour on the same
 * processor: what always runs looks to the scheduler like the one that deserves least. */
#include "lab/models.h"

#include "lab/user_tcp.h"
#include "lab/veth.h"

#include <errno.h>

#ifdef HAVE_DPDK

#include <libgen.h>
#include <limits.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

/* Packets that are received, and sent, at a time. */
#define BURST 64

#define BUFFERS     4095 /* 2^n - 1 suits the pool best */
#define DESCRIPTORS 512

struct dpdk_port {
    struct lab_port base;
    uint16_t number; /* DPDK's */
    struct rte_mempool *buffers;
    struct rte_mbuf *added[BURST]; /* to be sent when the turn is over */
    uint16_t added_count;
};

static struct dpdk_port own;

/* ---- opening ---- */

/* "0@(0,2,3)": the main thread runs where this one may. DPDK would bind it to one processor. */
static void name_processors(char *text, size_t size)
{
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    sched_getaffinity(0, sizeof(allowed), &allowed);
    size_t length = (size_t)snprintf(text, size, "--lcores=0@(");
    const char *separator = "";
    for (int i = 0; i < CPU_SETSIZE && length + 8 < size; i++) {
        if (!CPU_ISSET(i, &allowed))
            continue;
        length += (size_t)snprintf(text + length, size - length, "%s%d", separator, i);
        separator = ",";
    }
    snprintf(text + length, size - length, ")");
}

/* DPDK has made it, empty, in /run/dpdk. Others may use that, too. */
static void remove_runtime_folder(void)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s", rte_eal_get_runtime_dir());
    if (rmdir(path) == 0)
        rmdir(dirname(path));
}

/* What a program of DPDK gets by its command line. It shares nothing with others, and writes nothing. */
static int start_dpdk(void)
{
    static char processors[1024];
    static char device[] = "--vdev=net_af_packet0,iface=" LAB_VETH_INTERFACE;
    static char *arguments[] = {
        "vif",
        processors,
        "-m",
        "64",
        "--no-huge",
        "--no-shconf",
        "--no-pci",
        "--no-telemetry",
        "--log-level=error",
        device,
        NULL,
    };
    name_processors(processors, sizeof(processors));
    if (rte_eal_init(ARRAY_LENGTH(arguments) - 1, arguments) < 0)
        return -rte_errno;
    remove_runtime_folder();
    return 0;
}

static int open_port(struct dpdk_port *port)
{
    const struct rte_eth_conf configuration = {0};
    int error = rte_eth_dev_get_port_by_name("net_af_packet0", &port->number);
    if (error)
        return error;
    port->buffers = rte_pktmbuf_pool_create("vif", BUFFERS, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
    if (port->buffers == NULL)
        return -rte_errno;
    error = rte_eth_dev_configure(port->number, 1, 1, &configuration);
    if (error == 0)
        error = rte_eth_rx_queue_setup(port->number, 0, DESCRIPTORS, 0, NULL, port->buffers);
    if (error == 0)
        error = rte_eth_tx_queue_setup(port->number, 0, DESCRIPTORS, 0, NULL);
    return error ? error : rte_eth_dev_start(port->number);
}

/* ---- packets ---- */

/* The driver frees what it has sent; the rest is lost, as on a busy cable. */
static void send_frames(struct dpdk_port *port)
{
    if (port->added_count == 0)
        return;
    uint16_t sent = rte_eth_tx_burst(port->number, 0, port->added, port->added_count);
    rte_pktmbuf_free_bulk(port->added + sent, (unsigned)(port->added_count - sent));
    port->added_count = 0;
}

static void *add_frame(struct lab_port *base, size_t length)
{
    struct dpdk_port *port = CONTAINER_OF(base, struct dpdk_port, base);
    if (port->added_count == BURST)
        send_frames(port);
    struct rte_mbuf *buffer = rte_pktmbuf_alloc(port->buffers);
    if (buffer == NULL)
        return NULL;
    port->added[port->added_count++] = buffer;
    return rte_pktmbuf_append(buffer, (uint16_t)length);
}

static void receive_frames(struct dpdk_port *port)
{
    struct rte_mbuf *packets[BURST];
    uint16_t count = rte_eth_rx_burst(port->number, 0, packets, BURST);
    for (uint16_t i = 0; i < count; i++)
        lab_user_tcp_receive(rte_pktmbuf_mtod(packets[i], const void *), rte_pktmbuf_data_len(packets[i]));
    rte_pktmbuf_free_bulk(packets, count);
}

/* ---- the loop ---- */

int lab_serve_dpdk(struct lab_site *site, int listening_fd)
{
    own.base.add_frame = add_frame;
    int error = lab_site_open(site);
    if (error == 0)
        error = start_dpdk();
    if (error == 0)
        error = open_port(&own);
    if (error == 0)
        error = lab_user_tcp_open(site, listening_fd, &own.base);
    if (error)
        return error;
    for (;;) {
        receive_frames(&own);
        unsigned wait_ms = lab_user_tcp_tick();
        (void)wait_ms; /* it never waits */
        send_frames(&own);
    }
}

const char *lab_dpdk_unavailable(void)
{
    return lab_user_tcp_unavailable();
}

#else

int lab_serve_dpdk(struct lab_site *site, int listening_fd)
{
    (void)site, (void)listening_fd;
    return -ENOSYS;
}

const char *lab_dpdk_unavailable(void)
{
    return "this vif was built without DPDK (-Ddpdk=enabled) or lwIP";
}

#endif
