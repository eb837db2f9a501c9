/* The commands of the control socket: reload, upgrade, status, stop and reopen; see master_upstream.h for
 * upstream. */
#include "proc/master_internal.h"
#include "proc/master_upstream.h"

#include "http/json.h"
#include "sys/address.h"
#include "sys/clock.h"

#include <inttypes.h>

#define STATUS_BYTES_MAX (1u << 16)
#define MS_PER_SECOND    1000
#define WATCH_MS_MAX     3600000

static uint64_t seconds_since(uint64_t began_ms)
{
    return (sys_monotonic_ms() - began_ms) / MS_PER_SECOND;
}

/* ---- status ---- */

const char *master_state_of_worker(const struct master *master, size_t number)
{
    const struct child *child = &master->supervisor.children[number];
    return child->is_retired || master->slots[number].is_leaving ? "finishing"
           : child->is_stopped                                   ? "stopped"
           : child->is_hanging                                   ? "hanging"
           : child->is_ready                                     ? "serving"
                                                                 : "starting";
}

static void put_duration(struct buffer *out, uint64_t seconds)
{
    if (seconds >= 86400)
        buffer_printf(out, "%" PRIu64 " d ", seconds / 86400);
    if (seconds >= 3600)
        buffer_printf(out, "%" PRIu64 " h ", seconds / 3600 % 24);
    if (seconds >= 60)
        buffer_printf(out, "%" PRIu64 " min ", seconds / 60 % 60);
    buffer_printf(out, "%" PRIu64 " s", seconds % 60);
}

static void print_worker(const struct master *master, size_t number, struct buffer *out)
{
    const struct counters *counters = &master->slots[number].counters;
    pid_t pid = master->supervisor.children[number].pid;
    if (pid > 0)
        buffer_printf(out,
                      "worker %d: %s, generation %u, %" PRIu64 " connections (%" PRIu64 " idle), %" PRIu64
                      " requests\n",
                      (int)pid, master_state_of_worker(master, number),
                      master->reload.links.list[number].taken, counters->connections_open,
                      counters->connections_idle, counters->requests);
}

static void print_shield(const struct master *master, struct buffer *out)
{
    const struct shield *shield = &master->shield;
    if (!shield_is_on(shield))
        return;
    buffer_printf(out, "shield at ");
    shield_print_place(shield, out);
    buffer_printf(out, ": %u clients blocked, %" PRIu64 " packets with %" PRIu64 " bytes dropped\n",
                  shield->blocked, shield->totals.packets, shield->totals.bytes);
}

static void print_status(const struct master *master, struct buffer *out)
{
    char address[ADDRESS_TEXT_BYTES_MAX];
    buffer_printf(out, "vif " VIF_VERSION ", process %d, serves %s\nup ", (int)master->pid,
                  master->options->title);
    put_duration(out, seconds_since(master->began_ms));
    buffer_printf(out, ", settings of generation %u", master->reload.current.number);
    if (master->last_reload.number > 0) {
        buffer_printf(out, "; last reload %s ", control_result_words[master->last_reload.result]);
        put_duration(out, seconds_since(master->last_reload.ended_ms));
        buffer_printf(out, " ago");
    }
    buffer_printf(out, "\nlistens on");
    for (size_t i = 0; i < master->sockets.listener_count; i++) {
        address_format(&master->sockets.bound[i], address);
        buffer_printf(out, "%s %s", i > 0 ? "," : "", address);
    }
    buffer_printf(out, "\n");
    for (size_t i = 0; i < master->worker_count; i++)
        print_worker(master, i, out);
    master_upstream_print_status(master, out);
    print_shield(master, out);
}

static void put_text(struct json *json, const char *key, const char *text)
{
    json_key(json, key);
    json_string(json, slice_from(text));
}

static void put_worker(const struct master *master, size_t number, struct json *json)
{
    const struct counters *counters = &master->slots[number].counters;
    json_begin_line(json, '{');
    json_put_number(json, "pid", (uint64_t)master->supervisor.children[number].pid);
    put_text(json, "state", master_state_of_worker(master, number));
    json_put_number(json, "generation", master->reload.links.list[number].taken);
    json_put_number(json, "connections", counters->connections_open);
    json_put_number(json, "idle", counters->connections_idle);
    json_put_number(json, "requests", counters->requests);
    json_end(json, '}');
}

static void put_last_reload(const struct master *master, struct json *json)
{
    json_key(json, "last_reload");
    if (master->last_reload.number == 0) {
        json_raw(json, SLICE("null"));
        return;
    }
    json_begin_line(json, '{');
    put_text(json, "result", control_result_words[master->last_reload.result]);
    json_put_number(json, "seconds_ago", seconds_since(master->last_reload.ended_ms));
    json_end(json, '}');
}

