/* Streams over real sockets: sending memory and files, whole and in parts, to slow and to greedy peers. */
#include "stream_owner.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>

/* Reads everything that comes, checks it against the pattern, and counts. */
struct drain {
    pthread_t thread;
    int fd;
    unsigned pause_us; /* between reads of odd sizes; 0: as fast as it goes */
    size_t received;
    bool pattern_broken;
};

static void *run_drain(void *argument)
{
    struct drain *drain = argument;
    size_t size = 1 << 20;
    char *bytes = malloc(size);
    for (;;) {
        size_t wanted = drain->pause_us ? 1 + drain->received * 7919 % 60000 : size;
        ssize_t count = read(drain->fd, bytes, wanted);
        if (count <= 0)
            break;
        for (ssize_t i = 0; drain->pause_us && i < count; i++)
            drain->pattern_broken |= bytes[i] != owner_pattern(drain->received + (size_t)i);
        drain->received += (size_t)count;
        if (drain->pause_us)
            nanosleep(&(struct timespec){.tv_nsec = drain->pause_us * 1000L}, NULL);
    }
    free(bytes);
    return NULL;
}

static void drain_start(struct drain *drain, int fd, unsigned pause_us)
{
    *drain = (struct drain){.fd = fd, .pause_us = pause_us};
    assert_int_equal(pthread_create(&drain->thread, NULL, run_drain, drain), 0);
}

/* An unlinked file with the pattern from 0 on, or with a hole where `filled` is false. */
static int make_file(size_t length, bool filled)
{
    char name[] = "/tmp/vif-test-XXXXXX";
    int fd = mkstemp(name);
    assert_true(fd >= 0);
    unlink(name);
    assert_int_equal(ftruncate(fd, (off_t)length), 0);
    if (filled) {
        char *bytes = malloc(length);
        owner_fill(bytes, 0, length);
        assert_int_equal(pwrite(fd, bytes, length, 0), (ssize_t)length);
        free(bytes);
    }
    return fd;
}

