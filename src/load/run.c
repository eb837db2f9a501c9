/* One loop of the load generator: opens its connections, warms up, measures, waits for the last answers.
 *
 *   connecting          each client tries to connect; ends when all have succeeded or failed
 *   warming up          for plan.warm_up_ms
 *   measuring           the window, until plan.duration_ms or plan.requests_max
 *   finishing           no new requests; ends with the last answer, or after a timeout
 *
 * A request belongs to the window if it was due in it, whatever its result and its end. So requests that
 * begin before the window and end in it are excluded, and those that begin in it and end after it are
 * included; on average these cancel out. Begin reading at run_go. */
#include "load/run.h"

#include "sys/clock.h"
#include "sys/event.h"
#include "sys/process.h"
#include "sys/socket.h"

#include <errno.h>
#include <stdlib.h>

#define RAMP_MS 1

/* At high rates the alarm fires at most this often, and several requests are sent at once: they are late
 * by at most this time, which is included in their latencies. */
#define ALARM_US_MIN 50

/* How much longer than the timeout the finishing phase may take. */
#define PATIENCE_MS 1000

static uint64_t run_now_us(const struct run *run)
{
    return loop_clock_us(run->loop);
}

static void run_arm(struct run *run, struct timer *timer, uint64_t ms)
{
    wheel_arm(loop_wheel(run->loop), timer, ms);
}

static struct client *client_at(const struct run *run, unsigned number)
{
    assert(number < run->plan.connections);
    return (struct client *)(void *)(run->clients + (size_t)number * run->client_bytes);
}

static void run_enter(struct run *run, enum load_phase phase)
{
    assert(phase >= run->phase);
    run->phase = phase;
    run->phase_began_us = run_now_us(run);
}

/* --- the window --- */

/* Set in advance, so that its length is exactly as requested, and the rate determines how many requests
 * are due in it, however late this thread runs. */
static void set_window(struct run *run)
{
    run->window_begin_us = run->last_answer_us = run->phase_began_us + run->plan.warm_up_ms * 1000;
    if (run->plan.duration_ms > 0)
        run->window_end_us = run->window_begin_us + run->plan.duration_ms * 1000;
}

static void run_take_time(struct run *run)
{
    struct thread_time time = sys_thread_time();
    run->result->cpu_us = time.running_ns / 1000 - run->result->cpu_us;
    run->result->waiting_us = time.waiting_ns / 1000 - run->result->waiting_us;
}

/* Ends the phase at that time, or slightly later. The wheel counts from the beginning of a turn, so its
 * timer may fire too early: the handlers check the clock. */
static void end_phase_at(struct run *run, uint64_t at_us)
{
    uint64_t now = run_now_us(run);
    run_arm(run, &run->end_of_phase, at_us > now ? (at_us - now + 999) / 1000 : 0);
}

static void open_window(struct run *run)
{
    run_enter(run, LOAD_PHASE_MEASURING);
    if (run->plan.duration_ms > 0)
        end_phase_at(run, run->window_end_us);
    run->cpu_began_us = run->phase_began_us;
    run_take_time(run);
}

/* The number of requests that may still begin. */
static uint64_t requests_left(const struct run *run)
{
    return run->plan.requests_max > 0 ? run->plan.requests_max - run->result->sent : UINT64_MAX;
}

/* Counts what was due before the end and not sent. If the window ends with the last answer, everything was
 * sent. */
static void end_window(struct run *run, uint64_t at_us)
{
    assert(!run->has_ended && at_us >= run->window_begin_us);
    struct load_result *result = run->result;
    bool by_number = run->plan.requests_max > 0 && requests_left(run) == 0;
    run->has_ended = true;
    run->window_end_us = at_us;
    result->elapsed_us = at_us - run->window_begin_us;
    result->due = result->sent;
    if (run->plan.rate > 0 && !by_number)
        result->due = MAX(result->sent, schedule_due(&run->schedule, at_us - 1) -
                                            schedule_due(&run->schedule, run->window_begin_us - 1));
    run_take_time(run);
    result->cpu_share_most = (double)(result->cpu_us + result->waiting_us) /
                             (double)MAX(run_now_us(run) - run->cpu_began_us, UINT64_C(1));
}