static void put_shield(const struct shield *shield, struct json *json)
{
    json_key(json, "shield");
    if (!shield_is_on(shield)) {
        json_raw(json, SLICE("null"));
        return;
    }
    json_begin_line(json, '{');
    json_key(json, "interface");
    json_string(json, shield->settings->shield.interface);
    put_text(json, "mode", shield->xdp.mode == XDP_NATIVE ? "native" : "generic");
    json_put_number(json, "blocked", shield->blocked);
    json_put_number(json, "blocks", shield->blocks);
    json_put_number(json, "offences", shield->offences);
    json_put_number(json, "left_out", shield->left_out);
    json_put_number(json, "dropped_packets", shield->totals.packets);
    json_put_number(json, "dropped_bytes", shield->totals.bytes);
    json_end(json, '}');
}

static void print_status_json(const struct master *master, struct buffer *out)
{
    struct json json = {.out = out};
    char address[ADDRESS_TEXT_BYTES_MAX];
    json_begin(&json, '{');
    put_text(&json, "version", VIF_VERSION);
    json_put_number(&json, "pid", (uint64_t)master->pid);
    put_text(&json, "serves", master->options->title);
    json_put_number(&json, "uptime_seconds", seconds_since(master->began_ms));
    json_put_number(&json, "generation", master->reload.current.number);
    put_last_reload(master, &json);
    json_key(&json, "listeners");
    json_begin(&json, '[');
    for (size_t i = 0; i < master->sockets.listener_count; i++) {
        address_format(&master->sockets.bound[i], address);
        json_string(&json, slice_from(address));
    }
    json_end(&json, ']');
    json_key(&json, "workers");
    json_begin(&json, '[');
    for (size_t i = 0; i < master->worker_count; i++) {
        if (master->supervisor.children[i].pid > 0)
            put_worker(master, i, &json);
    }
    json_end(&json, ']');
    put_shield(&master->shield, &json);
    json_end(&json, '}');
    buffer_append(out, SLICE("\n"));
}

static void answer_status(const struct master *master, struct control_client *client, bool as_json)
{
    struct buffer text;
    buffer_init(&text, STATUS_BYTES_MAX);
    if (as_json)
        print_status_json(master, &text);
    else
        print_status(master, &text);
    control_answer(client, text.failed ? CONTROL_FAILED : CONTROL_DONE, buffer_slice(&text));
    buffer_finish(&text);
}

/* ---- commands ---- */

static void control_command_reload(struct master *master, struct control_client *client, uint64_t watch_ms)
{
    if (master->options->read == NULL) {
        control_answer(
            client, CONTROL_FAILED,
            SLICE("vif was started without a configuration file: there is nothing to read again\n"));
        return;
    }
    client->waits_for = CONTROL_WAITS_FOR_RELOAD;
    client->reload = master_reload(master, watch_ms);
}

static void control_command_watch(struct master *master, struct control_client *client, struct slice word)
{
    uint64_t watch_ms;
    if (slice_to_u64(word, &watch_ms) && watch_ms <= WATCH_MS_MAX)
        control_command_reload(master, client, watch_ms);
    else
        control_answer(client, CONTROL_FAILED, SLICE("vif does not understand the time of the watch\n"));
}

static void control_command_stop(struct master *master, struct control_client *client, bool now)
{
    client->waits_for = CONTROL_WAITS_FOR_STOP;
    master_stop_by_command(master, now);
}

/* The process ends as soon as nobody accepts any more; the workers finish their requests without it. */
static void control_command_leave(struct master *master, struct control_client *client)
{
    client->waits_for = CONTROL_WAITS_FOR_CLOSE;
    master->leaves_workers = true;
    master_stop_by_command(master, false);
}

/* "MILLISECONDS [PATH]" */
static void control_command_upgrade(struct master *master, struct control_client *client, struct slice words)
{
    uint64_t timeout_ms;
    struct buffer why;
    size_t space = slice_find(words, ' ');
    struct slice path = slice_skip(words, MIN(space + 1, words.length));
    buffer_init(&why, STATUS_BYTES_MAX);
    if (!slice_to_u64(slice_take(words, space), &timeout_ms) || timeout_ms > UPGRADE_MS_MAX)
        control_answer(client, CONTROL_FAILED, SLICE("vif does not understand the time of the upgrade\n"));
    else if (master_upgrade(master, path, timeout_ms, &why))
        client->waits_for = CONTROL_WAITS_FOR_UPGRADE;
    else
        control_answer(client, CONTROL_FAILED, buffer_slice(&why));
    buffer_finish(&why);
}

