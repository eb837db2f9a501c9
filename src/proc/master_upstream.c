/* The master knows the file's servers and writes the changes; what it shows comes from the board. */
#include "proc/master_upstream.h"

#include "http/json.h"
#include "proc/sandbox_scope.h"
#include "proxy/server_list.h"
#include "sys/clock.h"

#include <inttypes.h>
#include <stdio.h>

/* What the client takes, with the first line. */
#define UPSTREAM_ANSWER_BYTES_MAX ((1u << 17) - 64)

/* A route that forwards requests. */
struct upstream_route {
    const struct proxy_settings *settings;
    char name[BOARD_ROUTE_BYTES];
};

/* Finds the next one; `position` is 0 at first. */
static bool next_route(const struct master *master, size_t *position, struct upstream_route *ret_route)
{
    const struct settings *settings = master->config->settings;
    size_t number = 0;
    for (size_t i = 0; i < settings->site_count; i++) {
        const struct site *site = &settings->sites[i];
        for (size_t j = 0; j < site->route_count; j++) {
            if (site->routes[j].kind != ROUTE_PROXY || number++ < *position)
                continue;
            ret_route->settings = &site->routes[j].proxy;
            server_list_name(site, &site->routes[j], ret_route->name);
            *position = number;
            return true;
        }
    }
    return false;
}

/* ---- showing ---- */

struct upstream_row {
    const char *route;
    const struct listed_server *listed;
    struct slice url;                  /* of an address of its name: "URL (ADDRESS)" */
    const struct board_server *server; /* NULL: no worker uses it yet */
};

/* Whether an entry is of an address of that server's name: "URL (ADDRESS)". */
static bool is_found_of(const struct board_server *server, const struct upstream_route *route,
                        struct slice url)
{
    struct slice text = board_text(server->url, sizeof(server->url));
    return slice_starts_with(text, url) && slice_starts_with(slice_skip(text, url.length), SLICE(" (")) &&
           slice_equal(board_text(server->route, sizeof(server->route)), slice_from(route->name));
}

/* Calls for each address of a server's name that is in use, or else for the server. */
static void visit_rows_of_server(const struct master *master, const struct upstream_route *route,
                                 const struct listed_server *listed,
                                 void (*visit)(void *context, const struct upstream_row *row), void *context)
{
    const struct board *board = master->board;
    struct upstream_row row = {.route = route->name, .listed = listed, .url = listed->url};
    bool is_found = false;
    for (size_t i = board_next(board, 0); i < BOARD_SERVERS_MAX; i = board_next(board, i + 1)) {
        row.server = &board->shared->servers[i];
        if (!is_found_of(row.server, route, listed->url))
            continue;
        row.url = board_text(row.server->url, sizeof(row.server->url));
        visit(context, &row);
        is_found = true;
    }
    row.url = listed->url;
    row.server = board_find(board, slice_from(route->name), listed->url);
    if (!is_found)
        visit(context, &row);
}

static void visit_rows(const struct master *master, const struct upstream_route *route,
                       void (*visit)(void *context, const struct upstream_row *row), void *context)
{
    struct server_list list;
    server_list_make(&list, master->board, route->name, route->settings);
    for (size_t i = 0; i < list.count; i++)
        visit_rows_of_server(master, route, &list.servers[i], visit, context);
}

static const char *state_of_server(const struct upstream_row *row, uint64_t now)
{
    if (row->listed->is_draining)
        return "draining";
    if (row->server == NULL)
        return "new";
    if (row->server->health == BOARD_DOWN)
        return "down";
    return row->server->ejected_ms > now ? "left out" : "up";
}

static uint64_t requests_of_server(const struct master *master, const struct board_server *server,
                                   uint64_t *ret_failures)
{
    uint64_t requests = 0;
    size_t index = server ? (size_t)(server - master->board->shared->servers) : 0;
    *ret_failures = 0;
    for (size_t i = 0, count = board_workers(master->board); server && i < count; i++) {
        const struct board_share *share = board_share(master->board, index, i);
        requests += share->requests;
        *ret_failures += share->failures;
    }
    return requests;
}

