/* lwIP is a TCP for small devices: it is called with a packet, calls back what the packet means, and sends by
 * a function of the one who called it. Debian's library also has a thread and sockets for programs that want
 * those. They are left out: its core runs in the caller's thread, as in a device without a system.
 *
 * What a kernel's TCP does for its caller is to be done here. Received bytes wait in lwIP's buffers until the
 * session can take them (tcp_recved then opens the window), and sent ones are copied, because they may have
 * to be sent again. A file is read, as there is no sendfile(2) without a kernel's socket.
 *
 * What it lacks: lwIP keeps connections in a list and looks each packet's up from the head; it has no
 * selective acknowledgements, no SYN cookies, and windows of 64 KiB. */
#include "lab/user_tcp.h"

#include <errno.h>

#ifdef HAVE_LWIP

#include "lab/client.h"
#include "lab/site_internal.h"
#include "lab/veth.h"

#include <lwip/etharp.h>
#include <lwip/init.h>
#include <lwip/netif.h>
#include <lwip/tcp.h>
#include <lwip/timeouts.h>
#include <netif/ethernet.h>
#include <stdlib.h>
#include <unistd.h>

/* Of a file, for each tcp_write. */
#define READ_BYTES 16384

/* tcp_poll counts half seconds. */
#define POLL_HALF_SECONDS 120
#define IDLE_POLLS_MAX    (LAB_IDLE_TIMEOUT_MS / (POLL_HALF_SECONDS * 500))

#define LONGEST_WAIT_MS 1000

struct user_client {
    struct tcp_pcb *pcb;   /* lwIP's connection; NULL: it is gone */
    struct pbuf *received; /* not taken by the session yet */
    unsigned idle_polls;   /* since something happened */
    bool has_ended;        /* FIN behind `received` */
    struct lab_session session;
};

static struct {
    struct lab_site *site;
    struct lab_port *port;
    struct netif netif;
} own;

/* ---- a client ---- */

static void count(atomic_uint_least64_t *number)
{
    atomic_fetch_add_explicit(number, 1, memory_order_relaxed);
}

static void free_client(struct user_client *client)
{
    if (client->received)
        pbuf_free(client->received);
    lab_session_finish(&client->session);
    count(&own.site->counts->closed);
    free(client);
}

/* What was sent goes on its way without the client, and FIN behind it. Returns what a callback of lwIP must
 * return: whether the connection is gone at once. */
static err_t close_client(struct user_client *client)
{
    struct tcp_pcb *pcb = client->pcb;
    tcp_arg(pcb, NULL);
    tcp_recv(pcb, NULL);
    tcp_sent(pcb, NULL);
    tcp_poll(pcb, NULL, 0);
    tcp_err(pcb, NULL);
    free_client(client);
    if (tcp_close(pcb) == ERR_OK)
        return ERR_OK;
    tcp_abort(pcb);
    return ERR_ABRT;
}

/* False if there are none. */
static bool take_bytes(struct user_client *client)
{
    struct pbuf *first = client->received;
    if (first == NULL) {
        if (client->has_ended)
            lab_session_end(&client->session);
        return client->has_ended;
    }
    client->received = first->next;
    if (first->next)
        pbuf_ref(first->next); /* pbuf_free takes one from each of the chain */
    if (first->len > 0)
        lab_session_receive(&client->session, slice_make(first->payload, first->len));
    tcp_recved(client->pcb, first->len);
    pbuf_free(first);
    return true;
}

/* Bytes of the segment, from memory or read into `buffer`. Empty: the session broke. */
static struct slice bytes_of(struct lab_session *session, const struct segment *segment, size_t length,
                             char buffer[READ_BYTES])
{
    if (segment->data)
        return slice_make(segment->data, length);
    ssize_t count = pread(segment->fd, buffer, MIN(length, (size_t)READ_BYTES), segment->offset);
    if (count > 0 && lab_session_may_send_file(session))
        return slice_make(buffer, (size_t)count);
    lab_session_break(session); /* the file has become shorter, or is another one */
    return (struct slice){0};
}

/* False if lwIP has no room: on_sent comes when it has. */
static bool send_bytes(struct user_client *client)
{
    char buffer[READ_BYTES];
    size_t segment_count;
    struct lab_session *session = &client->session;
    const struct segment *segments = lab_session_segments(session, &segment_count);
    size_t room = MIN(segments[0].length, (size_t)MIN(tcp_sndbuf(client->pcb), UINT16_MAX));
    if (room == 0)
        return false;
    struct slice bytes = bytes_of(session, &segments[0], room, buffer);
    if (bytes.length == 0)
        return true;
    bool has_more = segment_count > 1 || bytes.length < segments[0].length;
    uint8_t flags = TCP_WRITE_FLAG_COPY | (has_more ? TCP_WRITE_FLAG_MORE : 0);
    if (tcp_write(client->pcb, bytes.data, (uint16_t)bytes.length, flags) != ERR_OK)
        return false;
    lab_session_sent(session, bytes.length);
    return true;
}

static void shut_down(struct user_client *client)
{
    tcp_shutdown(client->pcb, 0, 1);
    lab_session_did_shut_down(&client->session);
}

/* Returns what the callback must return. lwIP sends what was written when that has returned: one packet for
 * all responses to a packet's requests, and with it the acknowledgement. */
static err_t advance(struct user_client *client)
{
    bool moves = true;
    struct lab_session *session = &client->session;
    client->idle_polls = 0;
    while (moves) {
        switch (lab_session_need(session)) {
        case LAB_NEEDS_BYTES: moves = take_bytes(client); break;
        case LAB_NEEDS_ROOM: moves = send_bytes(client); break;
        case LAB_NEEDS_JOB:
            lab_session_run_job(session);
            lab_session_complete_job(session);
            break;
        case LAB_NEEDS_SHUTDOWN: shut_down(client); break;
        case LAB_NEEDS_CLOSE: return close_client(client);
        }
    }
    return ERR_OK;
}

