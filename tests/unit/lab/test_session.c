/* The lab's session, driven without any socket: what it needs after each step, and the bytes that it gives.
 */
#include "../test.h"

#include "base/buffer.h"
#include "lab/session.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define OUTPUT_BYTES_MAX (4u << 20)

#define HELLO     "GET /lab/hello HTTP/1.1\r\nHost: a\r\n\r\n"
#define BLOCK     "GET /lab/block HTTP/1.1\r\nHost: a\r\n\r\n"
#define LAST      "GET /lab/hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
#define MISTAKE   "GET /lab/hello HTTP/1.1\r\n\r\n"
#define POST      "POST /lab/hello HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"
#define ABSENT    "GET /absent HTTP/1.1\r\nHost: a\r\n\r\n"
#define HELLO_END "Hello, world!\n"

struct world {
    char folder[32];
    struct lab_site *site;
    struct lab_session session;
    struct buffer output; /* everything that was sent */
};

static int build(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    assert_non_null(world);
    strcpy(world->folder, "/tmp/vif-session-XXXXXX");
    assert_non_null(mkdtemp(world->folder));
    struct lab_site_options options = {.folder = world->folder, .has_trials = true};
    assert_int_equal(lab_site_create(&options, &world->site), 0);
    assert_int_equal(lab_site_open(world->site), 0);
    lab_session_init(&world->session, world->site);
    buffer_init(&world->output, OUTPUT_BYTES_MAX);
    *state = world;
    return 0;
}

static int take_down(void **state)
{
    struct world *world = *state;
    lab_session_finish(&world->session);
    lab_site_destroy(world->site);
    rmdir(world->folder);
    buffer_finish(&world->output);
    free(world);
    return 0;
}

static void receive(struct world *world, const char *bytes)
{
    lab_session_receive(&world->session, slice_from(bytes));
}

#define needs(world, wanted) assert_int_equal(lab_session_need(&(world)->session), wanted)

/* Sends what there is, `step` bytes at a time; everything that is asked for here is in memory. */
static void send_by(struct world *world, size_t step)
{
    while (lab_session_need(&world->session) == LAB_NEEDS_ROOM) {
        size_t count;
        const struct segment *segment = lab_session_segments(&world->session, &count);
        assert_true(count > 0 && segment->length > 0);
        assert_non_null(segment->data);
        size_t length = MIN(step, segment->length);
        buffer_append(&world->output, slice_make(segment->data, length));
        lab_session_sent(&world->session, length);
    }
}

static void work(struct world *world)
{
    needs(world, LAB_NEEDS_JOB);
    lab_session_run_job(&world->session);
    lab_session_complete_job(&world->session);
}

/* How often `text` is in the output. */
static unsigned count_of(const struct world *world, const char *text)
{
    unsigned count = 0;
    struct slice rest = buffer_slice(&world->output);
    for (const char *found; (found = memmem(rest.data, rest.length, text, strlen(text))) != NULL; count++)
        rest = slice_skip(rest, (size_t)(found - rest.data) + strlen(text));
    return count;
}

static void a_request_is_answered_wherever_it_is_cut(void **state)
{
    struct world *world = *state;
    static const char hellos[] = HELLO HELLO;
    const size_t length = strlen(hellos);
    for (size_t cut = 1; cut < length; cut++) {
        buffer_clear(&world->output);
        lab_session_receive(&world->session, slice_make(hellos, cut));
        send_by(world, SIZE_MAX);
        needs(world, LAB_NEEDS_BYTES);
        lab_session_receive(&world->session, slice_make(hellos + cut, length - cut));
        send_by(world, SIZE_MAX);
        needs(world, LAB_NEEDS_BYTES);
        assert_int_equal(count_of(world, HELLO_END), 2);
    }
}

static void it_can_be_sent_byte_by_byte(void **state)
{
    struct world *world = *state;
    receive(world, HELLO HELLO HELLO);
    send_by(world, 1);
    needs(world, LAB_NEEDS_BYTES);
    assert_int_equal(count_of(world, "HTTP/1.1 200 OK\r\n"), 3);
    assert_int_equal(count_of(world, HELLO_END), 3);
}

static void an_idle_session_holds_nothing(void **state)
{
    struct world *world = *state;
    receive(world, HELLO);
    assert_non_null(world->session.output);
    send_by(world, SIZE_MAX);
    assert_null(world->session.output);
    assert_null(world->session.h1.input);
    assert_true(list_is_empty(&world->session.h1.exchanges));
}

static void a_flood_is_answered_a_part_at_a_time(void **state)
{
    struct world *world = *state;
    static char flood[400 * sizeof(HELLO)];
    for (unsigned i = 0; i < 400; i++)
        strcat(flood, HELLO);
    receive(world, flood);
    size_t count;
    (void)lab_session_segments(&world->session, &count);
    assert_true(count <= 32);
    send_by(world, 100);
    needs(world, LAB_NEEDS_BYTES);
    assert_int_equal(count_of(world, HELLO_END), 400);
}

static void a_last_request_ends_with_its_response(void **state)
{
    struct world *world = *state;
    receive(world, LAST);
    send_by(world, SIZE_MAX);
    needs(world, LAB_NEEDS_CLOSE);
    assert_int_equal(count_of(world, "Connection: close\r\n"), 1);
}