/* For a terminal: workers can write to the board. */
static void print_upstream_row(const struct master *master, const struct upstream_row *row,
                               struct buffer *out)
{
    size_t begin = out->length;
    char reason[BOARD_REASON_BYTES] = "";
    uint64_t failures, requests = requests_of_server(master, row->server, &failures);
    uint64_t now = sys_monotonic_ms();
    buffer_printf(out, "  %.*s  %s", SLICE_ARGS(row->url), state_of_server(row, now));
    if (row->server)
        board_reason(row->server, reason);
    if (reason[0] != '\0')
        buffer_printf(out, " (%s)", reason);
    buffer_printf(out, ", weight %u%s%s", row->listed->weight, row->listed->is_backup ? ", backup" : "",
                  row->listed->is_changed ? ", changed at run time" : "");
    buffer_printf(out, ", %u requests now, %" PRIu64 " in all, %" PRIu64 " failed",
                  board_in_use(master->board, row->server), requests, failures);
    log_clean(out->data + begin, out->length - begin);
    buffer_append_byte(out, '\n');
}

static void put_upstream_row(const struct master *master, const struct upstream_row *row, struct json *json)
{
    char reason[BOARD_REASON_BYTES] = "";
    uint64_t failures, requests = requests_of_server(master, row->server, &failures);
    if (row->server)
        board_reason(row->server, reason);
    json_begin_line(json, '{');
    json_key(json, "route");
    json_string(json, slice_from(row->route));
    json_key(json, "server");
    json_string(json, row->url);
    json_key(json, "state");
    json_string(json, slice_from(state_of_server(row, sys_monotonic_ms())));
    json_key(json, "reason");
    json_string(json, slice_from(reason));
    json_put_number(json, "weight", row->listed->weight);
    json_put_number(json, "connections", row->listed->limit);
    json_put_bool(json, "backup", row->listed->is_backup);
    json_put_bool(json, "changed", row->listed->is_changed);
    json_put_number(json, "in_use", board_in_use(master->board, row->server));
    json_put_number(json, "requests", requests);
    json_put_number(json, "failures", failures);
    json_end(json, '}');
}

struct upstream_showing {
    const struct master *master;
    struct json *json; /* NULL: text */
    struct buffer *out;
};

static void show_row(void *context, const struct upstream_row *row)
{
    const struct upstream_showing *showing = context;
    if (showing->json)
        put_upstream_row(showing->master, row, showing->json);
    else
        print_upstream_row(showing->master, row, showing->out);
}

static void show_route(const struct master *master, const struct upstream_route *route, struct json *json,
                       struct buffer *out)
{
    struct upstream_showing showing = {master, json, out};
    if (json == NULL)
        buffer_printf(out, "%s\n", route->name);
    visit_rows(master, route, show_row, &showing);
}

static void answer_list(struct master *master, struct control_client *client, bool as_json)
{
    struct buffer text;
    struct upstream_route route;
    struct json json = {.out = &text};
    buffer_init(&text, UPSTREAM_ANSWER_BYTES_MAX);
    if (as_json)
        json_begin(&json, '[');
    for (size_t position = 0; next_route(master, &position, &route);)
        show_route(master, &route, as_json ? &json : NULL, &text);
    if (as_json) {
        json_end(&json, ']');
        buffer_append(&text, SLICE("\n"));
    }
    control_answer(client, text.failed ? CONTROL_FAILED : CONTROL_DONE, buffer_slice(&text));
    buffer_finish(&text);
}

struct upstream_summary {
    const struct master *master;
    uint64_t now;
    size_t count, up;
    struct buffer *out; /* gets those that are not up; NULL: they are only counted */
};

static void summarize_row(void *context, const struct upstream_row *row)
{
    struct upstream_summary *summary = context;
    bool is_up = row->server == NULL || board_is_good(row->server, summary->now);
    summary->count++;
    summary->up += is_up;
    if (!is_up && summary->out)
        print_upstream_row(summary->master, row, summary->out);
}

static void print_route_status(const struct master *master, const struct upstream_route *route,
                               struct buffer *out)
{
    struct upstream_summary summary = {.master = master, .now = sys_monotonic_ms()};
    visit_rows(master, route, summarize_row, &summary);
    buffer_printf(out, "forwards %s: %zu of %zu servers up\n", route->name, summary.up, summary.count);
    summary.out = out;
    visit_rows(master, route, summarize_row, &summary);
}

void master_upstream_print_status(const struct master *master, struct buffer *out)
{
    struct upstream_route route;
    for (size_t position = 0; next_route(master, &position, &route);)
        print_route_status(master, &route, out);
    server_keeper_print_status(&master->servers, out);
}

/* ---- changing ---- */