/* ---- what lwIP calls ---- */

/* Without `bytes`: FIN. */
static err_t on_receive(void *context, struct tcp_pcb *pcb, struct pbuf *bytes, err_t error)
{
    struct user_client *client = context;
    (void)pcb, (void)error;
    if (bytes == NULL)
        client->has_ended = true;
    else if (client->received)
        pbuf_cat(client->received, bytes);
    else
        client->received = bytes;
    return advance(client);
}

/* Sent bytes were acknowledged. */
static err_t on_sent(void *context, struct tcp_pcb *pcb, uint16_t length)
{
    (void)pcb, (void)length;
    return advance(context);
}

static err_t on_poll(void *context, struct tcp_pcb *pcb)
{
    struct user_client *client = context;
    (void)pcb;
    client->idle_polls++;
    return client->idle_polls < IDLE_POLLS_MAX ? ERR_OK : close_client(client);
}

/* RST, or too many retransmissions: lwIP has freed the connection. */
static void on_error(void *context, err_t error)
{
    (void)error;
    free_client(context);
}

static err_t on_accept(void *context, struct tcp_pcb *pcb, err_t error)
{
    (void)context;
    if (pcb == NULL || error != ERR_OK)
        return ERR_VAL;
    struct user_client *client = calloc(1, sizeof(*client));
    if (client == NULL)
        return ERR_MEM;
    client->pcb = pcb;
    lab_session_init(&client->session, own.site);
    count(&own.site->counts->accepted);
    tcp_nagle_disable(pcb);
    tcp_arg(pcb, client);
    tcp_recv(pcb, on_receive);
    tcp_sent(pcb, on_sent);
    tcp_poll(pcb, on_poll, POLL_HALF_SECONDS);
    tcp_err(pcb, on_error);
    return ERR_OK;
}

/* ---- frames ---- */

static err_t on_output(struct netif *netif, struct pbuf *packet)
{
    (void)netif;
    void *frame =
        packet->tot_len <= LAB_FRAME_BYTES_MAX ? own.port->add_frame(own.port, packet->tot_len) : NULL;
    if (frame == NULL)
        return ERR_MEM;
    pbuf_copy_partial(packet, frame, packet->tot_len, 0);
    return ERR_OK;
}

static err_t init_netif(struct netif *netif)
{
    netif->name[0] = 'v';
    netif->name[1] = 'l';
    netif->mtu = 1500;
    netif->hwaddr_len = sizeof(netif->hwaddr);
    netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET;
    netif->output = etharp_output;
    netif->linkoutput = on_output;
    return lab_veth_hardware_address(netif->hwaddr) == 0 ? ERR_OK : ERR_IF;
}

void lab_user_tcp_receive(const void *frame, size_t length)
{
    struct pbuf *packet = pbuf_alloc(PBUF_RAW, (uint16_t)length, PBUF_RAM);
    if (packet == NULL)
        return; /* as if it had been lost */
    memcpy(packet->payload, frame, length);
    if (ethernet_input(packet, &own.netif) != ERR_OK)
        pbuf_free(packet);
}

unsigned lab_user_tcp_tick(void)
{
    lab_site_enter(own.site);
    lab_site_tick(own.site);
    lab_site_leave(own.site);
    sys_check_timeouts();
    return MIN(sys_timeouts_sleeptime(), (unsigned)LONGEST_WAIT_MS);
}

/* ---- opening ---- */

static int open_netif(const struct sockaddr_in *address)
{
    ip4_addr_t ip = {address->sin_addr.s_addr};
    ip4_addr_t mask = {PP_HTONL(0xffffff00)};
    ip4_addr_t gateway = {0};
    if (netif_add(&own.netif, &ip, &mask, &gateway, NULL, init_netif, ethernet_input) == NULL)
        return -ENODEV;
    netif_set_default(&own.netif);
    netif_set_link_up(&own.netif);
    netif_set_up(&own.netif);
    return 0;
}

static int listen_at(uint16_t port)
{
    struct tcp_pcb *pcb = tcp_new();
    if (pcb == NULL || tcp_bind(pcb, IP_ANY_TYPE, port) != ERR_OK)
        return -ENOMEM;
    pcb = tcp_listen(pcb);
    if (pcb == NULL)
        return -ENOMEM;
    tcp_accept(pcb, on_accept);
    return 0;
}

int lab_user_tcp_open(struct lab_site *site, int listening_fd, struct lab_port *port)
{
    struct sockaddr_in address = {0};
    socklen_t size = sizeof(address);
    if (getsockname(listening_fd, (struct sockaddr *)&address, &size) < 0)
        return -errno;
    own.site = site;
    own.port = port;
    lwip_init();
    int error = open_netif(&address);
    return error ? error : listen_at(ntohs(address.sin_port));
}

const char *lab_user_tcp_unavailable(void)
{
    return lab_veth_unavailable();
}

#else

int lab_user_tcp_open(struct lab_site *site, int listening_fd, struct lab_port *port)
{
    (void)site, (void)listening_fd, (void)port;
    return -ENOSYS;
}

void lab_user_tcp_receive(const void *frame, size_t length)
{
    (void)frame, (void)length;
}

unsigned lab_user_tcp_tick(void)
{
    return 0;
}

const char *lab_user_tcp_unavailable(void)
{
    return "this vif was built without lwIP, the TCP in user space";
}

#endif
