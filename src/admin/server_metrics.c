/* A family for each row of BOARD_COUNTER_TABLE, summed over the workers, and for what the board says now. */
#include "admin/server_metrics.h"

#include "sys/clock.h"

#include <inttypes.h>
#include <stdio.h>

struct server_metrics {
    struct metrics_writer writer;
    struct board *board;
    uint64_t now_ms;
};

static void put_server_value(struct server_metrics *metrics, const char *name,
                             const struct board_server *server, uint64_t value)
{
    buffer_printf(metrics->writer.out, "vif_upstream_server_%s{", name);
    metrics_put_label(&metrics->writer, "route", board_text(server->route, sizeof(server->route)));
    buffer_append_byte(metrics->writer.out, ',');
    metrics_put_label(&metrics->writer, "server", board_text(server->url, sizeof(server->url)));
    buffer_printf(metrics->writer.out, "} %" PRIu64 "\n", value);
}

/* The sum of one row of BOARD_COUNTER_TABLE over the workers. */
static uint64_t sum_of_shares(struct board *board, size_t server, size_t offset)
{
    uint64_t sum = 0;
    for (size_t i = 0, count = board_workers(board); i < count; i++) {
        uint64_t value;
        memcpy(&value, (const char *)board_share(board, server, i) + offset, sizeof(value));
        sum += value;
    }
    return sum;
}

static void put_server_counter(struct server_metrics *metrics, const char *name, size_t offset,
                               const char *help)
{
    struct board *board = metrics->board;
    char family[64], sample[64];
    snprintf(family, sizeof(family), "upstream_server_%s", name);
    snprintf(sample, sizeof(sample), "%s_total", name);
    metrics_put_family(&metrics->writer, family, "counter", help);
    for (size_t i = board_next(board, 0); i < BOARD_SERVERS_MAX; i = board_next(board, i + 1))
        put_server_value(metrics, sample, &board->shared->servers[i], sum_of_shares(board, i, offset));
}

enum server_figure { SERVER_REQUESTS, SERVER_UP, SERVER_CHECKS, SERVER_FAILED_CHECKS };

static uint64_t figure_of_server(const struct server_metrics *metrics, const struct board_server *server,
                                 enum server_figure figure)
{
    switch (figure) {
    case SERVER_REQUESTS: return board_in_use(metrics->board, server);
    case SERVER_UP: return board_is_good(server, metrics->now_ms);
    case SERVER_CHECKS: return server->checks;
    case SERVER_FAILED_CHECKS: return server->failed_checks;
    }
    UNREACHABLE();
}

static void put_server_figures(struct server_metrics *metrics)
{
    static const struct {
        const char *name, *sample, *type, *help;
    } rows[] = {
        [SERVER_REQUESTS] = {"in_use", "in_use", "gauge", "requests that the server has now"},
        [SERVER_UP] = {"up", "up", "gauge", "1; 0 while the server is down or left out"},
        [SERVER_CHECKS] = {"checks", "checks_total", "counter", "health checks of the server"},
        [SERVER_FAILED_CHECKS] = {"failed_checks", "failed_checks_total", "counter",
                                  "health checks that found it not well"},
    };
    const struct board *board = metrics->board;
    for (size_t row = 0; row < ARRAY_LENGTH(rows); row++) {
        char family[64];
        snprintf(family, sizeof(family), "upstream_server_%s", rows[row].name);
        metrics_put_family(&metrics->writer, family, rows[row].type, rows[row].help);
        for (size_t i = board_next(board, 0); i < BOARD_SERVERS_MAX; i = board_next(board, i + 1))
            put_server_value(metrics, rows[row].sample, &board->shared->servers[i],
                             figure_of_server(metrics, &board->shared->servers[i], (enum server_figure)row));
    }
}

/* ---- lists in files ---- */

static void put_file_figures(struct server_metrics *metrics, const char *name, const char *help,
                             uint64_t (*figure)(const struct board_list *list))
{
    char family[64];
    snprintf(family, sizeof(family), "upstream_file_%s", name);
    metrics_put_family(&metrics->writer, family, "gauge", help);
    for (size_t i = 0; i < BOARD_LISTS_MAX; i++) {
        const struct board_list *list = &metrics->board->shared->lists[i];
        if (list->number == 0 || !list->is_named)
            continue;
        buffer_printf(metrics->writer.out, "vif_%s{", family);
        metrics_put_label(&metrics->writer, "file", board_text(list->path, sizeof(list->path)));
        buffer_printf(metrics->writer.out, "} %" PRIu64 "\n", figure(list));
    }
}

static uint64_t file_is_good(const struct board_list *list)
{
    return list->is_wrong == 0;
}

static uint64_t servers_of_file(const struct board_list *list)
{
    return list->count;
}

void server_metrics_write(struct board *board, enum metrics_format format, struct buffer *out)
{
    struct server_metrics all = {.writer = {.format = format, .out = out}, .board = board};
    struct server_metrics *metrics = &all;
    if (board == NULL)
        return;
    metrics->now_ms = sys_monotonic_ms();
#define X(name, text) put_server_counter(metrics, #name, offsetof(struct board_share, name), text);
    BOARD_COUNTER_TABLE(X)
#undef X
    put_server_figures(metrics);
    put_file_figures(metrics, "good",
                     "1; 0 while the file is wrong or missing, and its last good list in force",
                     file_is_good);
    put_file_figures(metrics, "servers", "servers of the list in force", servers_of_file);
}

/* ---- JSON ---- */

static void put_server_text(struct json *json, const char *key, struct slice text)
{
    json_key(json, key);
    json_string(json, text);
}

static void put_server_status(struct board *board, size_t index, uint64_t now_ms, struct json *json)
{
    const struct board_server *server = &board->shared->servers[index];
    char reason[BOARD_REASON_BYTES];
    board_reason(server, reason);
    json_begin_line(json, '{');
    put_server_text(json, "route", board_text(server->route, sizeof(server->route)));
    put_server_text(json, "server", board_text(server->url, sizeof(server->url)));
    json_put_bool(json, "up", board_is_good(server, now_ms));
    put_server_text(json, "reason", slice_from(reason));
    json_put_number(json, "in_use", board_in_use(board, server));
    json_put_number(json, "requests", sum_of_shares(board, index, offsetof(struct board_share, requests)));
    json_put_number(json, "failures", sum_of_shares(board, index, offsetof(struct board_share, failures)));
    json_put_number(json, "errors", sum_of_shares(board, index, offsetof(struct board_share, errors)));
    json_end(json, '}');
}

void server_metrics_write_json(struct board *board, struct json *json)
{
    uint64_t now_ms = sys_monotonic_ms();
    json_key(json, "servers");
    json_begin(json, '[');
    for (size_t i = board ? board_next(board, 0) : BOARD_SERVERS_MAX; i < BOARD_SERVERS_MAX;
         i = board_next(board, i + 1))
        put_server_status(board, i, now_ms, json);
    json_end(json, ']');
}