struct upstream_order {
    struct slice verb;
    struct slice route;
    struct slice url;
    struct slice options; /* the rest */
};

static struct slice take_word(struct slice *rest)
{
    size_t end = slice_find(*rest, '\t');
    struct slice word = slice_take(*rest, end);
    *rest = slice_skip(*rest, MIN(end + 1, rest->length));
    return word;
}

static const struct listed_server *find_listed(const struct server_list *list, struct slice url)
{
    for (size_t i = 0; i < list->count; i++) {
        if (slice_equal(list->servers[i].url, url))
            return &list->servers[i];
    }
    return NULL;
}

/* Returns false if an option has no good value. */
static bool read_options(struct slice options, struct board_change *change)
{
    static const struct slice weight = {"weight=", 7}, connections = {"connections=", 12};
    while (options.length > 0) {
        struct slice word = take_word(&options);
        uint64_t value = 0;
        bool is_weight = slice_starts_with(word, weight);
        bool is_number = is_weight || slice_starts_with(word, connections);
        struct slice digits = is_number ? slice_skip(word, slice_find(word, '=') + 1) : SLICE("");
        if (is_number && (!slice_to_u64(digits, &value) || value > (is_weight ? PROXY_WEIGHT_MAX : 1u << 20)))
            return false;
        if (is_number)
            *(is_weight ? &change->weight : &change->connections) = (uint32_t)value;
        change->is_backup |= slice_equal(word, SLICE("backup"));
    }
    return true;
}

/* Fills the change that an order means for a server of the list as it is now. Returns what is wrong, or NULL.
 */
static const char *make_change(const struct upstream_order *order, const struct upstream_route *route,
                               const struct server_list *list, struct board_change *change)
{
    const struct listed_server *now = find_listed(list, order->url);
    bool is_added = slice_equal(order->verb, SLICE("add"));
    if (is_added && now)
        return "the route has this server already";
    *change = (struct board_change){.weight = 1, .is_added = !server_list_names(list, order->url)};
    if (now) {
        change->weight = now->weight;
        change->connections = now->limit;
        change->is_backup = now->is_backup;
    }
    snprintf(change->route, sizeof(change->route), "%s", route->name);
    snprintf(change->url, sizeof(change->url), "%.*s", SLICE_ARGS(order->url));
    if (!read_options(order->options, change))
        return "a weight is a number from 0 to 1000, and connections are one up to 1048576";
    change->is_draining = slice_equal(order->verb, SLICE("drain"));
    change->is_removed = slice_equal(order->verb, SLICE("remove"));
    change->weight = change->is_draining ? 0 : change->weight;
    return NULL;
}

static void tell_upstream_change(const struct master *master, const struct upstream_order *order,
                                 const struct board_change *change, struct buffer *out)
{
    const struct board_server *server =
        board_find(master->board, slice_from(change->route), slice_from(change->url));
    unsigned in_use = board_in_use(master->board, server);
    if (change->is_removed)
        buffer_printf(out, "%s: %s is removed", change->route, change->url);
    else if (change->is_draining)
        buffer_printf(out, "%s: %s gets no new clients", change->route, change->url);
    else if (slice_equal(order->verb, SLICE("add")))
        buffer_printf(out, "%s: %s is added, with weight %u", change->route, change->url, change->weight);
    else
        buffer_printf(out, "%s: %s has weight %u now", change->route, change->url, change->weight);
    buffer_printf(
        out, change->is_removed || change->is_draining ? "; it has %u requests in progress\n" : "\n", in_use);
}

/* Workers have the rights that the file's servers need, and get no others. */
static bool can_be_reached(const struct master *master, struct slice url)
{
    struct sandbox_scope scope = sandbox_scope_of(master->config);
    bool is_unix = slice_starts_with(url, SLICE("unix:"));
    return !master->config->sandbox || (is_unix ? scope.calls.connects_unix : scope.calls.connects);
}

/* Why a route cannot have one more server, or NULL. */
static const char *why_not_added(const struct master *master, const struct server_list *list,
                                 const struct upstream_route *route, struct slice url)
{
    if (list->count == PROXY_SERVERS_MAX)
        return "the route has 64 servers, which is the most";
    if (!can_be_reached(master, url))
        return "worker processes may connect to Unix sockets, or over TCP, only if the configuration names a "
               "server of that kind";
    if (slice_starts_with(url, SLICE("https://")) && !proxy_speaks_tls(route->settings))
        return "the route does not speak TLS to its servers: write \"proxy: {tls: true}\" or an https:// "
               "server into the file";
    return NULL;
}

