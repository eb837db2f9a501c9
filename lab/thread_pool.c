/* A pool of threads with a bounded queue: as many threads as one can afford, made once.
 *
 * One thread accepts and puts the connections into a queue; the others take them out, one each, and serve it
 * until it closes. So threads cost nothing to begin, and their number no longer depends on the clients.
 * Tomcat and many application servers worked like this, and database drivers pool connections the same way.
 *
 * What it costs: besides the threads, two wake-ups for each new connection, and two numbers that nobody knows
 * how to choose. With too few threads the processor idles while clients wait; with too many they cost what
 * lab/thread_per_connection.c costs.
 *
 * What breaks it: as many slow or merely idle clients as there are threads. Keep-alive did that to the
 * servers of the nineties, and an attack called Slowloris to those of today: LAB_POOL_THREADS connections
 * that say nothing, and nobody else is served. The queue is bounded, as otherwise it would only hide that for
 * a while: when it is full, clients are closed unserved. They see resets; those in the queue see nothing at
 * all until a thread is free. A handler that blocks takes its thread out of the pool: throughput is at most
 * threads / time of blocking. */
#include "lab/blocking.h"
#include "lab/models.h"

#include <errno.h>
#include <pthread.h>

#define QUEUE_MAX 256

struct pool_client {
    struct lab_client base;
    struct list link; /* in pool.waiting */
};

struct pool {
    struct lab_site *site;
    pthread_mutex_t mutex;
    pthread_cond_t client_arrived;
    struct list waiting; /* struct pool_client; the first is the next */
    unsigned waiting_count;
};

static bool put(struct pool *pool, struct pool_client *client)
{
    pthread_mutex_lock(&pool->mutex);
    bool has_room = pool->waiting_count < QUEUE_MAX;
    if (has_room) {
        list_append(&pool->waiting, &client->link);
        pool->waiting_count++;
        pthread_cond_signal(&pool->client_arrived);
    }
    pthread_mutex_unlock(&pool->mutex);
    return has_room;
}

static struct pool_client *take(struct pool *pool)
{
    pthread_mutex_lock(&pool->mutex);
    while (pool->waiting_count == 0)
        pthread_cond_wait(&pool->client_arrived, &pool->mutex);
    struct pool_client *client = CONTAINER_OF(pool->waiting.next, struct pool_client, link);
    list_remove(&client->link);
    pool->waiting_count--;
    pthread_mutex_unlock(&pool->mutex);
    return client;
}

static void *serve_clients(void *argument)
{
    struct pool *pool = argument;
    for (;;) {
        struct pool_client *client = take(pool);
        lab_client_serve(&client->base);
        lab_client_destroy(&client->base);
    }
    return NULL;
}

int lab_serve_thread_pool(struct lab_site *site, int listening_fd)
{
    int error = lab_site_open(site);
    if (error < 0)
        return error;
    lab_site_share(site);
    lab_set_blocking(listening_fd, true);

    struct pool pool = {
        .site = site,
        .mutex = PTHREAD_MUTEX_INITIALIZER,
        .client_arrived = PTHREAD_COND_INITIALIZER,
    };
    list_init(&pool.waiting);
    for (unsigned i = 0; i < LAB_POOL_THREADS; i++) {
        pthread_t thread;
        error = pthread_create(&thread, NULL, serve_clients, &pool);
        if (error != 0 && i == 0)
            return -error;
    }
    for (;;) {
        struct pool_client *client = lab_accept(site, listening_fd, 0, sizeof(*client));
        if (client == NULL)
            continue;
        lab_client_set_timeout(&client->base, LAB_SCARCE_TIMEOUT_MS);
        if (!put(&pool, client))
            lab_client_refuse(&client->base);
    }
}
