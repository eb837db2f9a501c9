/* One channel of c-ares for each look-up: so a changed /etc/resolv.conf counts for the next one. Read
 * sys_lookup at the end first.
 *
 * Names that have addresses of both families, one of which this machine cannot reach, get those of the other.
 */
#include "sys/lookup.h"

#include "sys/address.h"
#include "sys/process.h"
#include "sys/resolve.h"

#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#ifdef HAVE_CARES
#define CARES_NO_DEPRECATED /* what takes their place came with 1.28 */
#include <ares.h>
#endif

/* What sys_resolve finds may change at any time. */
#define TTL_S_UNKNOWN 30

static int compare_addresses(const void *left, const void *right)
{
    const struct lookup_address *one = left, *other = right;
    if (one->priority != other->priority)
        return one->priority < other->priority ? -1 : 1;
    int order = address_compare(&one->address, &other->address);
    return order != 0 ? order : (int)one->weight - (int)other->weight;
}

static struct lookup_address *lookup_find_known(struct lookup *lookup, const struct address *address)
{
    for (size_t i = 0; i < lookup->count; i++) {
        if (address_compare(&lookup->addresses[i].address, address) == 0)
            return &lookup->addresses[i];
    }
    return NULL;
}

static struct lookup_address *lookup_last(struct lookup *lookup)
{
    struct lookup_address *last = &lookup->addresses[0];
    for (size_t i = 1; i < lookup->count; i++) {
        if (compare_addresses(last, &lookup->addresses[i]) < 0)
            last = &lookup->addresses[i];
    }
    return last;
}

/* Name servers answer in any order: it must not matter which of the same, or of too many, comes first. */
static void lookup_add(struct lookup *lookup, const struct lookup_address *found)
{
    struct lookup_address *other = lookup_find_known(lookup, &found->address);
    if (other == NULL && lookup->count < LOOKUP_ADDRESSES_MAX) {
        lookup->addresses[lookup->count++] = *found;
        return;
    }
    other = other ? other : lookup_last(lookup);
    if (compare_addresses(found, other) < 0)
        *other = *found;
}

/* ---- families ---- */

/* Connecting a datagram socket sends nothing: the kernel only looks for a route. */
static bool lookup_is_reachable(const struct address *address)
{
    int fd = socket(address->any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    bool is_known = connect(fd, &address->any, address->length) == 0;
    close(fd);
    return is_known;
}

static bool reaches_family(const struct lookup *lookup, int family)
{
    for (size_t i = 0; i < lookup->count; i++) {
        if (lookup->addresses[i].address.any.sa_family == family &&
            lookup_is_reachable(&lookup->addresses[i].address))
            return true;
    }
    return false;
}

static void keep_family(struct lookup *lookup, int family)
{
    size_t kept = 0;
    for (size_t i = 0; i < lookup->count; i++) {
        if (lookup->addresses[i].address.any.sa_family == family)
            lookup->addresses[kept++] = lookup->addresses[i];
    }
    lookup->count = kept;
}

static void drop_unreachable(struct lookup *lookup)
{
    bool has_v4 = reaches_family(lookup, AF_INET), has_v6 = reaches_family(lookup, AF_INET6);
    if (has_v4 != has_v6)
        keep_family(lookup, has_v4 ? AF_INET : AF_INET6);
}

#ifdef HAVE_CARES

/* ---- c-ares ---- */

#define QUERY_TIMEOUT_MS 1000 /* the first; then twice as long */
#define QUERY_TRIES      3
#define STOP_LOOK_MS     100
#define TTL_S_HOSTS      5 /* of names in /etc/hosts, and of records that nobody should keep */
#define CLASS_IN         1
#define TYPE_SRV         33
#define HEADER_BYTES     12
#define RECORD_BYTES     10 /* behind its name, before its data */

struct query {
    struct lookup *lookup;
    ares_channel channel;
    unsigned pending;
    int status;      /* of the last host without addresses, */
    bool has_failed; /* and whether that is a failure, rather than an answer */
    uint32_t ttl_s;
};

/* The addresses of one host. */
struct query_target {
    struct query *query;
    uint16_t port, priority, weight;
};

static void note_ttl(struct query *query, uint32_t ttl_s)
{
    query->ttl_s = MIN(query->ttl_s, ttl_s);
}

/* That a host does not exist, or has no address, is an answer. */
static void note_status(struct query *query, int status)
{
    if (status == ARES_SUCCESS || query->has_failed)
        return;
    query->status = status;
    query->has_failed = status != ARES_ENODATA && status != ARES_ENOTFOUND;
}

/* Only what matters, so that equal addresses are equal bytes. Returns false for another family. */
static bool lookup_read_node(const struct ares_addrinfo_node *node, uint16_t port,
                             struct address *ret_address)
{
    memset(ret_address, 0, sizeof(*ret_address));
    ret_address->any.sa_family = (sa_family_t)node->ai_family;
    if (node->ai_family == AF_INET) {
        ret_address->v4.sin_addr = ((const struct sockaddr_in *)node->ai_addr)->sin_addr;
        ret_address->v4.sin_port = htons(port);
        ret_address->length = sizeof(ret_address->v4);
    } else if (node->ai_family == AF_INET6) {
        ret_address->v6.sin6_addr = ((const struct sockaddr_in6 *)node->ai_addr)->sin6_addr;
        ret_address->v6.sin6_port = htons(port);
        ret_address->length = sizeof(ret_address->v6);
    }
    return ret_address->length > 0;
}

static void lookup_take_node(const struct query_target *target, const struct ares_addrinfo_node *node)
{
    struct lookup_address found = {.priority = target->priority, .weight = target->weight};
    if (!lookup_read_node(node, target->port, &found.address))
        return;
    note_ttl(target->query, (uint32_t)MAX(node->ai_ttl, 0));
    lookup_add(target->query->lookup, &found);
}

static void on_addresses(void *context, int status, int timeouts, struct ares_addrinfo *info)
{
    struct query_target *target = context;
    (void)timeouts;
    target->query->pending--;
    note_status(target->query, status);
    for (struct ares_addrinfo_cname *name = info ? info->cnames : NULL; name; name = name->next)
        note_ttl(target->query, (uint32_t)MAX(name->ttl, 0));
    for (struct ares_addrinfo_node *node = info ? info->nodes : NULL; node; node = node->ai_next)
        lookup_take_node(target, node);
    ares_freeaddrinfo(info);
    free(target);
}

static void ask_for_addresses(struct query *query, const char *host, const struct query_target *like)
{
    struct ares_addrinfo_hints hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = ARES_AI_NOSORT};
    struct query_target *target = malloc(sizeof(*target));
    if (target == NULL) {
        note_status(query, ARES_ENOMEM);
        return;
    }
    *target = *like;
    query->pending++;
    ares_getaddrinfo(query->channel, host, NULL, &hints, on_addresses, target);
}

