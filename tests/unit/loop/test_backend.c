/* What is particular to waiting: many descriptors, some of which stop in the middle of a turn; waiting for
 * nothing; and where a backend ends. */
#include "chosen_backend.h"

#include "loop/watch.h"
#include "loop/wheel.h"
#include "stream_owner.h"
#include "sys/event.h"
#include "sys/process.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define WATCHES     300
#define QUIET_TURNS 3

struct field;

struct flag {
    struct watch watch;
    struct field *field;
    unsigned told;
    bool is_watched;
};

struct field {
    struct loop *loop;
    struct flag flags[WATCHES];
    size_t told;
    size_t stop_ahead; /* a flag that is told stops the one so far behind it; 0: none */
};

static void flag_stop(struct flag *flag)
{
    if (flag->is_watched)
        watch_stop(flag->field->loop, &flag->watch);
    flag->is_watched = false;
}

static void on_flag(struct watch *watch, unsigned events)
{
    struct flag *flag = CONTAINER_OF(watch, struct flag, watch);
    struct field *field = flag->field;
    assert_true(events & WATCH_READABLE);
    assert_true(flag->is_watched);
    sys_eventfd_clear(watch->fd);
    flag->told++;
    field->told++;
    if (field->stop_ahead > 0)
        flag_stop(&field->flags[(size_t)(flag - field->flags + field->stop_ahead) % WATCHES]);
}

static const struct watch_events flag_events = {.on_ready = on_flag};

static struct field *field_create(void)
{
    struct field *field = calloc(1, sizeof(*field));
    field->loop = make_loop();
    for (size_t i = 0; i < WATCHES; i++) {
        struct flag *flag = &field->flags[i];
        *flag = (struct flag){
            .watch = {.events = &flag_events, .fd = sys_eventfd_create()},
            .field = field,
            .is_watched = true,
        };
        assert_int_equal(watch_start(field->loop, &flag->watch, WATCH_LEVEL), 0);
    }
    return field;
}

static void field_raise_all(struct field *field)
{
    for (size_t i = 0; i < WATCHES; i++)
        sys_eventfd_raise(field->flags[i].watch.fd);
}

/* Until some turns in a row have told nobody: what is raised is ready at once. */
static void field_run(struct field *field)
{
    for (unsigned quiet = 0; quiet < QUIET_TURNS; quiet++) {
        size_t before = field->told;
        assert_int_equal(loop_run_once(field->loop, 0), 0);
        if (field->told != before)
            quiet = 0;
    }
}

static void field_destroy(struct field *field)
{
    for (size_t i = 0; i < WATCHES; i++) {
        flag_stop(&field->flags[i]);
        sys_close(field->flags[i].watch.fd);
    }
    loop_destroy(field->loop);
    free(field);
}

static void every_one_of_many_is_told(void **state)
{
    (void)state;
    struct field *field = field_create();
    field_run(field);
    assert_int_equal(field->told, 0);
    for (size_t i = 0; i < WATCHES; i += 7)
        sys_eventfd_raise(field->flags[i].watch.fd);
    field_run(field);
    for (size_t i = 0; i < WATCHES; i++)
        assert_int_equal(field->flags[i].told, i % 7 == 0);
    field_destroy(field);
}

/* Whoever is told stops another that is ready too: it hears nothing, and all the rest are told. */
static void many_stop_in_one_turn(void **state)
{
    (void)state;
    static const size_t distances[] = {1, 2, WATCHES / 2, WATCHES - 1};
    TABLE_ROWS(k, distances, "") {
        struct field *field = field_create();
        field->stop_ahead = distances[k];
        field_raise_all(field);
        field_run(field);
        for (size_t i = 0; i < WATCHES; i++) {
            struct flag *flag = &field->flags[i];
            assert_true(flag->told == 1 || !flag->is_watched);
            assert_true(flag->told <= 1);
        }
        field_destroy(field);
    }
}

struct heir {
    struct watch watch;
    struct loop *loop;
    struct heir *other;
    unsigned told;
    bool is_new;
};

static const struct watch_events heir_events;