/* Returns what is wrong, or NULL. */
static const char *change_route(struct master *master, const struct upstream_order *order,
                                const struct upstream_route *route, struct buffer *out)
{
    struct server_list list;
    struct board_change change;
    server_list_make(&list, master->board, route->name, route->settings);
    bool is_added = slice_equal(order->verb, SLICE("add"));
    const char *fault = is_added ? why_not_added(master, &list, route, order->url) : NULL;
    if (fault == NULL)
        fault = make_change(order, route, &list, &change);
    if (fault)
        return fault;
    if (!board_change(master->board, &change))
        return "too many servers were changed at run time; write them into the file";
    tell_upstream_change(master, order, &change, out);
    return NULL;
}

static bool is_meant(const struct master *master, const struct upstream_order *order,
                     const struct upstream_route *route)
{
    struct server_list list;
    if (order->route.length > 0)
        return slice_equal(order->route, slice_from(route->name));
    server_list_make(&list, master->board, route->name, route->settings);
    return slice_equal(order->verb, SLICE("add")) || find_listed(&list, order->url) != NULL;
}

static void name_routes(const struct master *master, struct buffer *out)
{
    struct upstream_route route;
    for (size_t position = 0; next_route(master, &position, &route);)
        buffer_printf(out, "  %s\n", route.name);
}

/* The number of routes that an order is for; `ret_last` is one of them. */
static unsigned count_meant(const struct master *master, const struct upstream_order *order)
{
    struct upstream_route route;
    unsigned count = 0;
    for (size_t position = 0; next_route(master, &position, &route);)
        count += is_meant(master, order, &route);
    return count;
}

static enum control_result carry_out(struct master *master, const struct upstream_order *order,
                                     struct buffer *out)
{
    struct upstream_route route;
    enum control_result result = CONTROL_DONE;
    for (size_t position = 0; next_route(master, &position, &route);) {
        const char *fault = is_meant(master, order, &route) ? change_route(master, order, &route, out) : NULL;
        if (fault == NULL)
            continue;
        buffer_printf(out, "%s: %s\n", route.name, fault);
        result = CONTROL_FAILED;
    }
    return result;
}

/* An unknown server may be removed where its route is named: it is as it should be. */
static enum control_result order_change(struct master *master, const struct upstream_order *order,
                                        struct buffer *out)
{
    unsigned count = count_meant(master, order);
    bool is_add = slice_equal(order->verb, SLICE("add"));
    if (order->url.length >= BOARD_URL_BYTES) {
        buffer_printf(out, "the URL is longer than %d bytes\n", BOARD_URL_BYTES - 1);
        return CONTROL_FAILED;
    }
    if (count == 0) {
        buffer_printf(out, order->route.length > 0 || is_add
                               ? "there is no such route; those that forward are:\n"
                               : "no route has this server; see vif upstream list\n");
        if (order->route.length > 0 || is_add)
            name_routes(master, out);
        return CONTROL_FAILED;
    }
    if (is_add && count > 1) {
        buffer_printf(out, "several routes forward; choose one with --route:\n");
        name_routes(master, out);
        return CONTROL_FAILED;
    }
    return carry_out(master, order, out);
}

static void log_order(const struct master *master, struct slice text)
{
    while (text.length > 0) {
        size_t length = slice_find(text, '\n');
        log_info((struct log *)&master->log.log, "upstream: %.*s", SLICE_ARGS(slice_take(text, length)));
        text = slice_skip(text, MIN(length + 1, text.length));
    }
}

void master_upstream_command(struct master *master, struct control_client *client, struct slice words)
{
    struct upstream_order order = {.verb = take_word(&words)};
    if (slice_equal(order.verb, SLICE("list"))) {
        answer_list(master, client, slice_equal(words, SLICE("json")));
        return;
    }
    order.route = take_word(&words);
    order.url = take_word(&words);
    order.options = words;
    struct buffer text;
    buffer_init(&text, UPSTREAM_ANSWER_BYTES_MAX);
    enum control_result result = order_change(master, &order, &text);
    if (result == CONTROL_DONE)
        log_order(master, buffer_slice(&text));
    control_answer(client, result, buffer_slice(&text));
    buffer_finish(&text);
}
