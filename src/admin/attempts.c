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

/* Any minute has a part in two minutes of all clients together, at most. */
static_assert(2 * ATTEMPTS_OF_ALL_MAX < ATTEMPTS_CLIENTS_MAX, "whoever is given up has had its minute");

/* A free place, else that of the client which began first: its minute is over. */
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

/* Until these attempts are forgotten. */
static uint64_t time_left_ms(const struct attempts_client *client, uint64_t now_ms)
{
    uint64_t end_ms = client->began_ms + ATTEMPTS_WITHIN_MS;
    return client->count > 0 && end_ms > now_ms ? end_ms - now_ms : 0;
}

/* Until there may be one more of at most `max`. */
static uint64_t attempts_wait_ms(const struct attempts_client *client, unsigned max, uint64_t now_ms)
{
    return client->count >= max ? time_left_ms(client, now_ms) : 0;
}

static void count_attempt(struct attempts_client *client, uint64_t now_ms)
{
    if (time_left_ms(client, now_ms) == 0) {
        client->count = 0;
        client->began_ms = now_ms;
    }
    client->count++;
}

unsigned attempts_take(struct attempts *attempts, const struct peer *peer, uint64_t now_ms)
{
    struct peer part = peer_client(peer);
    struct attempts_client *client = attempts_find(attempts, &part);
    uint64_t own_ms = client ? attempts_wait_ms(client, PASSWORD_ATTEMPTS_MAX, now_ms) : 0;
    uint64_t left_ms = MAX(own_ms, attempts_wait_ms(&attempts->all, ATTEMPTS_OF_ALL_MAX, now_ms));
    if (left_ms > 0)
        return (unsigned)((left_ms + 999) / 1000);
    if (client == NULL) {
        client = attempts_place(attempts);
        *client = (struct attempts_client){.part = part};
    }
    count_attempt(client, now_ms);
    count_attempt(&attempts->all, now_ms);
    return 0;
}

void attempts_give_back(struct attempts *attempts, const struct peer *peer)
{
    struct peer part = peer_client(peer);
    struct attempts_client *client = attempts_find(attempts, &part);
    if (client)
        client->count--;
    if (attempts->all.count > 0) /* not forgotten meanwhile */
        attempts->all.count--;
}

unsigned attempts_of(const struct attempts *attempts, const struct peer *peer)
{
    struct peer part = peer_client(peer);
    const struct attempts_client *client = attempts_find((struct attempts *)attempts, &part);
    return client ? client->count : 0;
}
