/* See inside.h. The server is asked for nothing but what connections it has, their states, and their jobs;
 * what follows from that is worked out here, from the document and from what the simulated network knows.
 *
 * Whoever is turned away is told so while nobody could have gone for him. That a state is the right one is
 * h1_connection.c's own check, see admission_validate. */
#include "inside.h"

#include "front/admission.h"
#ifdef HAVE_HTTP2
#include "front/h2_connection.h"
#endif
#include "server/server_internal.h"

#include <arpa/inet.h>
#include <string.h>

/* Of each state so many are looked at, LOOKS_MAX of admission.c. */
#define LOOKED_AT_MAX 64

/* The server has been able to ask for it. */
#define SEEN_US (200 * SIM_MS)

/* A second, and what the loop's clock is behind. */
#define SLOW_US (3 * SIM_S / 2)

/* A client that has got on is measured anew, for a second; its last byte is looked for now and then. */
#define STUCK_US (5 * SIM_S / 2)

/* ---- jobs ---- */

static bool has_job(const struct list *exchanges, const struct job *job)
{
    LIST_FOREACH(link, exchanges) {
        if (&CONTAINER_OF(link, struct exchange, link)->queued.job == job)
            return true;
    }
    return false;
}

#ifdef HAVE_HTTP2

static const struct list *exchanges_of_h2(const struct connection *connection)
{
    static const struct list none = {(struct list *)&none, (struct list *)&none};
    const struct h2_session *session = CONTAINER_OF(connection, struct h2_connection, base)->session;
    return session ? &session->exchanges : &none;
}

static bool is_of_h2(const struct front *front, const struct front_client *client)
{
    return client->kind == &front->h2_kind;
}

#else

static const struct list *exchanges_of_h2(const struct connection *connection)
{
    (void)connection;
    return NULL;
}

static bool is_of_h2(const struct front *front, const struct front_client *client)
{
    (void)front, (void)client;
    return false;
}

#endif

static const struct list *exchanges_of(const struct front *front, const struct front_client *client)
{
    const struct connection *connection = connection_of_client(client);
    return is_of_h2(front, client) ? exchanges_of_h2(connection)
                                   : &CONTAINER_OF(connection, struct h1_connection, base)->session.exchanges;
}

static int descriptor_of_job(void *context, const struct job *job)
{
    const struct front *front = &((const struct server *)context)->front;
    for (size_t state = 0; state < ARRAY_LENGTH(front->by_state); state++) {
        LIST_FOREACH(link, &front->by_state[state]) {
            const struct front_client *client = CONTAINER_OF(link, struct front_client, link);
            if (has_job(exchanges_of(front, client), job))
                return connection_of_client(client)->stream.watch.fd;
        }
    }
    return -1;
}

/* ---- making room ---- */

bool guest_can_be_spared(const struct guest *guest)
{
    switch (guest->state) {
    case CLIENT_IDLE:
        return !guest->has_asked || guest->facts.quiet_us >= (guest->facts.is_taken ? SEEN_US : SLOW_US);
    case CLIENT_HANDSHAKE:
    case CLIENT_HEAD:
    case CLIENT_BODY: return guest->facts.quiet_us >= SLOW_US;
    case CLIENT_SEND:
    case CLIENT_LINGER: return guest->facts.quiet_us >= STUCK_US;
    case CLIENT_HANDLE: /* it waits for us */
    case CLIENT_CLOSED: break;
    }
    return false;
}

static bool can_be_spared(const struct front_client *client)
{
    struct guest guest = {
        .state = (enum client_state)client->state,
        .has_asked = client->has_asked,
        .facts = network_facts(connection_of_client(client)->stream.watch.fd),
    };
    return guest_can_be_spared(&guest);
}

static const struct front_client *find_spare(const struct front *front)
{
    for (size_t state = 0; state < ARRAY_LENGTH(front->by_state); state++) {
        unsigned looks = 0;
        LIST_FOREACH(link, &front->by_state[state]) {
            const struct front_client *client = CONTAINER_OF(link, struct front_client, link);
            if (looks++ < LOOKED_AT_MAX && can_be_spared(client))
                return client;
        }
    }
    return NULL;
}

/* Its address has as many connections as it may, those that were closed in this turn among them. Nobody makes
 * room for that. */
static bool has_its_share(const struct front *front, uint32_t address)
{
    size_t count = front_connection_count(front) - front->counters->connections_open;
    uint32_t count_max = front_settings(front)->limits.connections_per_address;
    uint32_t wanted = htonl(address);
    for (size_t state = 0; state < ARRAY_LENGTH(front->by_state); state++) {
        LIST_FOREACH(link, &front->by_state[state])
            count += memcmp(CONTAINER_OF(link, struct front_client, link)->peer.bytes, &wanted, 4) == 0;
    }
    return count_max > 0 && count >= count_max;
}

static void on_send(void *context, int fd, struct slice bytes)
{
    static const struct slice refusal =
        SLICE("HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\n"
              "Content-Type: text/plain\r\n");
    const struct front *front = &((const struct server *)context)->front;
    if (!slice_starts_with(bytes, refusal))
        return;
    network_turned_away(fd);
    struct connection_facts facts = network_facts(fd);
    if (faults_count() > facts.faults_before || has_its_share(front, facts.address) ||
        !loop_accepts_fd(front->loop, fd))
        return;
    const struct front_client *spare = find_spare(front);
    if (spare)
        sim_fail("a client is turned away, though one in the state %s could have gone",
                 front_client_state_name((enum client_state)spare->state));
}

void inside_judge_counters(const struct counters *counters, bool has_tls)
{
    uint64_t handed = network_bytes_handed();
    if (counters->connections_open > 0 || counters->connections_idle > 0)
        sim_fail("%llu connections are counted as open and %llu as idle, and there are none",
                 (unsigned long long)counters->connections_open,
                 (unsigned long long)counters->connections_idle);
    if (has_tls ? counters->bytes_sent > handed : counters->bytes_sent != handed)
        sim_fail("%llu bytes are counted as sent, and %llu were", (unsigned long long)counters->bytes_sent,
                 (unsigned long long)handed);
}

void inside_watch(struct server *server)
{
    kernel_watch_server(
        &(struct kernel_watch){.connection_of = descriptor_of_job, .on_send = on_send, .context = server});
}