static uint32_t read_u32(const unsigned char *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* Returns what follows a name; NULL: the message is cut. */
static const unsigned char *skip_name(const unsigned char *at, const unsigned char *message, int length)
{
    char *name;
    long encoded;
    if (at >= message + length || ares_expand_name(at, message, length, &name, &encoded) != ARES_SUCCESS)
        return NULL;
    ares_free_string(name);
    return at + encoded;
}

/* c-ares does not say how long SRV records hold. It has checked the message. */
static void note_ttl_of_answers(struct query *query, const unsigned char *message, int length)
{
    const unsigned char *end = message + length, *at = message + HEADER_BYTES;
    unsigned questions = length >= HEADER_BYTES ? message[4] << 8 | message[5] : 0;
    unsigned answers = length >= HEADER_BYTES ? message[6] << 8 | message[7] : 0;
    for (; questions > 0 && at; questions--) {
        at = skip_name(at, message, length);
        at = at && end - at >= 4 ? at + 4 : NULL;
    }
    for (; answers > 0 && at; answers--) {
        at = skip_name(at, message, length);
        if (at == NULL || end - at < RECORD_BYTES)
            return;
        note_ttl(query, read_u32(at + 4));
        int data = at[8] << 8 | at[9];
        at = end - at >= RECORD_BYTES + data ? at + RECORD_BYTES + data : NULL;
    }
}

static int compare_services(const struct ares_srv_reply *one, const struct ares_srv_reply *other)
{
    int order = (int)one->priority - (int)other->priority;
    order = order != 0 ? order : strcmp(one->host, other->host);
    return order != 0 ? order : (int)one->port - (int)other->port;
}

/* Of the services, the first ones in that order. */
struct service_list {
    unsigned count;
    const struct ares_srv_reply *services[LOOKUP_ADDRESSES_MAX];
};

static void insert_service(struct service_list *list, const struct ares_srv_reply *service)
{
    unsigned at = list->count;
    while (at > 0 && compare_services(service, list->services[at - 1]) < 0)
        at--;
    if (at == LOOKUP_ADDRESSES_MAX)
        return;
    list->count = MIN(list->count + 1, (unsigned)LOOKUP_ADDRESSES_MAX);
    memmove(&list->services[at + 1], &list->services[at], (list->count - at - 1) * sizeof(list->services[0]));
    list->services[at] = service;
}

static void ask_for_services(struct query *query, const struct ares_srv_reply *first)
{
    struct service_list list = {0};
    for (const struct ares_srv_reply *one = first; one; one = one->next) {
        if (one->port > 0 && one->host[0] != '\0' && strcmp(one->host, ".") != 0)
            insert_service(&list, one);
    }
    for (unsigned i = 0; i < list.count; i++) {
        const struct ares_srv_reply *one = list.services[i];
        struct query_target target = {query, one->port, one->priority, one->weight};
        ask_for_addresses(query, one->host, &target);
    }
}

static void on_services(void *context, int status, int timeouts, unsigned char *message, int length)
{
    struct query *query = context;
    struct ares_srv_reply *first = NULL;
    (void)timeouts;
    query->pending--;
    if (status == ARES_SUCCESS)
        status = ares_parse_srv_reply(message, length, &first);
    note_status(query, status);
    if (status != ARES_SUCCESS)
        return;
    note_ttl_of_answers(query, message, length);
    ask_for_services(query, first);
    ares_free_data(first);
}

/* Waits for one of its sockets, or until it wants to ask again. */
static void lookup_turn(ares_channel channel)
{
    ares_socket_t sockets[ARES_GETSOCK_MAXNUM];
    struct pollfd fds[ARES_GETSOCK_MAXNUM];
    struct timeval most = {.tv_usec = STOP_LOOK_MS * 1000}, wait = most;
    unsigned bits = (unsigned)ares_getsock(channel, sockets, ARES_GETSOCK_MAXNUM);
    nfds_t count = 0;
    for (unsigned i = 0; i < ARES_GETSOCK_MAXNUM; i++) {
        /* ARES_GETSOCK_WRITABLE shifts a signed 1 into the sign. */
        bool reads = bits >> i & 1, writes = bits >> (i + ARES_GETSOCK_MAXNUM) & 1;
        if (reads || writes)
            fds[count++] = (struct pollfd){.fd = sockets[i],
                                           .events = (short)((reads ? POLLIN : 0) | (writes ? POLLOUT : 0))};
    }
    const struct timeval *next = ares_timeout(channel, &most, &wait);
    poll(fds, count, (int)(next->tv_sec * 1000 + next->tv_usec / 1000) + 1);
    for (nfds_t i = 0; i < count; i++) {
        if (fds[i].revents)
            ares_process_fd(channel, fds[i].fd, fds[i].fd);
    }
    ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

static void lookup_ask(struct query *query)
{
    struct lookup *lookup = query->lookup;
    struct query_target target = {.query = query, .port = lookup->port};
    if (lookup_is_service(slice_from(lookup->host))) {
        query->pending++;
        ares_query(query->channel, lookup->host, CLASS_IN, TYPE_SRV, on_services, query);
    } else {
        ask_for_addresses(query, lookup->host, &target);
    }
    while (query->pending > 0 && !lookup->is_given_up)
        lookup_turn(query->channel);
}

static void lookup_find(struct lookup *lookup)
{
    struct ares_options options = {.timeout = QUERY_TIMEOUT_MS, .tries = QUERY_TRIES};
    struct query query = {.lookup = lookup, .ttl_s = UINT32_MAX, .status = ARES_ENODATA};
    query.status = ares_init_options(&query.channel, &options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES);
    bool has_channel = query.status == ARES_SUCCESS;
    if (has_channel && lookup->servers[0] != '\0')
        query.status = ares_set_servers_ports_csv(query.channel, lookup->servers);
    if (query.status == ARES_SUCCESS) {
        query.status = ARES_ENODATA;
        lookup_ask(&query);
    }
    if (has_channel)
        ares_destroy(query.channel); /* ends what is pending */
    lookup->is_partial = query.has_failed && lookup->count > 0;
    lookup->ttl_s = query.ttl_s == 0 || query.ttl_s == UINT32_MAX ? TTL_S_HOSTS : query.ttl_s;
    lookup->why = ares_strerror(query.status);
}

bool sys_lookup_has_dns(void)
{
    return true;
}

#else

static void lookup_find(struct lookup *lookup)
{
    struct address found[LOOKUP_ADDRESSES_MAX];
    lookup->ttl_s = TTL_S_UNKNOWN;
    lookup->why = "vif was built without c-ares, which asks for SRV records";
    if (lookup_is_service(slice_from(lookup->host)))
        return;
    size_t count = sys_resolve(lookup->host, lookup->port, found, ARRAY_LENGTH(found), &lookup->why);
    for (size_t i = 0; i < count; i++)
        lookup_add(lookup, &(struct lookup_address){.address = found[i]});
}

bool sys_lookup_has_dns(void)
{
    return false;
}

#endif

void sys_lookup(struct lookup *lookup)
{
    lookup->count = 0;
    lookup->is_partial = false;
    lookup_find(lookup);
    drop_unreachable(lookup);
    qsort(lookup->addresses, lookup->count, sizeof(lookup->addresses[0]), compare_addresses);
}
