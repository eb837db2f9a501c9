/* Streams over real sockets: reading, pausing, the peer's end, resets, and closing from every callback. */
#include "stream_owner.h"

typedef void connector(int ret_fds[2]);
static connector *const connectors[] = {connect_unix, connect_tcp};

static void reset_by_peer(struct owner *owner)
{
    struct linger hard = {.l_onoff = 1};
    assert_int_equal(setsockopt(owner->peer, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard)), 0);
    close(owner->peer);
    owner->peer = -1;
}

static void reads_at_once_what_is_there(void **state)
{
    (void)state;
    struct loop *loop = make_loop();
    for (size_t i = 0; i < ARRAY_LENGTH(connectors); i++) {
        struct owner owner;
        owner_init(&owner, loop, connectors[i]);
        owner_write(&owner, 0, 100);
        owner_start(&owner);
        assert_int_equal(owner.reads, 1);
        owner_write(&owner, 100, 23);
        owner_run_to(&owner, 123);
        assert_int_equal(owner.reads, 2);
        owner_run(&owner, OWNER_NEVER);
        assert_int_equal(owner.reads, 2);
        owner_finish(&owner);
    }
    loop_destroy(loop);
}

static void waits_for_what_is_not(void **state)
{
    (void)state;
    struct loop *loop = make_loop();
    for (size_t i = 0; i < ARRAY_LENGTH(connectors); i++) {
        struct owner owner;
        owner_init(&owner, loop, connectors[i]);
        owner_start(&owner);
        assert_int_equal(owner.reads, 0);
        for (size_t total = 1; total <= 5; total++) {
            owner_write(&owner, total - 1, 1);
            owner_run_to(&owner, total);
        }
        owner_finish(&owner);
    }
    loop_destroy(loop);
}

