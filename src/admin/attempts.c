/* A short list, searched from its beginning: it is only looked at beside a check of tens of milliseconds, or
 * to refuse one. */
#include "admin/attempts.h"

static struct attempts_client *attempts_find(struct attempts *attempts, const struct peer *part)
{
    for (size_t i = 0; i < ATTEMPTS_CLIENTS_MAX; i++) {
        struct attempts_client *client = &attempts->clients[i];
        if (client->count > 0 && memcmp(&client->part, part, sizeof(*part)) == 0)
            return client;
    }
    return NULL;
}

/* A free place, else that of the client which began first. */
static struct attempts_client *attempts_place(struct attempts *attempts)
{
    struct attempts_client *place = &attempts->clients[0];
    for (size_t i = 0; i < ATTEMPTS_CLIENTS_MAX && place->count > 0; i++) {
        struct attempts_client *client = &attempts->clients[i];
        if (client->count == 0 || client->began_ms < place->began_ms)
            place = client;
    }
    return place;
}

/* Until the client's attempts are forgotten. */
static uint64_t time_left_ms(const struct attempts_client *client, uint64_t now_ms)
{
    uint64_t end_ms = client->began_ms + ATTEMPTS_WITHIN_MS;
    return end_ms > now_ms ? end_ms - now_ms : 0;
}

unsigned attempts_take(struct attempts *attempts, const struct peer *peer, uint64_t now_ms)
{
    struct peer part = peer_client(peer);
    struct attempts_client *client = attempts_find(attempts, &part);
    uint64_t left_ms = client ? time_left_ms(client, now_ms) : 0;
    if (left_ms > 0 && client->count >= PASSWORD_ATTEMPTS_MAX)
        return (unsigned)((left_ms + 999) / 1000);
    if (client == NULL)
        client = attempts_place(attempts);
    if (left_ms == 0)
        *client = (struct attempts_client){.part = part, .began_ms = now_ms};
    client->count++;
    return 0;
}

void attempts_give_back(struct attempts *attempts, const struct peer *peer)
{
    struct peer part = peer_client(peer);
    struct attempts_client *client = attempts_find(attempts, &part);
    if (client)
        client->count--;
}

unsigned attempts_of(const struct attempts *attempts, const struct peer *peer)
{
    struct peer part = peer_client(peer);
    const struct attempts_client *client = attempts_find((struct attempts *)attempts, &part);
    return client ? client->count : 0;
}