static void on_control_command(void *context, struct control_client *client, struct slice command)
{
    struct master *master = context;
    bool is_running = master->state < MASTER_STOPPING;
    if (slice_equal(command, SLICE("title")))
        control_answer(client, CONTROL_DONE, slice_from(master->options->title));
    else if (slice_equal(command, SLICE("status")))
        answer_status(master, client, false);
    else if (slice_equal(command, SLICE("status json")))
        answer_status(master, client, true);
    else if (slice_equal(command, SLICE("figures")))
        master_answer_figures(master, client);
    else if (slice_equal(command, SLICE("stop")))
        control_command_stop(master, client, false);
    else if (slice_equal(command, SLICE("stop now")))
        control_command_stop(master, client, true);
    else if (slice_equal(command, SLICE("stop leave")))
        control_command_leave(master, client);
    else if (!is_running)
        control_answer(client, CONTROL_FAILED, SLICE("vif is stopping\n"));
    else if (slice_equal(command, SLICE("reload")))
        control_command_reload(master, client, 0);
    else if (slice_starts_with(command, SLICE("reload watch ")))
        control_command_watch(master, client, slice_skip(command, sizeof("reload watch ") - 1));
    else if (slice_starts_with(command, SLICE("upgrade ")))
        control_command_upgrade(master, client, slice_skip(command, sizeof("upgrade ") - 1));
    else if (slice_starts_with(command, SLICE("upstream ")))
        master_upstream_command(master, client, slice_skip(command, sizeof("upstream ") - 1));
    else if (slice_equal(command, SLICE("reopen")))
        control_answer(client, master_reopen_logs(master) == 0 ? CONTROL_DONE : CONTROL_FAILED,
                       SLICE("the log files are reopened\n"));
    else
        control_answer(client, CONTROL_FAILED, SLICE("this version of vif does not know the command\n"));
}

static bool is_worker(void *context, pid_t process)
{
    return supervisor_has(&((struct master *)context)->supervisor, process);
}

void master_control_init(struct master *master)
{
    master->control =
        (struct control){.on_command = on_control_command, .is_worker = is_worker, .context = master};
    control_open(&master->control, &master->log.log);
}

void master_control_tell_reload(struct master *master, const struct reload_outcome *outcome)
{
    static const enum control_result results[] = {
        [RELOAD_DONE] = CONTROL_DONE,
        [RELOAD_PARTLY] = CONTROL_PARTLY,
        [RELOAD_REFUSED] = CONTROL_FAILED,
        [RELOAD_REVERTED] = CONTROL_REVERTED,
    };
    master->last_reload = (struct last_reload){
        .number = outcome->number,
        .result = results[outcome->result],
        .ended_ms = sys_monotonic_ms(),
    };
    for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        struct control_client *client = &master->control.clients[i];
        if (client->waits_for == CONTROL_WAITS_FOR_RELOAD && client->reload == outcome->number)
            control_answer(client, results[outcome->result], outcome->text);
    }
}

static void answer_all(struct master *master, enum control_wait which, enum control_result result,
                       struct slice text)
{
    for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        struct control_client *client = &master->control.clients[i];
        if (client->waits_for == which)
            control_answer(client, result, text);
    }
}

void master_control_tell_upgrade(struct master *master, bool is_done, struct slice text)
{
    answer_all(master, CONTROL_WAITS_FOR_UPGRADE, is_done ? CONTROL_DONE : CONTROL_FAILED, text);
}

void master_control_tell_stopping(struct master *master)
{
    answer_all(master, CONTROL_WAITS_FOR_RELOAD, CONTROL_FAILED, SLICE("vif is stopping\n"));
    answer_all(master, CONTROL_WAITS_FOR_UPGRADE, CONTROL_FAILED, SLICE("vif is stopping\n"));
}

void master_control_tell_closed(struct master *master)
{
    answer_all(master, CONTROL_WAITS_FOR_CLOSE, CONTROL_DONE,
               SLICE("vif has closed its listeners; its workers end when their requests are finished\n"));
}

void master_control_tell_stopped(struct master *master)
{
    bool is_polite = master->result->fault == MASTER_FAULT_NONE;
    answer_all(master, CONTROL_WAITS_FOR_STOP, is_polite ? CONTROL_DONE : CONTROL_PARTLY,
               is_polite ? SLICE("vif has stopped\n")
                         : SLICE("vif has stopped; requests that were not finished were cut off\n"));
    control_close(&master->control);
}