static void shrink_buffers(struct owner *owner)
{
    int bytes = 32768; /* less makes TCP wait for its own timers */
    setsockopt(owner->stream.watch.fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
    setsockopt(owner->peer, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
}

/* Sends, turns until all is sent, ends the stream, and looks at what arrived. */
static void send_all(struct owner *owner, const struct segment *segments, size_t count, size_t total)
{
    struct drain drain;
    drain_start(&drain, owner->peer, 50);
    enum send_result result = stream_send(&owner->stream, segments, count);
    assert_int_not_equal(result, SEND_FAILED);
    assert_int_equal(stream_is_sending(&owner->stream), result == SEND_PENDING);
    assert_int_equal(stream_unsent(&owner->stream) > 0, result == SEND_PENDING);
    if (result == SEND_PENDING)
        owner_run(owner, OWNER_SENT);
    assert_int_equal(owner->sents, result == SEND_PENDING);
    assert_int_equal(stream_unsent(&owner->stream), 0);
    stream_shutdown(&owner->stream);
    pthread_join(drain.thread, NULL);
    assert_int_equal(drain.received, total);
    assert_false(drain.pattern_broken);
}

static void memory_goes_in_parts(void **state)
{
    (void)state;
    size_t length = 600000;
    char *bytes = malloc(length);
    owner_fill(bytes, 0, length);
    struct loop *loop = make_loop();
    for (unsigned i = 0; i < 2; i++) {
        struct owner owner;
        owner_init(&owner, loop, i ? connect_tcp : connect_unix);
        shrink_buffers(&owner);
        owner_start(&owner);
        struct segment segment = segment_memory(slice_make(bytes, length));
        send_all(&owner, &segment, 1, length);
        owner_finish(&owner);
    }
    loop_destroy(loop);
    free(bytes);
}

/* As many segments as there may be: memory, file ranges and empty ones of both, with pieces of odd sizes. */
static void segments_of_all_kinds_keep_their_order(void **state)
{
    (void)state;
    size_t length = 400000;
    char *bytes = malloc(length);
    owner_fill(bytes, 0, length);
    int file = make_file(length, true);
    struct segment segments[STREAM_SEGMENTS_MAX];
    size_t total = 0;
    for (size_t i = 0; i < STREAM_SEGMENTS_MAX; i++) {
        size_t piece = i % 5 == 4 ? 0 : 1 + i * 7919 % 12000;
        assert_true(total + piece <= length);
        if (i % 3 == 1)
            segments[i] = segment_file(file, (off_t)total, piece);
        else
            segments[i] = segment_memory(piece ? slice_make(bytes + total, piece) : (struct slice){0});
        total += piece;
    }
    struct loop *loop = make_loop();
    for (unsigned i = 0; i < 4; i++) {
        struct owner owner;
        owner_init(&owner, loop, i % 2 ? connect_tcp : connect_unix);
        if (i / 2)
            shrink_buffers(&owner);
        owner_start(&owner);
        send_all(&owner, segments, STREAM_SEGMENTS_MAX, total);
        owner_finish(&owner);
    }
    loop_destroy(loop);
    close(file);
    free(bytes);
}

/* Small sends, one a turn, until the socket takes no more: of the last ones it took a part, or nothing. */
static void fill_by_small_sends(struct loop *loop, size_t length)
{
    char bytes[4096];
    size_t total = 0;
    struct owner owner;
    owner_init(&owner, loop, connect_tcp);
    shrink_buffers(&owner);
    owner_start(&owner);
    enum send_result result;
    do {
        owner_fill(bytes, total, length);
        struct segment segment = segment_memory(slice_make(bytes, length));
        result = stream_send(&owner.stream, &segment, 1);
        total += length;
        owner_turn(&owner);
    } while (result == SEND_DONE);
    assert_int_equal(result, SEND_PENDING);
    struct drain drain;
    drain_start(&drain, owner.peer, 50);
    if (owner.sents == 0)
        owner_run(&owner, OWNER_SENT);
    stream_shutdown(&owner.stream);
    pthread_join(drain.thread, NULL);
    assert_int_equal(drain.received, total);
    assert_false(drain.pattern_broken);
    owner_finish(&owner);
}

/* Two sends and the end, in one turn: the second and the end wait for what the first comes to. */
static void send_twice_and_end(struct loop *loop)
{
    char bytes[300];
    struct owner owner;
    owner_init(&owner, loop, connect_tcp);
    owner_start(&owner);
    owner_turn(&owner);
    owner_fill(bytes, 0, sizeof(bytes));
    struct segment segments[2] = {segment_memory(slice_make(bytes, 100)),
                                  segment_memory(slice_make(bytes + 100, 200))};
    assert_int_equal(stream_send(&owner.stream, &segments[0], 1), SEND_DONE);
    if (stream_send(&owner.stream, &segments[1], 1) == SEND_PENDING)
        owner_run(&owner, OWNER_SENT);
    stream_shutdown(&owner.stream);
    char received[sizeof(bytes) + 1];
    size_t count = 0;
    ssize_t more;
    do {
        owner_turn(&owner);
        more = recv(owner.peer, received + count, sizeof(received) - count, MSG_DONTWAIT);
        count += more > 0 ? (size_t)more : 0;
    } while (more != 0 && owner.errors == 0);
    assert_int_equal(owner.errors, 0);
    assert_int_equal(count, sizeof(bytes));
    assert_memory_equal(received, bytes, sizeof(bytes));
    owner_finish(&owner);
}

/* What a backend keeps of a send that the socket took in part must be gone when it is used for another. Where
 * the socket cuts, the kernel decides: several lengths meet it. */
static void a_send_knows_nothing_of_those_before_it(void **state)
{
    (void)state;
    struct loop *loop = make_loop();
    for (size_t length = 4096; length > 2000; length -= 150) {
        fill_by_small_sends(loop, length);
        send_twice_and_end(loop);
    }
    loop_destroy(loop);
}

static void nothing_is_sent_at_once(void **state)
{
    (void)state;
    struct loop *loop = make_loop();
    struct owner owner;
    owner_init(&owner, loop, connect_unix);
    struct segment empty[2] = {segment_memory((struct slice){0}), segment_file(-1, 0, 0)};
    assert_int_equal(stream_send(&owner.stream, empty, 0), SEND_DONE);
    assert_int_equal(stream_send(&owner.stream, empty, 2), SEND_DONE);
    owner_finish(&owner);
    loop_destroy(loop);
}

/* Bytes in front of an empty segment leave at once: with MSG_MORE the kernel would wait for what never comes.
 */
static void an_empty_segment_holds_nothing_back(void **state)
{
    (void)state;
    struct loop *loop = make_loop();
    for (unsigned i = 0; i < 2; i++) {
        struct owner owner;
        owner_init(&owner, loop, connect_tcp);
        owner_start(&owner);
        struct segment segments[2] = {segment_memory(SLICE("head"))};
        segments[1] = i ? segment_file(-1, 0, 0) : segment_memory((struct slice){0});
        assert_int_equal(stream_send(&owner.stream, segments, 2), SEND_DONE);
        owner_turn(&owner);
        struct timeval patience = {.tv_usec = 100000};
        setsockopt(owner.peer, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
        char bytes[4];
        assert_int_equal(read(owner.peer, bytes, sizeof(bytes)), 4);
        owner_finish(&owner);
    }
    loop_destroy(loop);
}

static void a_file_that_shrinks_breaks_the_stream(void **state)
{
    (void)state;
    struct loop *loop = make_loop();
    int file = make_file(400000, false);
    struct owner owner;
    owner_init(&owner, loop, connect_tcp);
    shrink_buffers(&owner);
    owner_start(&owner);
    struct segment segment = segment_file(file, 0, 400000);
    assert_int_equal(stream_send(&owner.stream, &segment, 1), SEND_PENDING);
    assert_int_equal(ftruncate(file, 1000), 0);
    struct drain drain;
    drain_start(&drain, owner.peer, 0);
    owner_run(&owner, OWNER_ERROR);
    assert_int_equal(owner.error, ERROR_CHANGED);
    owner_run(&owner, OWNER_CLOSED);
    pthread_join(drain.thread, NULL);
    assert_true(drain.received < 400000);
    owner_finish(&owner);

    owner_init(&owner, loop, connect_tcp); /* shorter from the beginning */
    owner_start(&owner);
    segment = segment_file(file, 0, 1001);
    assert_int_equal(stream_send(&owner.stream, &segment, 1), SEND_FAILED);
    assert_int_equal(owner.errors, 0);
    owner_finish(&owner);
    close(file);
    loop_destroy(loop);
}

/* In the middle of it, whether it is copied or not. */
static void refuse_file(struct loop *loop, bool is_copied)
{
    int file = make_file(400000, false);
    struct owner owner;
    owner_init(&owner, loop, connect_tcp);
    shrink_buffers(&owner);
    owner_start(&owner);
    struct segment segment = segment_file(file, 0, 400000);
    segment.is_copied = is_copied;
    assert_int_equal(stream_send(&owner.stream, &segment, 1), SEND_PENDING);
    owner.refuse_files = true;
    struct drain drain;
    drain_start(&drain, owner.peer, 0);
    owner_run(&owner, OWNER_ERROR);
    assert_int_equal(owner.error, ERROR_CHANGED);
    owner_run(&owner, OWNER_CLOSED);
    pthread_join(drain.thread, NULL);
    owner_finish(&owner);
    close(file);
}

static void the_owner_may_refuse_a_file(void **state)
{
    (void)state;
    struct loop *loop = make_loop();
    refuse_file(loop, false);
    refuse_file(loop, true);
    loop_destroy(loop);
}

static void a_peer_that_goes_breaks_the_send(void **state)
{
    (void)state;
    struct loop *loop = make_loop();
    int file = make_file(4000000, false);
    struct segment segment = segment_file(file, 0, 4000000);
    struct linger hard = {.l_onoff = 1};
    for (unsigned paused = 0; paused < 2; paused++) {
        struct owner owner;
        owner_init(&owner, loop, connect_tcp);
        shrink_buffers(&owner);
        owner_start(&owner);
        if (paused)
            stream_read_pause(&owner.stream);
        assert_int_equal(stream_send(&owner.stream, &segment, 1), SEND_PENDING);
        setsockopt(owner.peer, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
        close(owner.peer);
        owner.peer = -1;
        owner_run(&owner, OWNER_ERROR);
        assert_true(owner.error == -ECONNRESET || owner.error == -EPIPE);
        owner_run(&owner, OWNER_CLOSED);
        owner_finish(&owner);
    }
    struct owner owner; /* no SIGPIPE where the peer is gone before the send */
    owner_init(&owner, loop, connect_unix);
    close(owner.peer);
    owner.peer = -1;
    assert_int_equal(stream_send(&owner.stream, &segment, 1), SEND_FAILED);
    owner_finish(&owner);
    close(file);
    loop_destroy(loop);
}

/* sendfile(2) raises SIGPIPE where a peer is gone; a program whose SIGPIPE is its end must not get one. */
static void sigpipe_stays_as_the_program_has_it(void **state)
{
    (void)state;
    struct sigaction before, now;
    sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_DFL}, &before);
    struct loop *loop = NULL;
    assert_int_equal(loop_create(&(struct loop_options){.backend = chosen_backend()}, &loop), 0);
    int file = make_file(100000, false);
    struct segment segment = segment_file(file, 0, 100000);
    struct owner owner;
    owner_init(&owner, loop, connect_unix);
    close(owner.peer);
    owner.peer = -1;
    assert_int_equal(stream_send(&owner.stream, &segment, 1), SEND_FAILED);
    owner_finish(&owner);
    sigaction(SIGPIPE, NULL, &now);
    assert_true(now.sa_handler == SIG_DFL);

    owner_init(&owner, loop, connect_unix); /* and what is sent arrives all the same */
    owner_start(&owner);
    struct drain drain;
    drain_start(&drain, owner.peer, 0);
    if (stream_send(&owner.stream, &segment, 1) == SEND_PENDING)
        owner_run(&owner, OWNER_SENT);
    stream_shutdown(&owner.stream);
    pthread_join(drain.thread, NULL);
    assert_int_equal(drain.received, 100000);
    owner_finish(&owner);
    close(file);
    loop_destroy(loop);
    sigaction(SIGPIPE, &before, NULL);
}

static void closing_forgets_a_pending_send(void **state)
{
    (void)state;
    struct loop *loop = make_loop();
    int file = make_file(4000000, false);
    struct segment segment = segment_file(file, 0, 4000000);
    struct owner owner;
    owner_init(&owner, loop, connect_tcp);
    owner_start(&owner);
    while (stream_send(&owner.stream, &segment, 1) == SEND_DONE)
        ;
    stream_close(&owner.stream);
    owner_run(&owner, OWNER_CLOSED);
    assert_int_equal(owner.sents + owner.errors, 0);
    owner_finish(&owner);
    close(file);
    loop_destroy(loop);
}

struct turns {
    struct task task;
    struct loop *loop;
    unsigned count;
};

static void count_turn(struct task *task)
{
    struct turns *turns = CONTAINER_OF(task, struct turns, task);
    turns->count++;
    task_defer(turns->loop, task);
}

/* A peer that takes everything at once does not get the loop for as long as the file is. */
static void a_greedy_peer_does_not_starve_others(void **state)
{
    (void)state;
    size_t length = 32u << 20;
    int file = make_file(length, false);
    struct loop *loop = make_loop();
    struct turns turns = {.loop = loop};
    task_init(&turns.task, count_turn);
    struct owner owner;
    owner_init(&owner, loop, connect_unix);
    owner_start(&owner);
    struct drain drain;
    drain_start(&drain, owner.peer, 0);
    struct segment segment = segment_file(file, 0, length);
    task_defer(loop, &turns.task);
    assert_int_equal(stream_send(&owner.stream, &segment, 1), SEND_PENDING);
    owner_run(&owner, OWNER_SENT);
    assert_true(turns.count >=
                length / (1u << 20) / 2); /* an event and the list of those that go on: 2 MiB */
    task_cancel(&turns.task);
    stream_shutdown(&owner.stream);
    pthread_join(drain.thread, NULL);
    assert_int_equal(drain.received, length);
    owner_finish(&owner);
    close(file);
    loop_destroy(loop);
}

struct slow_owner {
    struct owner owner;
    const struct stream *other;
    size_t unsent_of_other; /* when its own turn ended */
};

static void take_the_whole_turn(struct stream *stream, struct slice bytes)
{
    struct owner *owner = CONTAINER_OF(stream, struct owner, stream);
    struct slow_owner *slow = CONTAINER_OF(owner, struct slow_owner, owner);
    owner_on_read(stream, bytes);
    while (loop_has_time(stream->loop))
        continue;
    slow->unsent_of_other = stream_unsent(slow->other);
}

/* Takes what has arrived, without waiting for more. */
static size_t take_all(int fd)
{
    static char bytes[1 << 16];
    size_t total = 0;
    ssize_t count;
    while ((count = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0)
        total += (size_t)count;
    return total;
}

/* Sockets that can take more are many, when there are many downloads. */
static void a_pending_send_goes_on_later_when_the_turn_is_over(void **state)
{
    (void)state;
    size_t length = 1 << 20;
    int file = make_file(length, false);
    struct loop *loop = make_loop();
    struct stream_events slow_events = owner_events;
    slow_events.on_read = take_the_whole_turn;
    struct owner sender;
    struct slow_owner slow = {.other = &sender.stream};
    owner_init(&slow.owner, loop, connect_unix);
    owner_init(&sender, loop, connect_unix);
    slow.owner.stream.events = &slow_events;
    owner_start(&slow.owner);
    owner_start(&sender);
    struct segment segment = segment_file(file, 0, length);
    assert_int_equal(stream_send(&sender.stream, &segment, 1), SEND_PENDING);
    owner_turn(&sender); /* all backends wait for it now */

    owner_write(&slow.owner, 0, 1);
    size_t received = take_all(sender.peer);
    assert_true(received > 0);
    owner_turn(&sender);
    assert_int_equal(slow.owner.reads, 1);
    /* The kernel may have told of the sender first: then it was sent to while there was time. */
    assert_int_equal(stream_unsent(&sender.stream), slow.unsent_of_other);

    struct drain drain;
    drain_start(&drain, sender.peer, 0);
    owner_run(&sender, OWNER_SENT);
    stream_shutdown(&sender.stream);
    pthread_join(drain.thread, NULL);
    assert_int_equal(received + drain.received, length);
    owner_finish(&sender);
    owner_finish(&slow.owner);
    close(file);
    loop_destroy(loop);
}

static void sending_later_calls_back_in_the_next_turn(void **state)
{
    (void)state;
    struct loop *loop = make_loop();
    struct owner owner;
    owner_init(&owner, loop, connect_unix);
    owner_start(&owner);
    stream_send_later(&owner.stream);
    stream_send_later(&owner.stream);
    assert_int_equal(owner.sents, 0);
    owner_run(&owner, OWNER_SENT);
    owner_run(&owner, OWNER_NEVER);
    assert_int_equal(owner.sents, 1);
    stream_send_later(&owner.stream); /* and not after it was closed */
    owner_finish(&owner);
    assert_int_equal(owner.sents, 1);
    loop_destroy(loop);
}

/* One that has only begun to read; then one that has waited to send, and does not any more. */
static void an_idle_stream_makes_no_event(void **state)
{
    (void)state;
    struct loop *loop = make_loop();
    int file = make_file(4000000, false);
    struct segment segment = segment_file(file, 0, 4000000);
    struct owner owner;
    owner_init(&owner, loop, connect_unix);
    owner_start(&owner);
    struct pollfd pollfd = {.fd = loop_fd(loop), .events = POLLIN};
    assert_true(loop_prepare(loop) != 0);
    assert_int_equal(poll(&pollfd, pollfd.fd >= 0, 0), 0);

    struct drain drain;
    assert_int_equal(stream_send(&owner.stream, &segment, 1), SEND_PENDING);
    drain_start(&drain, owner.peer, 0);
    owner_run(&owner, OWNER_SENT);
    stream_shutdown(&owner.stream);
    pthread_join(drain.thread, NULL);
    owner_turn(&owner);
    assert_true(loop_prepare(loop) != 0);
    assert_int_equal(poll(&pollfd, pollfd.fd >= 0, 0), 0);
    owner_finish(&owner);
    close(file);
    loop_destroy(loop);
}

static void the_kernel_says_what_is_not_acknowledged(void **state)
{
    (void)state;
    struct loop *loop = make_loop();
    struct owner owner;
    owner_init(&owner, loop, connect_unix);
    owner_start(&owner);
    assert_int_equal(stream_unacknowledged(&owner.stream), 0);
    struct segment segment = segment_memory(SLICE("unread"));
    assert_int_equal(stream_send(&owner.stream, &segment, 1), SEND_DONE);
    owner_turn(&owner);
    assert_true(stream_unacknowledged(&owner.stream) > 0);
    char bytes[6];
    assert_int_equal(read(owner.peer, bytes, sizeof(bytes)), 6);
    assert_int_equal(stream_unacknowledged(&owner.stream), 0);
    owner_finish(&owner);
    loop_destroy(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_goes_in_parts),
        cmocka_unit_test(segments_of_all_kinds_keep_their_order),
        cmocka_unit_test(a_send_knows_nothing_of_those_before_it),
        cmocka_unit_test(nothing_is_sent_at_once),
        cmocka_unit_test(an_empty_segment_holds_nothing_back),
        cmocka_unit_test(a_file_that_shrinks_breaks_the_stream),
        cmocka_unit_test(the_owner_may_refuse_a_file),
        cmocka_unit_test(a_peer_that_goes_breaks_the_send),
        cmocka_unit_test(sigpipe_stays_as_the_program_has_it),
        cmocka_unit_test(closing_forgets_a_pending_send),
        cmocka_unit_test(a_greedy_peer_does_not_starve_others),
        cmocka_unit_test(a_pending_send_goes_on_later_when_the_turn_is_over),
        cmocka_unit_test(sending_later_calls_back_in_the_next_turn),
        cmocka_unit_test(an_idle_stream_makes_no_event),
        cmocka_unit_test(the_kernel_says_what_is_not_acknowledged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
