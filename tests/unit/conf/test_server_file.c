/* A list of servers in a file of its own, as it is read while vif runs. */
#include "../test.h"

#include "conf/server_file.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[64], path[96];

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof(folder), "/tmp/vif-list-XXXXXX");
    snprintf(path, sizeof(path), "%s/servers.yaml", mkdtemp(folder) ? folder : "");
    return folder[0] == '\0';
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

static void write_list(const char *text)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* What was read of the list; `printed` are its mistakes. */
struct list_reading {
    struct arena arena;
    struct diagnostics diagnostics;
    struct proxy_settings proxy;
    struct buffer printed;
    int error;
};

static struct list_reading read_list(bool speaks_tls)
{
    static struct list_reading reading;
    arena_init(&reading.arena, 1u << 20);
    diagnostics_init(&reading.diagnostics);
    buffer_init(&reading.printed, 1u << 16);
    reading.error =
        server_file_read(slice_from(path), speaks_tls, &reading.arena, &reading.diagnostics, &reading.proxy);
    diagnostics_print(&reading.diagnostics, false, &reading.printed);
    buffer_append_byte(&reading.printed, '\0');
    return reading;
}

static void end_reading(struct list_reading *reading)
{
    buffer_finish(&reading->printed);
    diagnostics_finish(&reading->diagnostics);
    arena_finish(&reading->arena);
}

static void servers_are_those_of_the_list(void **state)
{
    (void)state;
    char socket[128];
    write_list("- 3000\n- {server: 'unix:app.sock', weight: 3, backup: true, connections: 7}\n");
    snprintf(socket, sizeof(socket), "unix:%s/app.sock", folder);
    struct list_reading reading = read_list(false);
    assert_int_equal(reading.error, 0);
    assert_int_equal(reading.proxy.server_count, 2);
    assert_true(reading.proxy.to_file_read_ns > 0);
    assert_slice(reading.proxy.servers[0].url, "http://127.0.0.1:3000");
    assert_int_equal(reading.proxy.servers[0].weight, 1);
    assert_slice(reading.proxy.servers[1].url, socket);
    assert_int_equal(reading.proxy.servers[1].weight, 3);
    assert_int_equal(reading.proxy.servers[1].connections, 7);
    assert_true(reading.proxy.servers[1].is_backup);
    end_reading(&reading);
}

static void a_lone_server_is_a_list(void **state)
{
    (void)state;
    write_list("http://a");
    struct list_reading reading = read_list(false);
    assert_int_equal(reading.error, 0);
    assert_slice(reading.proxy.servers[0].url, "http://a");
    end_reading(&reading);
}

static void mistakes(void **state)
{
    (void)state;
    static const struct {
        const char *text, *told;
    } rows[] = {
        {"- http://a\n- {server: http://b, weigth: 2}\n",
         "servers.yaml:2:22: error: unknown option \"weigth\" in proxy.to[]"},
        {"- http://a\n- ftp://b\n", "servers.yaml:2:3: error: "},
        {"- http://a\n- http://a\n", "servers.yaml:2:3: error: proxy.to_file: \"http://a\" is there twice"},
        {"- https://a\n", "servers.yaml:1:3: error: proxy.to_file: a list may have https:// servers if"},
        {"[]", "servers.yaml:1:1: error: proxy.to: expected a list of 1 to 64, not 0"},
        {"to: [3000]\n", "servers.yaml:1:1: error: proxy.to: expected a list, not a map"},
        {"", "servers.yaml: it has no servers"},
        {"---\n", "servers.yaml: it has no servers"},
    };
    TABLE_ROWS(i, rows, rows[i].text) {
        write_list(rows[i].text);
        struct list_reading reading = read_list(false);
        assert_int_equal(reading.error, ERROR_SYNTAX);
        if (strstr(reading.printed.data, rows[i].told) == NULL)
            fail_msg("should say: %s\nbut says:\n%s", rows[i].told, reading.printed.data);
        end_reading(&reading);
    }
}

static void tls_has_to_be_there(void **state)
{
    (void)state;
    write_list("- https://a\n");
    struct list_reading reading = read_list(true);
    assert_int_equal(reading.error, 0);
    end_reading(&reading);
}

static void a_missing_file_is_no_mistake(void **state)
{
    (void)state;
    unlink(path);
    struct list_reading reading = read_list(false);
    assert_int_equal(reading.error, -ENOENT);
    assert_int_equal(reading.diagnostics.count, 0);
    end_reading(&reading);
}

/* ---- a file that is written to meanwhile ---- */

static atomic_bool is_over;

static void *write_on(void *context)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    (void)context;
    while (fd >= 0 && !is_over) {
        if (write(fd, "\n", 1) != 1 || lseek(fd, 0, SEEK_END) < 0)
            break;
        if (lseek(fd, 0, SEEK_CUR) > 20000 && ftruncate(fd, 11) < 0)
            break;
    }
    close(fd);
    return NULL;
}

static void a_file_that_is_being_written_is_not_believed(void **state)
{
    (void)state;
    pthread_t writer;
    int error = 0;
    is_over = false;
    write_list("- http://a\n");
    assert_int_equal(pthread_create(&writer, NULL, write_on, NULL), 0);
    for (int i = 0; i < 20000 && error != -EAGAIN; i++) {
        struct list_reading reading = read_list(false);
        error = reading.error;
        end_reading(&reading);
    }
    is_over = true;
    assert_int_equal(pthread_join(writer, NULL), 0);
    assert_int_equal(error, -EAGAIN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(servers_are_those_of_the_list),
        cmocka_unit_test(a_lone_server_is_a_list),
        cmocka_unit_test(mistakes),
        cmocka_unit_test(tls_has_to_be_there),
        cmocka_unit_test(a_missing_file_is_no_mistake),
        cmocka_unit_test(a_file_that_is_being_written_is_not_believed),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