/* The end by number of requests: the window ends with the last answer. */
static void stop_asking(struct run *run)
{
    run_enter(run, LOAD_PHASE_FINISHING);
    run_arm(run, &run->end_of_phase, run->plan.timeout_ms + PATIENCE_MS);
}

void run_check_end(struct run *run)
{
    if (run->phase == LOAD_PHASE_MEASURING && requests_left(run) == 0)
        stop_asking(run);
    if (run->phase == LOAD_PHASE_FINISHING && run->under_way == 0)
        loop_stop(run->loop);
}

static void stop_early(struct run *run)
{
    run->result->was_stopped = true;
    loop_stop(run->loop);
}

/* --- the timetable --- */

static void set_alarm(struct run *run, uint64_t at_us)
{
    run->alarm_us = at_us;
    sys_timer_set(run->alarm.fd, at_us * 1000);
}

/* Sets the alarm for the next due request, if a client is free to send it. */
static void set_alarm_for_next(struct run *run, uint64_t now)
{
    if (list_is_empty(&run->free) || run->phase == LOAD_PHASE_CONNECTING ||
        run->phase == LOAD_PHASE_FINISHING || schedule_next_us(&run->schedule) >= run->window_end_us)
        set_alarm(run, UINT64_MAX / 2000); /* never; it also stops being readable */
    else
        set_alarm(run, MAX(schedule_next_us(&run->schedule), now + ALARM_US_MIN));
}

/* The number of requests that are due and may be sent: none after the window. */
static uint64_t requests_waiting(const struct run *run, uint64_t now)
{
    uint64_t waiting = schedule_waiting(&run->schedule, MIN(now, run->window_end_us - 1));
    return MIN(waiting, requests_left(run));
}

/* Gives the client as many of the due requests as it can take. */
static void serve_timetable(struct run *run, struct client *client, uint64_t now)
{
    uint64_t waiting = requests_waiting(run, now);
    unsigned room = client_room(client);
    list_remove(&client->link);
    if (waiting > 0 && room > 0) {
        client_ask(client, (unsigned)MIN((uint64_t)room, waiting), now);
        run_check_end(run);
        room = client_room(client);
    }
    if (room > 0 && list_is_empty(&client->link))
        list_append(&run->free, &client->link);
}

/* The alarm is set while a client is free; so if it finds overdue requests, the alarm was late. */
static void count_late(struct run *run, uint64_t overdue, uint64_t taken)
{
    if (run->phase == LOAD_PHASE_MEASURING)
        run->result->late += MIN(overdue, taken);
}

/* Lets free clients send what is due. */
static void serve_free(struct run *run, uint64_t now)
{
    uint64_t taken_before = run->schedule.taken;
    uint64_t overdue = schedule_waiting(&run->schedule, now - LOAD_LATE_US);
    while (!list_is_empty(&run->free) && run->phase != LOAD_PHASE_FINISHING && requests_waiting(run, now) > 0)
        serve_timetable(run, CONTAINER_OF(run->free.next, struct client, link), now);
    count_late(run, overdue, run->schedule.taken - taken_before);
}

static void on_alarm(struct watch *watch, unsigned events)
{
    (void)events;
    struct run *run = CONTAINER_OF(watch, struct run, alarm);
    uint64_t now = run_now_us(run);
    serve_free(run, now);
    set_alarm_for_next(run, now);
}

static const struct watch_events alarm_events = {.on_ready = on_alarm, .name = "asking by timetable"};

/* --- what clients call --- */

static void offer_now(struct run *run, struct client *client, uint64_t now)
{
    uint64_t left = now < run->window_end_us ? requests_left(run) : 0;
    unsigned count = (unsigned)MIN((uint64_t)client_room(client), left);
    if (count > 0)
        client_ask(client, count, now);
    run_check_end(run);
}

/* Whether no request is sent before all clients are connected: with a rate, because the timetable begins
 * then; without a warm-up, because every request counts, and the number of connections must be as planned. */
static bool waits_for_all(const struct run *run)
{
    return run->plan.rate > 0 || run->plan.warm_up_ms == 0;
}

void run_offer(struct run *run, struct client *client, uint64_t now)
{
    if (run->is_over || run->phase == LOAD_PHASE_FINISHING)
        return;
    if (run->phase == LOAD_PHASE_CONNECTING && waits_for_all(run)) {
        list_append(&run->free, &client->link);
        return;
    }
    if (run->plan.rate <= 0) {
        offer_now(run, client, now);
        return;
    }
    serve_timetable(run, client, now);
    if (schedule_next_us(&run->schedule) < run->alarm_us)
        set_alarm_for_next(run, now);
}