/* A new descriptor gets the number of one that is closed. */
static void take_number_of(struct heir *heir)
{
    int number = heir->watch.fd, fd = sys_eventfd_create();
    watch_stop(heir->loop, &heir->watch);
    assert_int_equal(dup2(fd, number), number);
    sys_close(fd);
    heir->told = 0;
    heir->is_new = true;
    assert_int_equal(watch_start(heir->loop, &heir->watch, WATCH_LEVEL), 0);
}

static void on_heir(struct watch *watch, unsigned events)
{
    struct heir *heir = CONTAINER_OF(watch, struct heir, watch);
    (void)events;
    heir->told++;
    sys_eventfd_clear(watch->fd);
    if (!heir->is_new)
        take_number_of(heir->other);
}

static const struct watch_events heir_events = {.on_ready = on_heir};

/* Of two that are ready, the first that is told replaces the other: what was ready is not the new one. */
static void who_gets_a_number_again_hears_nothing_of_the_former(void **state)
{
    (void)state;
    struct loop *loop = make_loop();
    struct heir heirs[2];
    for (size_t i = 0; i < 2; i++) {
        heirs[i] = (struct heir){
            .watch = {.events = &heir_events, .fd = sys_eventfd_create()},
            .loop = loop,
            .other = &heirs[1 - i],
        };
        assert_int_equal(watch_start(loop, &heirs[i].watch, WATCH_LEVEL), 0);
        sys_eventfd_raise(heirs[i].watch.fd);
    }
    for (unsigned turns = 0; turns < QUIET_TURNS || heirs[0].told + heirs[1].told == 0; turns++)
        assert_int_equal(loop_run_once(loop, 0), 0);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(heirs[i].told, !heirs[i].is_new);
        watch_stop(loop, &heirs[i].watch);
        sys_close(heirs[i].watch.fd);
    }
    assert_int_not_equal(heirs[0].is_new, heirs[1].is_new);
    loop_destroy(loop);
}

/* More than completions have room in the queue of io_uring: see uring.c. */
#define WATCHES_OF_ONE 20000

struct herd {
    struct loop *loop;
    struct timer end;
    struct watch *watches;
    unsigned char *told;
    size_t told_count;
};

static struct herd herd;

static void on_herd(struct watch *watch, unsigned events)
{
    (void)events;
    assert_int_equal(herd.told[watch - herd.watches]++, 0);
    watch_stop(herd.loop, watch);
    if (++herd.told_count == WATCHES_OF_ONE)
        loop_stop(herd.loop);
}

static void end_herd(struct timer *timer)
{
    (void)timer;
    loop_stop(herd.loop);
}

/* All become ready before the first is told: none is lost where the kernel has no room for so many at once.
 * Only io_uring takes one descriptor as often as that. */
static void none_of_too_many_is_lost(void **state)
{
    (void)state;
    if (chosen_backend() != LOOP_BACKEND_IO_URING)
        skip();
    static const struct watch_events herd_events = {.on_ready = on_herd};
    herd = (struct herd){
        .loop = make_loop(),
        .watches = calloc(WATCHES_OF_ONE, sizeof(struct watch)),
        .told = calloc(WATCHES_OF_ONE, 1),
    };
    int fd = sys_eventfd_create();
    sys_eventfd_raise(fd);
    for (size_t i = 0; i < WATCHES_OF_ONE; i++) {
        herd.watches[i] = (struct watch){.events = &herd_events, .fd = fd};
        assert_int_equal(watch_start(herd.loop, &herd.watches[i], WATCH_LEVEL), 0);
    }
    timer_init(&herd.end, end_herd);
    wheel_arm(loop_wheel(herd.loop), &herd.end, OWNER_PATIENCE_MS);
    assert_int_equal(loop_run(herd.loop), 0);
    assert_int_equal(herd.told_count, WATCHES_OF_ONE);
    timer_disarm(&herd.end);
    loop_destroy(herd.loop);
    sys_close(fd);
    free(herd.watches);
    free(herd.told);
}

/* Of a loop that sleeps and has one timer. One that does not sleep takes some thousand in that time. */
#define SLEEPER_TURNS_MAX 20

