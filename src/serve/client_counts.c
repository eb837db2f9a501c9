/* A map of clients that have something under way. */
#include "serve/client_counts.h"

#include "serve/service.h"

#include <stdlib.h>

struct client_count {
    struct map_link link;
    struct peer part; /* peer_client */
    uint32_t connections;
    uint32_t requests;
};

static struct client_count *client_count_find(const struct service *service, const struct peer *part,
                                              uint64_t hash)
{
    const struct map *counts = &service->client_counts;
    for (struct map_link *link = map_find(counts, hash); link; link = map_find_next(link)) {
        struct client_count *count = CONTAINER_OF(link, struct client_count, link);
        if (memcmp(&count->part, part, sizeof(*part)) == 0)
            return count;
    }
    return NULL;
}

static uint64_t part_hash(const struct service *service, const struct peer *part)
{
    return hash_bytes(&service->client_key, slice_make((const char *)part, sizeof(*part)));
}

static struct client_count *client_count_of(const struct service *service, const struct peer *peer)
{
    struct peer part = peer_client(peer);
    return client_count_find(service, &part, part_hash(service, &part));
}

/* Returns NULL if out of memory. */
static struct client_count *find_or_add(struct service *service, const struct peer *peer)
{
    struct peer part = peer_client(peer);
    uint64_t hash = part_hash(service, &part);
    struct client_count *count = client_count_find(service, &part, hash);
    if (count)
        return count;
    count = calloc(1, sizeof(*count));
    if (count == NULL || map_insert(&service->client_counts, &count->link, hash) < 0) {
        free(count);
        return NULL;
    }
    count->part = part;
    return count;
}

static bool client_count_is_full(const struct client_count *count, uint32_t count_max)
{
    return count == NULL || count->connections + count->requests >= count_max;
}

bool client_counts_add_connection(struct service *service, const struct peer *peer, uint32_t count_max)
{
    struct client_count *count = find_or_add(service, peer);
    if (client_count_is_full(count, count_max))
        return false;
    count->connections++;
    return true;
}

bool client_counts_add_request(struct service *service, const struct peer *peer, uint32_t count_max)
{
    struct client_count *count = find_or_add(service, peer);
    if (client_count_is_full(count, count_max))
        return false;
    count->requests++;
    return true;
}

static void client_count_drop(struct service *service, struct client_count *count)
{
    if (count->connections + count->requests > 0)
        return;
    map_remove(&service->client_counts, &count->link);
    free(count);
}

void client_counts_remove_connection(struct service *service, const struct peer *peer)
{
    struct client_count *count = client_count_of(service, peer);
    assert(count && count->connections > 0);
    count->connections--;
    client_count_drop(service, count);
}

void client_counts_remove_request(struct service *service, const struct peer *peer)
{
    struct client_count *count = client_count_of(service, peer);
    assert(count && count->requests > 0);
    count->requests--;
    client_count_drop(service, count);
}

uint32_t client_counts_connections(const struct service *service, const struct peer *peer)
{
    const struct client_count *count = client_count_of(service, peer);
    return count ? count->connections : 0;
}