uint64_t run_take_due(struct run *run, uint64_t now)
{
    return run->plan.rate > 0 ? schedule_take(&run->schedule) : now;
}

void run_revive(struct run *run, struct client *client)
{
    if (run->is_over || run->phase == LOAD_PHASE_FINISHING)
        return;
    if (run->plan.closes)
        run_offer(run, client, run_now_us(run));
    else
        client_connect(client);
}

/* Lets the clients begin that waited for all to be connected. With a timetable they are woken one after
 * the other. */
static void release_free(struct run *run)
{
    struct list free;
    if (run->plan.rate > 0) {
        set_alarm_for_next(run, run->phase_began_us);
        return;
    }
    list_init(&free);
    list_splice(&free, &run->free);
    while (!list_is_empty(&free)) {
        struct client *client = CONTAINER_OF(free.next, struct client, link);
        list_remove(&client->link);
        run_offer(run, client, run->phase_began_us);
    }
}

static void warm_up(struct run *run)
{
    run_enter(run, LOAD_PHASE_WARMING_UP);
    set_window(run);
    if (run->plan.rate > 0)
        schedule_init(&run->schedule, run->plan.rate, run->phase_began_us, &run->share);
    if (run->plan.warm_up_ms > 0)
        end_phase_at(run, run->window_begin_us);
    else
        open_window(run);
    release_free(run);
}

/* With a connection per request and a timetable, clients connect only when a request is due. */
static bool has_tried_all_connections(const struct run *run)
{
    return run->begun == run->plan.connections &&
           (run->untried == 0 || (run->plan.closes && run->plan.rate > 0));
}

static void check_ramp(struct run *run)
{
    if (run->untried == 0 && run->result->connects == 0)
        stop_early(run);
    else if (run->phase == LOAD_PHASE_CONNECTING && has_tried_all_connections(run))
        warm_up(run);
}

void run_note_first_attempt(struct run *run, struct client *client)
{
    if (client->has_tried_to_connect)
        return;
    client->has_tried_to_connect = true;
    run->untried--;
    check_ramp(run);
}

/* --- timers --- */

/* Opens as many connections as the time since the start allows. */
static void on_ramp(struct timer *timer)
{
    struct run *run = CONTAINER_OF(timer, struct run, ramp);
    uint64_t allowed = (run_now_us(run) - run->ramp_began_us) * run->plan.connect_rate / 1000000 + 1;
    while (run->begun < run->plan.connections && run->begun < allowed)
        run_revive(run, client_at(run, run->begun++));
    if (run->begun < run->plan.connections)
        run_arm(run, timer, RAMP_MS);
    check_ramp(run);
}

/* The end by the clock. The alarm for the last requests may fire after it. */
static void close_window(struct run *run)
{
    if (run->plan.rate > 0)
        serve_free(run, run_now_us(run));
    if (run->phase == LOAD_PHASE_FINISHING)
        return;
    run_enter(run, LOAD_PHASE_FINISHING);
    end_window(run, run->window_end_us);
    run_arm(run, &run->end_of_phase, run->plan.timeout_ms + PATIENCE_MS);
    run_check_end(run);
}

static void on_end_of_phase(struct timer *timer)
{
    struct run *run = CONTAINER_OF(timer, struct run, end_of_phase);
    switch (run->phase) {
    case LOAD_PHASE_CONNECTING: return;
    case LOAD_PHASE_WARMING_UP:
        if (run_now_us(run) < run->window_begin_us)
            end_phase_at(run, run->window_begin_us);
        else
            open_window(run);
        return;
    case LOAD_PHASE_MEASURING:
        if (run_now_us(run) < run->window_end_us)
            end_phase_at(run, run->window_end_us);
        else
            close_window(run);
        return;
    case LOAD_PHASE_FINISHING: loop_stop(run->loop); return;
    }
    UNREACHABLE();
}

/* If the window has no end by the clock, a dead server would be waited for forever. */
static bool is_lifeless(struct run *run)
{
    uint64_t signs = run->answers + run->result->connects;
    uint64_t now = run_now_us(run);
    if (signs != run->signs_of_life || run->plan.duration_ms > 0) {
        run->signs_of_life = signs;
        run->life_seen_us = now;
    }
    return now - run->life_seen_us > (run->plan.timeout_ms + PATIENCE_MS) * 1000;
}