/* Whatever a peer does to a stream that waits for nothing, or whose end was told, the loop sleeps. */
static void who_waits_for_nothing_is_left_alone(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        struct loop *loop = make_loop();
        struct owner owner;
        owner_init(&owner, loop, i % 2 ? connect_tcp : connect_unix);
        owner_start(&owner);
        if (i / 2)
            stream_read_pause(&owner.stream);
        owner_write(&owner, 0, 100);
        close(owner.peer);
        owner.peer = -1;
        if (i / 2 == 0)
            owner_run(&owner, OWNER_END);
        uint64_t before = loop_turn(loop);
        owner_run(&owner, OWNER_NEVER);
        assert_in_range(loop_turn(loop) - before, 1, SLEEPER_TURNS_MAX);
        assert_int_equal(owner.received, i / 2 ? 0 : 100);
        assert_int_equal(owner.ends, i / 2 ? 0 : 1);
        owner_finish(&owner);
        loop_destroy(loop);
    }
}

#define CROWD       300
#define CROWD_BYTES 100000

/* More bytes at once than a backend has buffers for: everybody gets his own, all of them. */
static void a_crowd_is_read_whole(void **state)
{
    (void)state;
    struct loop *loop = make_loop();
    struct owner *owners = calloc(CROWD, sizeof(*owners));
    for (size_t i = 0; i < CROWD; i++) {
        owner_init(&owners[i], loop, connect_unix);
        owner_start(&owners[i]);
        owner_write(&owners[i], 0, CROWD_BYTES);
    }
    for (size_t i = 0; i < CROWD; i++)
        owner_run_to(&owners[i], CROWD_BYTES);
    for (size_t i = 0; i < CROWD; i++)
        owner_finish(&owners[i]);
    free(owners);
    loop_destroy(loop);
}

static size_t read_to_end(int fd, char *out, size_t size)
{
    size_t length = 0;
    for (ssize_t count; (count = read(fd, out + length, size - length)) > 0;)
        length += (size_t)count;
    return length;
}

/* What was sent leaves before the end does, and the peer sees both. */
static void short_sends_go_before_the_end(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        struct loop *loop = make_loop();
        struct owner owner;
        owner_init(&owner, loop, i % 2 ? connect_tcp : connect_unix);
        owner_start(&owner);
        struct segment segments[2] = {segment_memory(SLICE("short ")), segment_memory(SLICE("answer"))};
        assert_int_equal(stream_send(&owner.stream, segments, 2), SEND_DONE);
        if (i / 2)
            stream_shutdown(&owner.stream);
        else
            stream_close(&owner.stream);
        owner_turn(&owner);
        char answer[20];
        assert_int_equal(read_to_end(owner.peer, answer, sizeof(answer)), 12);
        assert_memory_equal(answer, "short answer", 12);
        owner_finish(&owner);
        loop_destroy(loop);
    }
}