/* Sizes around the loop's buffer: a read that fills it must be followed by another without a new edge. */
static void reads_all_of_much(void **state)
{
    (void)state;
    static const size_t sizes[] = {LOOP_READ_BYTES - 1, LOOP_READ_BYTES, LOOP_READ_BYTES + 1,
                                   LOOP_READ_BYTES * 2, LOOP_READ_BYTES * 2 + 1};
    struct loop *loop = make_loop();
    for (size_t i = 0; i < ARRAY_LENGTH(connectors); i++) {
        for (size_t k = 0; k < ARRAY_LENGTH(sizes); k++) {
            struct owner owner;
            owner_init(&owner, loop, connectors[i]);
            int room = 1 << 20;
            setsockopt(owner.peer, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
            setsockopt(owner.stream.watch.fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
            owner_write(&owner, 0, sizes[k]);
            owner_start(&owner);
            owner_run_to(&owner, sizes[k]);
            owner_finish(&owner);
        }
    }
    loop_destroy(loop);
}

/* A peer with endless bytes gets its turn, not the loop. */
static void a_flood_does_not_starve_others(void **state)
{
    (void)state;
    struct loop *loop = make_loop();
    struct owner flood, small;
    owner_init(&flood, loop, connect_unix);
    owner_init(&small, loop, connect_unix);
    int room = 1 << 20;
    setsockopt(flood.peer, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
    owner_start(&flood);
    owner_start(&small);
    fcntl(flood.peer, F_SETFL, O_NONBLOCK);
    static char bytes[LOOP_READ_BYTES];
    while (write(flood.peer, bytes, sizeof(bytes)) > 0)
        ;
    owner_write(&small, 0, 10);
    owner_run(&small, OWNER_READ);
    assert_int_equal(small.received, 10);
    /* One buffer; io_uring fills small ones and tells of a bounded number of them. */
    assert_true(flood.reads <= (chosen_backend() == LOOP_BACKEND_IO_URING ? 256 : 1));
    owner_finish(&flood);
    owner_finish(&small);
    loop_destroy(loop);
}

static void a_paused_stream_is_not_read(void **state)
{
    (void)state;
    struct loop *loop = make_loop();
    for (size_t i = 0; i < ARRAY_LENGTH(connectors); i++) {
        struct owner owner;
        owner_init(&owner, loop, connectors[i]);
        owner_start(&owner);
        stream_read_pause(&owner.stream);
        owner_write(&owner, 0, 10);
        owner_run(&owner, OWNER_NEVER);
        assert_int_equal(owner.reads, 0);
        stream_read_resume(&owner.stream);
        stream_read_resume(&owner.stream);
        assert_int_equal(owner.reads, 0); /* not inside the call */
        owner_run_to(&owner, 10);

        owner.pause_on = OWNER_READ; /* with more in the socket than one read takes */
        int room = 1 << 20;
        setsockopt(owner.peer, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
        setsockopt(owner.stream.watch.fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
        owner_write(&owner, 10, LOOP_READ_BYTES + 100);
        owner_run(&owner, OWNER_READ);
        size_t received = owner.received;
        owner_run(&owner, OWNER_NEVER);
        assert_int_equal(owner.received, received);
        while (owner.received < LOOP_READ_BYTES + 110) {
            stream_read_resume(&owner.stream);
            owner_run(&owner, OWNER_READ);
        }
        assert_false(owner.pattern_broken);
        owner_finish(&owner);
    }
    loop_destroy(loop);
}

/* More than is told at once: a backend may have to hold it, and tells of it piece by piece. */
static void much_that_comes_in_a_pause_is_told_once(void **state)
{
    (void)state;
    struct loop *loop = make_loop();
    for (size_t i = 0; i < ARRAY_LENGTH(connectors); i++) {
        struct owner owner;
        owner_init(&owner, loop, connectors[i]);
        int room = 1 << 20;
        setsockopt(owner.peer, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
        setsockopt(owner.stream.watch.fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
        owner_start(&owner);
        stream_read_pause(&owner.stream);
        owner_write(&owner, 0, LOOP_READ_BYTES * 2 + 1);
        owner_run(&owner, OWNER_NEVER);
        assert_int_equal(owner.reads, 0);
        stream_read_resume(&owner.stream);
        owner_run_to(&owner, LOOP_READ_BYTES * 2 + 1);
        owner_finish(&owner);
    }
    loop_destroy(loop);
}

/* Bytes of the pattern from `from` on, as many as the socket takes; returns where they end. */
static size_t write_what_fits(const struct owner *owner, size_t from)
{
    static char bytes[1 << 14];
    for (;;) {
        owner_fill(bytes, from, sizeof(bytes));
        ssize_t count = send(owner->peer, bytes, sizeof(bytes), MSG_DONTWAIT);
        if (count <= 0)
            return from;
        from += (size_t)count;
    }
}

/* In each pause anew, whatever was held in the one before. */
static void a_pause_stops_the_peer(void **state)
{
    (void)state;
    enum { PAUSES = 3, TURNS = 100, BYTES_MAX = 3 << 20 };
    struct loop *loop = make_loop();
    struct owner owner;
    owner_init(&owner, loop, connect_unix);
    owner_start(&owner);
    for (unsigned i = 0; i < PAUSES; i++) {
        stream_read_pause(&owner.stream);
        size_t sent = owner.received;
        for (unsigned turn = 0; turn < TURNS; turn++) {
            sent = write_what_fits(&owner, sent);
            owner_turn(&owner);
        }
        assert_in_range(sent - owner.received, 1, BYTES_MAX);
        stream_read_resume(&owner.stream);
        owner_run_to(&owner, sent);
    }
    owner_finish(&owner);
    loop_destroy(loop);
}

static void tells_the_end_once_and_last(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, LOOP_READ_BYTES, LOOP_READ_BYTES + 1};
    struct loop *loop = make_loop();
    for (size_t i = 0; i < ARRAY_LENGTH(connectors); i++) {
        for (size_t k = 0; k < ARRAY_LENGTH(sizes) * 2; k++) {
            struct owner owner;
            owner_init(&owner, loop, connectors[i]);
            int room = 1 << 20;
            setsockopt(owner.peer, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
            setsockopt(owner.stream.watch.fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
            bool start_first = k % 2;
            size_t size = sizes[k / 2];
            if (start_first)
                owner_start(&owner);
            if (size > 0)
                owner_write(&owner, 0, size);
            shutdown(owner.peer, SHUT_WR);
            if (!start_first)
                owner_start(&owner);
            if (owner.ends == 0)
                owner_run(&owner, OWNER_END);
            assert_int_equal(owner.received, size);
            assert_false(owner.pattern_broken);

            /* The other direction goes on. */
            char answer[4];
            struct segment segment = segment_memory(SLICE("done"));
            assert_int_equal(stream_send(&owner.stream, &segment, 1), SEND_DONE);
            owner_turn(&owner);
            assert_int_equal(read(owner.peer, answer, sizeof(answer)), 4);
            stream_read_resume(&owner.stream);
            owner_run(&owner, OWNER_NEVER);
            assert_int_equal(owner.ends, 1);
            owner_finish(&owner);
        }
    }
    loop_destroy(loop);
}

static void tells_the_end_after_a_pause(void **state)
{
    (void)state;
    struct loop *loop = make_loop();
    struct owner owner;
    owner_init(&owner, loop, connect_tcp);
    owner_start(&owner);
    stream_read_pause(&owner.stream);
    owner_write(&owner, 0, 7);
    shutdown(owner.peer, SHUT_WR);
    owner_run(&owner, OWNER_NEVER);
    assert_int_equal(owner.ends, 0);
    stream_read_resume(&owner.stream);
    owner_run(&owner, OWNER_END);
    assert_int_equal(owner.received, 7);
    owner_finish(&owner);
    loop_destroy(loop);
}

static void tells_of_a_reset(void **state)
{
    (void)state;
    struct loop *loop = make_loop();
    struct owner owner;
    owner_init(&owner, loop, connect_tcp);
    owner_start(&owner);
    reset_by_peer(&owner);
    owner_run(&owner, OWNER_ERROR);
    assert_int_equal(owner.error, -ECONNRESET);
    owner_run(&owner, OWNER_CLOSED);
    owner_finish(&owner);

    owner_init(&owner, loop, connect_tcp); /* before the start */
    reset_by_peer(&owner);
    owner_start(&owner);
    assert_int_equal(owner.error, -ECONNRESET);
    owner_run(&owner, OWNER_CLOSED);
    owner_finish(&owner);

    loop_destroy(loop);
}

/* What a stream may have been through before its reading is paused. */
enum before_pause {
    PAUSED_UNREAD,        /* nothing was ever read */
    PAUSED_IN_FIRST_READ, /* the owner pauses in the callback, and never gives the loop a turn */
    PAUSED_IN_READ,       /* in a callback of a turn */
    PAUSED_AFTER_END,     /* the peer sends no more, but may be waiting for an answer */
    PAUSED_KINDS
};

static void start_paused(struct owner *owner, struct loop *loop, enum before_pause kind)
{
    owner_init(owner, loop, connect_tcp);
    owner->pause_on = kind == PAUSED_IN_FIRST_READ || kind == PAUSED_IN_READ ? OWNER_READ : 0;
    if (kind == PAUSED_IN_FIRST_READ)
        owner_write(owner, 0, 10);
    owner_start(owner);
    if (kind == PAUSED_IN_READ)
        owner_write(owner, 0, 10);
    if (kind == PAUSED_IN_READ)
        owner_run(owner, OWNER_READ);
    if (kind == PAUSED_AFTER_END)
        shutdown(owner->peer, SHUT_WR);
    if (kind == PAUSED_AFTER_END)
        owner_run(owner, OWNER_END);
    stream_read_pause(&owner->stream);
}

/* select(2) says nothing of what comes behind something that it has told of: there one must ask. */
static void expect_reset(struct owner *owner, bool is_first)
{
    if (!is_first && chosen_backend() == LOOP_BACKEND_SELECT) {
        owner_run(owner, OWNER_NEVER);
        assert_true(stream_peer_has_left(&owner->stream));
        return;
    }
    owner_run(owner, OWNER_ERROR);
    assert_int_equal(owner->error, -ECONNRESET);
    owner_run(owner, OWNER_CLOSED);
}

/* Whoever works for a peer that has left is told, though nothing is read and nothing is sent. */
static void tells_of_a_reset_in_a_pause(void **state)
{
    (void)state;
    struct loop *loop = make_loop();
    for (unsigned i = 0; i < PAUSED_KINDS * 2; i++) {
        struct owner owner;
        start_paused(&owner, loop, i / 2);
        if (i % 2 == 0)
            owner_run(&owner, OWNER_NEVER);
        assert_int_equal(owner.errors, 0);
        assert_false(stream_peer_has_left(&owner.stream));
        reset_by_peer(&owner);
        expect_reset(&owner, i / 2 != PAUSED_AFTER_END);
        owner_finish(&owner);
    }
    loop_destroy(loop);
}

/* The same with bytes that nobody has read yet, before the reset or in one event with it. They are gone with
 * the peer. */
static void tells_of_a_reset_behind_unread_bytes(void **state)
{
    (void)state;
    struct loop *loop = make_loop();
    for (unsigned i = 0; i < PAUSED_AFTER_END * 2; i++) {
        struct owner owner;
        start_paused(&owner, loop, i / 2);
        size_t received = owner.received;
        owner_write(&owner, received, 100);
        bool is_told_of_bytes = i % 2 == 0;
        if (is_told_of_bytes)
            owner_run(&owner, OWNER_NEVER);
        assert_false(stream_peer_has_left(&owner.stream));
        reset_by_peer(&owner);
        expect_reset(&owner, !is_told_of_bytes);
        assert_int_equal(owner.received, received);
        owner_finish(&owner);
    }
    loop_destroy(loop);
}

/* The bytes and the reset are there when the first read finds the bytes. */
static void tells_of_a_reset_that_came_with_the_bytes(void **state)
{
    (void)state;
    struct loop *loop = make_loop();
    struct owner owner;
    owner_init(&owner, loop, connect_tcp);
    owner.pause_on = OWNER_READ;
    owner_write(&owner, 0, 10);
    reset_by_peer(&owner);
    owner_start(&owner);
    if (owner.errors == 0)
        owner_run(&owner, OWNER_ERROR);
    assert_int_equal(owner.error, -ECONNRESET);
    owner_run(&owner, OWNER_CLOSED);
    owner_finish(&owner);
    loop_destroy(loop);
}

/* The callback closes; nothing but on_closed follows, though there is more to tell. */
static void may_be_closed_in_every_callback(void **state)
{
    (void)state;
    static const enum owner_event events[] = {OWNER_READ, OWNER_END, OWNER_SENT};
    static char bytes[64];
    struct loop *loop = make_loop();
    for (size_t i = 0; i < ARRAY_LENGTH(events) * 2; i++) {
        struct owner owner;
        owner_init(&owner, loop, connect_unix);
        owner.close_on = events[i / 2];
        if (i % 2 == 0)
            owner_start(&owner);
        if (events[i / 2] == OWNER_SENT)
            stream_send_later(&owner.stream);
        if (events[i / 2] != OWNER_END)
            owner_write(&owner, 0, sizeof(bytes));
        shutdown(owner.peer, SHUT_WR);
        if (i % 2 == 1)
            owner_start(&owner);
        owner_run(&owner, OWNER_CLOSED);
        assert_true(owner.reads <= 1);
        /* New events come before what was put off. */
        bool may_have_ended = events[i / 2] == OWNER_SENT;
        assert_true(owner.ends == (events[i / 2] == OWNER_END) || (may_have_ended && owner.ends == 1));
        owner_finish(&owner);
    }
    loop_destroy(loop);
}

struct neighbours {
    struct owner first, second;
};

static void close_the_other(struct stream *stream, struct slice bytes)
{
    (void)bytes;
    struct neighbours *neighbours = CONTAINER_OF(stream, struct neighbours, first.stream);
    stream_close(&neighbours->second.stream);
}

/* Both are readable in the same turn; the first to be told closes the other, and a new stream gets the freed
 * descriptor's number at once: what was fetched for the old one must not reach anybody. */
static void a_stream_closed_by_another_hears_nothing(void **state)
{
    (void)state;
    struct loop *loop = make_loop();
    struct stream_events events = owner_events;
    events.on_read = close_the_other;
    struct neighbours *neighbours = calloc(1, sizeof(*neighbours));
    owner_init(&neighbours->first, loop, connect_unix);
    owner_init(&neighbours->second, loop, connect_unix);
    neighbours->first.stream.events = &events;
    owner_start(&neighbours->first);
    owner_start(&neighbours->second);
    owner_write(&neighbours->first, 0, 1);
    owner_write(&neighbours->second, 0, 1);
    owner_run(&neighbours->second, OWNER_CLOSED);
    assert_int_equal(neighbours->second.reads, 0);
    owner_finish(&neighbours->second);
    owner_finish(&neighbours->first);
    free(neighbours);
    loop_destroy(loop);
}

static void destroying_the_loop_tells_who_closed(void **state)
{
    (void)state;
    struct loop *loop = make_loop();
    struct owner owner;
    owner_init(&owner, loop, connect_unix);
    owner_start(&owner);
    stream_close(&owner.stream);
    assert_int_equal(owner.closeds, 0);
    loop_destroy(loop);
    owner_finish(&owner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_at_once_what_is_there),
        cmocka_unit_test(waits_for_what_is_not),
        cmocka_unit_test(reads_all_of_much),
        cmocka_unit_test(a_flood_does_not_starve_others),
        cmocka_unit_test(a_paused_stream_is_not_read),
        cmocka_unit_test(much_that_comes_in_a_pause_is_told_once),
        cmocka_unit_test(a_pause_stops_the_peer),
        cmocka_unit_test(tells_the_end_once_and_last),
        cmocka_unit_test(tells_the_end_after_a_pause),
        cmocka_unit_test(tells_of_a_reset),
        cmocka_unit_test(tells_of_a_reset_in_a_pause),
        cmocka_unit_test(tells_of_a_reset_behind_unread_bytes),
        cmocka_unit_test(tells_of_a_reset_that_came_with_the_bytes),
        cmocka_unit_test(may_be_closed_in_every_callback),
        cmocka_unit_test(a_stream_closed_by_another_hears_nothing),
        cmocka_unit_test(destroying_the_loop_tells_who_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