static void run_on_progress(struct timer *timer)
{
    struct run *run = CONTAINER_OF(timer, struct run, progress);
    struct load_progress progress = run_progress(run);
    run_arm(run, timer, run->plan.progress_ms);
    if ((run->on_progress && !run->on_progress(run->context, &progress)) || is_lifeless(run))
        stop_early(run);
}

struct load_progress run_progress(const struct run *run)
{
    const struct histogram *latency = &run->result->targets[0].latency;
    return (struct load_progress){
        .phase = run->phase,
        .phase_us = run_now_us(run) - run->phase_began_us,
        .open = run->open,
        .answers = run->answers,
        .errors = run->errors,
        .p50_us = histogram_percentile(latency, 50),
        .p99_us = histogram_percentile(latency, 99),
    };
}

/* --- creation and destruction --- */

static int start_alarm(struct run *run)
{
    run->alarm = (struct watch){.events = &alarm_events, .fd = sys_timer_create()};
    if (run->alarm.fd < 0)
        return run->alarm.fd;
    run->alarm_us = UINT64_MAX;
    return watch_start(run->loop, &run->alarm, WATCH_LEVEL);
}

int run_init(struct run *run, const struct load_plan *plan, const struct schedule_share *share,
             struct load_result *result)
{
    uint64_t seed = UINT64_C(0x9e3779b97f4a7c15) * (share->thread + 1);
    *run = (struct run){
        .plan = *plan,
        .share = *share,
        .result = result,
        .window_begin_us = UINT64_MAX,
        .window_end_us = UINT64_MAX,
        .untried = plan->connections,
        .alarm = {.fd = -1},
    };
    list_init(&run->free);
    timer_init(&run->ramp, on_ramp);
    timer_init(&run->end_of_phase, on_end_of_phase);
    timer_init(&run->progress, run_on_progress);
    run->client_bytes = sizeof(struct client) + plan->pipeline * sizeof(struct asked);
    run->clients = calloc(plan->connections, run->client_bytes);
    int error = run->clients ? messages_init(&run->messages, plan, seed) : -ENOMEM;
    /* The generator always uses the same, best-understood backend, whatever is measured. */
    if (error == 0)
        error = loop_create(&(struct loop_options){.backend = LOOP_BACKEND_EPOLL}, &run->loop);
    if (error == 0 && plan->rate > 0)
        error = start_alarm(run);
    for (unsigned i = 0; error == 0 && i < plan->connections; i++)
        client_init(client_at(run, i), run, i);
    return error;
}

static void complete_result(struct run *run)
{
    struct load_result *result = run->result;
    bool was_open = run->phase == LOAD_PHASE_MEASURING || run->phase == LOAD_PHASE_FINISHING;
    if (was_open && !run->has_ended)
        end_window(run, run->phase == LOAD_PHASE_MEASURING ? MIN(run_now_us(run), run->window_end_us)
                                                           : run->last_answer_us);
    result->threads = 1;
    result->target_count = run->plan.target_count;
    for (size_t i = 0; i < result->target_count; i++) {
        result->answers += result->targets[i].answers;
        if (run->plan.rate <= 0)
            result->targets[i].service = result->targets[i].latency;
    }
}

int run_go(struct run *run)
{
    run_enter(run, LOAD_PHASE_CONNECTING);
    run->ramp_began_us = run->life_seen_us = run->phase_began_us;
    run_arm(run, &run->progress, run->plan.progress_ms);
    run_arm(run, &run->ramp, RAMP_MS);
    /* Opening connections is part of the measurement then, from the first one on. */
    if (run->plan.closes && run->plan.warm_up_ms == 0)
        warm_up(run);
    int error = loop_run(run->loop);
    complete_result(run);
    return error;
}

void run_finish(struct run *run)
{
    run->is_over = true;
    for (unsigned i = 0; run->loop && i < run->begun; i++)
        client_abandon(client_at(run, i));
    if (run->alarm.fd >= 0)
        sys_close(run->alarm.fd);
    loop_destroy(run->loop);
    messages_finish(&run->messages);
    free(run->clients);
    run->clients = NULL;
}
