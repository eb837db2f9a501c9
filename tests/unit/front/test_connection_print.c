/* What the log says of a connection whose time is up, and which moves between states there are. */
#include "tests/unit/server_builder.h"

#include "front/connection_print.h"

#include <sys/wait.h>

#define PAST_MS 10

/* The last line of a connection whose time was up. */
static char line_of_expiry[LOG_LINE_BYTES_MAX + 1];

static void keep_line(struct log *log, enum log_level level, struct slice line)
{
    (void)log, (void)level;
    struct slice wanted = SLICE("a connection's time is up: ");
    if (slice_starts_with(line, wanted))
        snprintf(line_of_expiry, sizeof(line_of_expiry), "%.*s", SLICE_ARGS(slice_skip(line, wanted.length)));
}

static void start(struct world *world, struct client *client)
{
    line_of_expiry[0] = '\0';
    world_init(world);
    world->log.write = keep_line;
    world->settings->timeouts.head_ms = PAST_MS;
    world->settings->timeouts.body_ms = PAST_MS;
    world->settings->timeouts.write_ms = PAST_MS;
    world_add_file(world, "large", 32u << 20);
    world_start(world);
    client_connect(client, world, 0);
}

static bool has_line(void *context)
{
    (void)context;
    return line_of_expiry[0] != '\0';
}

#define assert_says(text)                                               \
    do {                                                                \
        if (strstr(line_of_expiry, text) == NULL)                       \
            fail_msg("no \"%s\" in: %s", text, (char *)line_of_expiry); \
    } while (0)

static void finish(struct world *world, struct client *client)
{
    client_close(client);
    world_finish(world);
}

static void a_head_that_does_not_end(void **state)
{
    (void)state;
    struct world world;
    struct client client;
    start(&world, &client);
    client_say(&client, "GET /large HTTP/1.1\r\nHost");
    world_expect(&world, has_line, NULL);
    assert_says("state=\"reading a head\" age_ms=");
    assert_says(" deadline_ms=");
    assert_says(" engine=head");
    assert_says(" input=25");
    assert_says(" stream=");
    assert_says("reading");
    assert_null(strchr(line_of_expiry, '{'));
    finish(&world, &client);
}

static void content_that_does_not_come(void **state)
{
    (void)state;
    struct world world;
    struct client client;
    start(&world, &client);
    client_say(&client, "POST /large HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n0123456789");
    world_expect(&world, has_line, NULL);
    assert_says("state=\"reading content\" client=has_asked");
    assert_says(" engine=content content_left=990");
    assert_says(" requests=1");
    assert_says("{POST /large reject=405 flags=");
    assert_says("has_content_left");
    finish(&world, &client);
}

static void a_response_that_is_not_taken(void **state)
{
    (void)state;
    struct world world;
    struct client client;
    start(&world, &client);
    client_say(&client, "GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
    world_expect(&world, has_line, NULL);
    assert_says("state=\"sending\" client=has_asked");
    assert_says("session=is_waiting requests=1");
    assert_says(" unsent=");
    assert_says(" {GET /large status=200 flags=is_responded");
    assert_says(",file given=");
    finish(&world, &client);
}

/* Nobody asks for the line where it is not logged. */
static void nothing_is_said_below_the_level(void **state)
{
    (void)state;
    struct world world;
    struct client client;
    start(&world, &client);
    world.log.level = LOG_LEVEL_INFO;
    client_say(&client, "GET /");
    client_await(&client, "HTTP/1.1 408 ", 1);
    assert_false(has_line(NULL));
    finish(&world, &client);
}

/* The status with which a process ends that has the client move so. */
static int status_of_move(struct front_client *client, enum client_state to)
{
    int status;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct rlimit none = {0};
        setrlimit(RLIMIT_CORE, &none);
        close(STDERR_FILENO);
        signal(SIGABRT, SIG_DFL);
        front_client_set_state(client, to);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void nothing_comes_back_from_lingering(void **state)
{
    (void)state;
    struct world world;
    struct client client;
    start(&world, &client);
    client_say(&client, "bad\r\n\r\n");
    world_await_state(&world, CLIENT_LINGER);
    struct front_client *lingering = &world_connection(&world)->client;
    for (unsigned to = CLIENT_IDLE; to <= CLIENT_CLOSED; to++)
        assert_int_not_equal(status_of_move(lingering, (enum client_state)to), 0);
    /* From HEAD it may go anywhere but to CLOSED, which has a way of its own. */
    lingering->state = CLIENT_HEAD;
    for (unsigned to = CLIENT_IDLE; to < CLIENT_CLOSED; to++)
        assert_int_equal(status_of_move(lingering, (enum client_state)to), 0);
    assert_int_not_equal(status_of_move(lingering, CLIENT_CLOSED), 0);
    lingering->state = CLIENT_LINGER;
    finish(&world, &client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_head_that_does_not_end),
        cmocka_unit_test(content_that_does_not_come),
        cmocka_unit_test(a_response_that_is_not_taken),
        cmocka_unit_test(nothing_is_said_below_the_level),
        cmocka_unit_test(nothing_comes_back_from_lingering),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