/* Short sends in one turn, short ones behind long ones and the other way round. */
static void sends_keep_their_order(void **state)
{
    (void)state;
    static char bytes[100000], received[sizeof(bytes)];
    owner_fill(bytes, 0, sizeof(bytes));
    struct loop *loop = make_loop();
    struct owner owner;
    owner_init(&owner, loop, connect_unix);
    int room = 1 << 20;
    setsockopt(owner.stream.watch.fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
    owner_start(&owner);
    static const size_t lengths[] = {10, 20, 5000, 30, 1, 70000, 4096, 4097};
    size_t sent = 0;
    TABLE_ROWS(i, lengths, "") {
        struct segment segment = segment_memory(slice_make(bytes + sent, lengths[i]));
        enum send_result result = stream_send(&owner.stream, &segment, 1);
        assert_int_not_equal(result, SEND_FAILED);
        if (result == SEND_PENDING)
            owner_run(&owner, OWNER_SENT);
        sent += lengths[i];
    }
    stream_shutdown(&owner.stream);
    owner_turn(&owner);
    assert_int_equal(read_to_end(owner.peer, received, sizeof(received)), sent);
    assert_memory_equal(received, bytes, sent);
    owner_finish(&owner);
    loop_destroy(loop);
}

/* The next turn goes on with a stream whose short send is only then with the kernel. */
static void nothing_overtakes_a_short_send(void **state)
{
    (void)state;
    struct loop *loop = make_loop();
    struct owner owner;
    owner_init(&owner, loop, connect_unix);
    owner_start(&owner);
    stream_send_later(&owner.stream);
    struct segment first = segment_memory(SLICE("first ")), second = segment_memory(SLICE("second"));
    assert_int_equal(stream_send(&owner.stream, &first, 1), SEND_DONE);
    assert_int_not_equal(stream_send(&owner.stream, &second, 1), SEND_FAILED);
    owner_run(&owner, OWNER_SENT);
    owner_turn(&owner);
    assert_int_equal(owner.sents, 1);
    stream_shutdown(&owner.stream);
    owner_turn(&owner);
    char received[20];
    assert_int_equal(read_to_end(owner.peer, received, sizeof(received)), 12);
    assert_memory_equal(received, "first second", 12);
    owner_finish(&owner);
    loop_destroy(loop);
}

static size_t fill_socket(int fd)
{
    static char zeros[1 << 16];
    size_t length = 0;
    for (ssize_t count; (count = write(fd, zeros, sizeof(zeros))) > 0;)
        length += (size_t)count;
    return length;
}

/* Nothing else happens that would wake the loop: what waits for a short send goes by itself, be it another
 * send or the end. */
static void what_follows_a_short_send_needs_no_other_event(void **state)
{
    (void)state;
    struct loop *loop = make_loop();
    struct owner owner;
    owner_init(&owner, loop, connect_tcp);
    owner_start(&owner);
    struct segment first = segment_memory(SLICE("first ")), second = segment_memory(SLICE("second"));
    assert_int_equal(stream_send(&owner.stream, &first, 1), SEND_DONE);
    if (stream_send(&owner.stream, &second, 1) == SEND_PENDING)
        owner_run(&owner, OWNER_SENT);
    assert_int_equal(stream_send(&owner.stream, &first, 1), SEND_DONE);
    stream_shutdown(&owner.stream);
    owner_run(&owner, OWNER_NEVER);
    char received[30];
    assert_int_equal(read_to_end(owner.peer, received, sizeof(received)), 18);
    assert_memory_equal(received, "first secondfirst ", 18);
    owner_finish(&owner);
    loop_destroy(loop);
}

/* A short answer into a socket that is full already: it is not lost when its stream is closed behind it, and
 * it does not keep the loop from ending. */
static void a_short_send_may_be_stuck(void **state)
{
    (void)state;
    for (unsigned peer_reads = 0; peer_reads < 2; peer_reads++) {
        struct loop *loop = make_loop();
        struct owner owner;
        owner_init(&owner, loop, connect_unix);
        owner_start(&owner);
        size_t before = fill_socket(owner.stream.watch.fd);
        struct segment segment = segment_memory(SLICE("late"));
        enum send_result result = stream_send(&owner.stream, &segment, 1);
        owner_turn(&owner);
        if (result == SEND_DONE) { /* it is the loop's business now */
            stream_close(&owner.stream);
            owner_turn(&owner);
            char *bytes = malloc(before + 10);
            if (peer_reads) {
                fcntl(owner.peer, F_SETFL, O_NONBLOCK);
                size_t length = read_to_end(owner.peer, bytes, before + 10);
                owner_run(&owner, OWNER_CLOSED);
                length += read_to_end(owner.peer, bytes + length, before + 10 - length);
                assert_int_equal(length, before + 4);
                assert_memory_equal(bytes + before, "late", 4);
            }
            free(bytes);
        } else {
            assert_int_equal(result, SEND_PENDING);
            stream_close(&owner.stream);
        }
        loop_destroy(loop);
        owner_finish(&owner);
    }
}

/* Sends of a size that a full socket takes in part: what it did not take follows, all of it, in order. */
static void a_short_send_may_be_cut(void **state)
{
    (void)state;
    static char bytes[1 << 20], received[sizeof(bytes)];
    owner_fill(bytes, 0, sizeof(bytes));
    for (unsigned closes = 0; closes < 2; closes++) {
        struct loop *loop = make_loop();
        struct owner owner;
        owner_init(&owner, loop, connect_tcp);
        int room = 1;
        setsockopt(owner.stream.watch.fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
        owner_start(&owner);
        size_t sent = 0, promised = 0;
        enum send_result result = SEND_DONE;
        for (size_t length = 1; result == SEND_DONE && sent + length < sizeof(bytes);) {
            length = 1 + (length * 31 + 17) % 4096;
            struct segment segment = segment_memory(slice_make(bytes + sent, length));
            result = stream_send(&owner.stream, &segment, 1);
            sent += length;
            promised += result == SEND_DONE ? length : 0;
            owner_turn(&owner);
        }
        assert_int_equal(result, SEND_PENDING);
        if (closes)
            stream_close(&owner.stream);
        else
            promised = sent;
        fcntl(owner.peer, F_SETFL, O_NONBLOCK);
        size_t length = 0;
        while (length < promised) {
            length += read_to_end(owner.peer, received + length, sizeof(received) - length);
            owner_turn(&owner);
        }
        assert_true(length <= sent);
        assert_memory_equal(received, bytes, length);
        owner_finish(&owner);
        loop_destroy(loop);
    }
}

/* A kernel that refuses io_uring, as that of a sandbox does, is told of, and epoll takes its place. In a
 * child, as the reject_status stays. */
static void what_is_missing_is_replaced(void **state)
{
    (void)state;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct sock_filter code[] = {
            BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        struct sock_fprog program = {.len = ARRAY_LENGTH(code), .filter = code};
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
            _exit(0);
        struct loop *loop;
        if (loop_create(&(struct loop_options){.backend = LOOP_BACKEND_IO_URING}, &loop) != 0)
            _exit(1);
        bool is_told = loop_fallback_reason(loop) && strcmp(loop_backend_name(loop), "epoll") == 0;
        loop_destroy(loop);
        _exit(is_told ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);

    struct loop *loop = make_loop();
    assert_null(loop_fallback_reason(loop));
    loop_destroy(loop);
}

/* A descriptor of a high number is taken, or refused beforehand and for good. */
static void high_descriptors_are_taken_or_refused(void **state)
{
    (void)state;
    const int high = 2000;
    if (sys_raise_descriptor_limit() <= (size_t)high)
        skip();
    struct loop *loop = make_loop();
    int low = sys_eventfd_create();
    assert_int_equal(dup2(low, high), high);
    struct watch watch = {.events = &flag_events, .fd = high};
    bool is_taken = loop_accepts_fd(loop, high);
    assert_int_equal(is_taken, chosen_backend() != LOOP_BACKEND_SELECT);
    assert_true(loop_accepts_fd(loop, 1023));
    assert_int_equal(dup2(low, 1024), 1024);
    struct watch first_beyond = {.events = &flag_events, .fd = 1024};
    assert_int_equal(loop_accepts_fd(loop, 1024), is_taken);
    assert_int_equal(watch_start(loop, &first_beyond, WATCH_LEVEL), is_taken ? 0 : -ERANGE);
    if (is_taken)
        watch_stop(loop, &first_beyond);
    close(1024);
    assert_int_equal(watch_start(loop, &watch, WATCH_LEVEL), is_taken ? 0 : -ERANGE);
    if (is_taken)
        watch_stop(loop, &watch);

    struct owner owner;
    owner_init(&owner, loop, connect_unix);
    assert_int_equal(dup2(owner.stream.watch.fd, high), high);
    close(owner.stream.watch.fd);
    owner.stream.watch.fd = high;
    assert_int_equal(stream_start(&owner.stream), is_taken ? 0 : -ERANGE);
    owner_finish(&owner);
    loop_destroy(loop);
    close(low);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_one_of_many_is_told),
        cmocka_unit_test(many_stop_in_one_turn),
        cmocka_unit_test(who_gets_a_number_again_hears_nothing_of_the_former),
        cmocka_unit_test(none_of_too_many_is_lost),
        cmocka_unit_test(who_waits_for_nothing_is_left_alone),
        cmocka_unit_test(a_crowd_is_read_whole),
        cmocka_unit_test(short_sends_go_before_the_end),
        cmocka_unit_test(sends_keep_their_order),
        cmocka_unit_test(nothing_overtakes_a_short_send),
        cmocka_unit_test(what_follows_a_short_send_needs_no_other_event),
        cmocka_unit_test(a_short_send_may_be_stuck),
        cmocka_unit_test(a_short_send_may_be_cut),
        cmocka_unit_test(what_is_missing_is_replaced),
        cmocka_unit_test(high_descriptors_are_taken_or_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