static void a_mistake_is_answered_and_lingered_after(void **state)
{
    struct world *world = *state;
    receive(world, HELLO MISTAKE HELLO);
    send_by(world, SIZE_MAX);
    assert_int_equal(count_of(world, "HTTP/1.1 200 OK\r\n"), 1);
    assert_int_equal(count_of(world, "HTTP/1.1 400 Bad Request\r\n"), 1);
    needs(world, LAB_NEEDS_SHUTDOWN);
    lab_session_did_shut_down(&world->session);
    receive(world, HELLO);
    needs(world, LAB_NEEDS_BYTES);
    lab_session_end(&world->session);
    needs(world, LAB_NEEDS_CLOSE);
}

static void lingering_is_bounded(void **state)
{
    struct world *world = *state;
    static char bytes[65536];
    receive(world, MISTAKE);
    send_by(world, SIZE_MAX);
    lab_session_did_shut_down(&world->session);
    unsigned count = 0;
    for (; lab_session_need(&world->session) == LAB_NEEDS_BYTES; count++)
        lab_session_receive(&world->session, slice_make(bytes, sizeof(bytes)));
    assert_true(count < 100);
    needs(world, LAB_NEEDS_CLOSE);
}

static void content_comes_before_the_answer(void **state)
{
    struct world *world = *state;
    receive(world, POST);
    needs(world, LAB_NEEDS_BYTES);
    receive(world, "12");
    needs(world, LAB_NEEDS_BYTES);
    receive(world, "345" HELLO);
    send_by(world, SIZE_MAX);
    assert_int_equal(count_of(world, HELLO_END), 2);
}

static void work_keeps_its_place(void **state)
{
    struct world *world = *state;
    receive(world, ABSENT BLOCK HELLO BLOCK);
    while (lab_session_need(&world->session) == LAB_NEEDS_JOB)
        work(world); /* the look-up of what is absent, where it has to wait for a disk */
    send_by(world, SIZE_MAX);
    assert_int_equal(count_of(world, "HTTP/1.1 404 Not Found\r\n"), 1);
    assert_int_equal(count_of(world, HELLO_END), 0);
    work(world);
    send_by(world, SIZE_MAX);
    assert_int_equal(count_of(world, HELLO_END), 2);
    work(world);
    send_by(world, SIZE_MAX);
    assert_int_equal(count_of(world, HELLO_END), 3);
    needs(world, LAB_NEEDS_BYTES);
}

static void age(int fd, time_t seconds)
{
    const struct timespec times[2] = {{.tv_sec = seconds}, {.tv_sec = seconds}};
    assert_int_equal(futimens(fd, times), 0);
}

/* What has been sent of it cannot be taken back, so the connection ends. */
static void a_file_that_changes_is_sent_no_further(void **state)
{
    struct world *world = *state;
    char path[64];
    snprintf(path, sizeof(path), "%s/large", world->folder);
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_int_equal(ftruncate(fd, 1 << 20), 0);
    age(fd, 1000);
    receive(world, "GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
    for (bool is_file = false; !is_file;) {
        size_t count;
        while (lab_session_need(&world->session) == LAB_NEEDS_JOB)
            work(world);
        needs(world, LAB_NEEDS_ROOM);
        const struct segment *segment = lab_session_segments(&world->session, &count);
        is_file = segment->data == NULL;
        if (!is_file)
            lab_session_sent(&world->session, segment->length);
    }
    assert_true(lab_session_may_send_file(&world->session));
    lab_session_sent(&world->session, 1000);
    needs(world, LAB_NEEDS_ROOM);
    age(fd, 2000);
    assert_false(lab_session_may_send_file(&world->session));
    needs(world, LAB_NEEDS_CLOSE);
    close(fd);
    unlink(path);
}

static void it_may_end_at_any_time(void **state)
{
    struct world *world = *state;
    const char *const beginnings[] = {"",    "GET /lab",        POST,   POST "12", HELLO,
                                      BLOCK, HELLO BLOCK HELLO, MISTAKE};
    for (size_t i = 0; i < ARRAY_LENGTH(beginnings); i++) {
        struct lab_session session;
        lab_session_init(&session, world->site);
        if (beginnings[i][0])
            lab_session_receive(&session, slice_from(beginnings[i]));
        if (lab_session_need(&session) == LAB_NEEDS_ROOM)
            lab_session_sent(&session, 3);
        lab_session_finish(&session);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_request_is_answered_wherever_it_is_cut, build, take_down),
        cmocka_unit_test_setup_teardown(it_can_be_sent_byte_by_byte, build, take_down),
        cmocka_unit_test_setup_teardown(an_idle_session_holds_nothing, build, take_down),
        cmocka_unit_test_setup_teardown(a_flood_is_answered_a_part_at_a_time, build, take_down),
        cmocka_unit_test_setup_teardown(a_last_request_ends_with_its_response, build, take_down),
        cmocka_unit_test_setup_teardown(a_mistake_is_answered_and_lingered_after, build, take_down),
        cmocka_unit_test_setup_teardown(lingering_is_bounded, build, take_down),
        cmocka_unit_test_setup_teardown(content_comes_before_the_answer, build, take_down),
        cmocka_unit_test_setup_teardown(work_keeps_its_place, build, take_down),
        cmocka_unit_test_setup_teardown(a_file_that_changes_is_sent_no_further, build, take_down),
        cmocka_unit_test_setup_teardown(it_may_end_at_any_time, build, take_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
