/* A session of HTTP/2 and its client, which talk without a socket: bytes go to and fro until neither has more
 * to say. */
#ifndef TESTS_UNIT_H2_PAIR_H
#define TESTS_UNIT_H2_PAIR_H

#include "tests/unit/h2_client.h"
#include "tests/unit/server_builder.h"

#include "front/h2_buffer.h"
#include "front/h2_session.h"
#include "h2/floods.h"

struct h2_pair {
    struct world *world;
    struct h2_sessions all;
    struct exchange_events events;
    struct h2_session *session;
    struct h2_client client;
    size_t writes;       /* outputs that were not empty */
    uint64_t bytes_max;  /* the longest of them */
    uint64_t output_max; /* how long they may be; 0: as the front lets them be */
    bool takes_no_more;  /* the session */
    struct buffer *raw;  /* gets the bytes instead of the client; NULL: it gets them */
    size_t read_max;     /* bytes that the session is given at once; 0: all */
};

static inline const struct peer *h2_pair_peer(const struct h2_session *session)
{
    static const struct peer peer = {.family = AF_INET};
    (void)session;
    return &peer;
}

static inline void h2_pair_job(void *owner, struct exchange *exchange)
{
    (void)owner, (void)exchange; /* done by h2_pair_work */
}

/* Limits as the defaults are. */
static inline void h2_pair_init_events(struct h2_pair *pair, struct world *world)
{
    *pair = (struct h2_pair){.world = world};
    pair->events = (struct exchange_events){
        .on_respond = h2_exchange_respond,
        .on_respond_kept = h2_exchange_respond_kept,
        .on_interim = h2_exchange_interim,
        .on_progress = h2_session_on_progress,
        .on_job = h2_pair_job,
    };
    pair->all = (struct h2_sessions){
        .service = &world->server->service,
        .limits = {.streams = 100,
                   .window_bytes = 65536,
                   .window_bytes_max = 1 << 20,
                   .head_bytes = 16384,
                   .uri_bytes = 8192,
                   .fields = 100,
                   .body_bytes = 1 << 20},
        .peer = h2_pair_peer,
    };
    pair->all.events = &pair->events;
}

static inline void h2_pair_start(struct h2_pair *pair, uint32_t client_window)
{
    pair->session = h2_session_create(&pair->all, pair);
    assert_non_null(pair->session);
    h2_client_init(&pair->client, client_window);
}

static inline void h2_pair_finish(struct h2_pair *pair)
{
    h2_session_destroy(pair->session, OUTCOME_CLIENT_LEFT);
    h2_client_finish(&pair->client);
    h2_sessions_finish(&pair->all);
}

/* Bytes for the session, as they are. */
static inline void h2_pair_receive(struct h2_pair *pair, struct slice bytes)
{
    while (bytes.length > 0 && !pair->takes_no_more) {
        size_t length = pair->read_max ? MIN(pair->read_max, bytes.length) : bytes.length;
        pair->takes_no_more = !h2_session_receive(pair->session, slice_take(bytes, length));
        bytes = slice_skip(bytes, length);
    }
}

/* True where a job was done. */
static inline bool h2_pair_work(struct h2_pair *pair)
{
    LIST_FOREACH(link, &pair->session->exchanges) {
        struct exchange *exchange = CONTAINER_OF(link, struct exchange, link);
        if (exchange->is_busy) {
            exchange->queued.job.work(&exchange->queued.job);
            exchange->queued.job.done(&exchange->queued.job);
            return true;
        }
    }
    return false;
}

/* One output of the session to the client; false where it was empty. */
static inline bool h2_pair_write(struct h2_pair *pair)
{
    static char room[H2_OUTPUT_BYTES_MAX + H2_FRAME_BYTES_MAX];
    struct slice pieces[64];
    struct h2_output output = {.room = room,
                               .room_size = sizeof(room),
                               .pieces = pieces,
                               .piece_max = ARRAY_LENGTH(pieces),
                               .bytes_max = pair->output_max ? pair->output_max : H2_OUTPUT_BYTES_MAX};
    assert_int_not_equal(h2_session_write(pair->session, &output), H2_WRITTEN_FAILED);
    for (size_t i = 0; i < output.piece_count; i++) {
        if (pair->raw)
            buffer_append(pair->raw, pieces[i]);
        else
            h2_client_read(&pair->client, pieces[i]);
    }
    h2_session_end_sent(pair->session);
    pair->writes += output.bytes > 0;
    pair->bytes_max = MAX(pair->bytes_max, output.bytes);
    return output.bytes > 0;
}

/* The client's bytes to the session; false where there were none. */
static inline bool h2_pair_send(struct h2_pair *pair)
{
    struct buffer bytes;
    buffer_init(&bytes, SIZE_MAX);
    h2_client_write(&pair->client, &bytes);
    bool is_some = bytes.length > 0;
    h2_pair_receive(pair, buffer_slice(&bytes));
    buffer_finish(&bytes);
    return is_some;
}

static inline void h2_pair_talk(struct h2_pair *pair)
{
    bool goes_on = true;
    while (goes_on) {
        goes_on = h2_pair_send(pair);
        while (h2_pair_work(pair))
            continue;
        goes_on |= h2_pair_write(pair);
    }
}

#endif
