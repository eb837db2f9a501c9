/* One reload after the other: see the header for their states. A worker that was started meanwhile begins
 * with the generation that was in force then, and is asked like all others. */
#include "proc/reload_internal.h"

#include "base/error.h"
#include "conf/load.h"
#include "conf/outline.h"
#include "sys/clock.h"
#include "sys/process.h"
#include "sys/socket.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>

#define READING_MS_MAX 30000

/* Longer than a worker waits for file systems when it opens the folders. */
#define ANSWER_MS_MAX 15000

/* If one worker ends during a reload, that may be chance; if two do, the new settings are to blame. */
#define LOST_MAX 2

#define TEXT_BYTES_MAX (1u << 16)

/* The allowed transitions. Idle stays idle when the master gives up; a watch ends in the former settings,
 * which are read anew or are still there, or in none. */
static const unsigned reload_moves[] = {
    [RELOAD_IDLE] = 1u << RELOAD_IDLE | 1u << RELOAD_READING,
    [RELOAD_READING] = 1u << RELOAD_IDLE | 1u << RELOAD_TRYING,
    [RELOAD_TRYING] = 1u << RELOAD_IDLE | 1u << RELOAD_SPREADING,
    [RELOAD_SPREADING] = 1u << RELOAD_IDLE | 1u << RELOAD_WATCHING,
    [RELOAD_WATCHING] = 1u << RELOAD_IDLE | 1u << RELOAD_READING | 1u << RELOAD_TRYING,
};

void reload_set_state(struct reload *reload, enum reload_state state)
{
    assert(reload_moves[reload->state] & 1u << state);
    reload->state = state;
}

/* ---- beginning and ending ---- */

void reload_drop(struct master_generation *generation)
{
    if (generation->memory_fd >= 0)
        sys_close(generation->memory_fd);
    *generation = (struct master_generation){.room = -1, .memory_fd = -1};
}

static void reload_end(struct reload *reload, enum reload_result result, const struct buffer *text)
{
    if (reload_watch_takes(reload, result, text))
        return;
    reload_end_now(reload, result, text);
}

void reload_end_now(struct reload *reload, enum reload_result result, const struct buffer *text)
{
    assert(reload->options.on_end != NULL);
    struct reload_outcome outcome = {
        .result = result,
        .number = reload->begun,
        .generation = reload->current.number,
        .text = buffer_slice(text),
    };
    reload_set_state(reload, RELOAD_IDLE);
    reload_watch_forget(reload);
    reload->options.on_end(reload->options.context, &outcome);
}

/* Nothing has changed. */
static void reload_refuse(struct reload *reload, const struct buffer *why)
{
    reload_reader_forget(reload);
    reload_drop(&reload->next);
    reload_end(reload, RELOAD_REFUSED, why);
}

static void reload_refuse_line(struct reload *reload, const char *what, const char *why)
{
    struct buffer text;
    buffer_init(&text, TEXT_BYTES_MAX);
    buffer_printf(&text, "%s%s%s\n", what, why ? ": " : "", why ? why : "");
    reload_refuse(reload, &text);
    buffer_finish(&text);
}

/* Undoes the preparation as well. */
static void reload_refuse_tried(struct reload *reload, const char *what, const char *why)
{
    reload->options.abandon(reload->options.context);
    config_destroy(reload->config);
    reload->config = NULL;
    reload_refuse_line(reload, what, why);
}

void reload_read_anew(struct reload *reload)
{
    reload->deadline_ms = sys_monotonic_ms() + READING_MS_MAX;
    reload_set_state(reload, RELOAD_READING);
    int room = generations_find_room(&reload->generations, reload_used_rooms(reload));
    if (room < 0) {
        reload_refuse_line(reload, "requests that are not finished still use 64 earlier configurations",
                           NULL);
        return;
    }
    int error = generation_create_memory();
    reload->next = (struct master_generation){
        .number = ++reload->newest,
        .room = room,
        .memory_fd = error < 0 ? -1 : error,
    };
    if (error >= 0)
        error = reload_reader_start(reload);
    if (error < 0)
        reload_refuse_line(reload, "the configuration cannot be read", error_text(error));
}

static void reload_begin(struct reload *reload)
{
    reload->is_wanted = false;
    reload->begun++;
    reload->began_ms = sys_monotonic_ms();
    reload->watch.duration_ms = reload->wanted_watch_ms;
    reload->wanted_watch_ms = 0;
    reload_read_anew(reload);
}

unsigned reload_request(struct reload *reload, uint64_t watch_ms)
{
    reload->is_wanted = true;
    reload->wanted_watch_ms = MAX(reload->wanted_watch_ms, watch_ms);
    return reload->begun + 1;
}

/* ---- the first worker ---- */

static void reload_try(struct reload *reload)
{
    assert(reload->links.list != NULL);
    for (size_t i = 0; i < reload->links.count && reload->first < 0; i++) {
        const struct link *link = &reload->links.list[i];
        if (reload_can_ask(reload, i) && link->asked == 0 && reload_ask(reload, i, &reload->next) == 0)
            reload->first = (int)i;
    }
}

static void reload_commit(struct reload *reload)
{
    assert(reload->config != NULL && reload->state == RELOAD_TRYING);
    struct config *config = reload->config;
    reload_watch_keep(reload);
    reload_drop(&reload->current);
    reload->current = reload->next;
    reload->next = (struct master_generation){.room = -1, .memory_fd = -1};
    reload->config = NULL;
    reload_set_state(reload, RELOAD_SPREADING);
    reload->options.commit(reload->options.context, config);
}

static void look_at_first(struct reload *reload, uint64_t now_ms)
{
    const struct link *link = reload->first >= 0 ? &reload->links.list[reload->first] : NULL;
    if (link && link->taken == reload->next.number) {
        reload_commit(reload);
    } else if (link && link->has_refused && link->asked == 0) {
        reload_refuse_tried(reload, link->why, NULL);
    } else if (now_ms >= reload->deadline_ms) {
        reload_refuse_tried(reload, "no worker has answered in time", NULL);
    } else if (link && link->asked == 0 && ++reload->lost >= LOST_MAX) {
        reload_refuse_tried(reload, "two worker processes ended while they took the new settings", NULL);
    } else if (link == NULL || link->asked == 0) {
        reload->first = -1;
        reload_try(reload);
    }
}

/* ---- what the reader has made ---- */

void reload_prepare(struct reload *reload)
{
    assert(reload->config != NULL);
    struct buffer why;
    buffer_init(&why, TEXT_BYTES_MAX);
    int error = reload->options.prepare(reload->options.context, reload->config, &why);
    if (error < 0) {
        config_destroy(reload->config);
        reload->config = NULL;
        reload_refuse(reload, &why);
    } else {
        reload_set_state(reload, RELOAD_TRYING);
        reload->first = -1;
        reload->lost = 0;
        reload->deadline_ms = sys_monotonic_ms() + ANSWER_MS_MAX;
        if (reload->options.replaces && reload->options.replaces(reload->options.context))
            reload_commit(reload);
    }
    buffer_finish(&why);
}

/* The memory of the generation is mapped, and stays mapped as long as its configuration is used. */
static void take_image(struct reload *reload)
{
    int room = reload->next.room;
    const struct generation_image *image = generation_image(&reload->generations, room);
    bool is_good = image->is_made && image->is_good;
    int error = is_good ? generation_open(&reload->generations, room, &reload->config) : 0;
    if (is_good && error == 0) {
        reload_prepare(reload);
        return;
    }
    struct buffer text;
    buffer_init(&text, TEXT_BYTES_MAX);
    if (error < 0)
        buffer_printf(&text, "the configuration cannot be used: %s\n", error_text(error));
    else if (!image->is_made)
        buffer_printf(&text, "the process that read the configuration ended too early\n");
    else
        buffer_append(&text, image->text);
    generation_unmap(&reload->generations, room);
    reload_refuse(reload, &text);
    buffer_finish(&text);
}

static void on_reader_ended(struct reload *reload)
{
    assert(reload->state == RELOAD_READING && reload->next.memory_fd >= 0);
    int error = generation_seal(reload->next.memory_fd);
    if (error == 0)
        error = generation_map(&reload->generations, reload->next.room, reload->next.memory_fd);
    if (error < 0)
        reload_refuse_line(reload, "the configuration cannot be used", error_text(error));
    else
        take_image(reload);
}

static void look_at_reader(struct reload *reload, uint64_t now_ms)
{
    if (reload->reader_fd < 0) {
        on_reader_ended(reload);
        return;
    }
    if (now_ms < reload->deadline_ms)
        return;
    sys_kill(reload->reader, SIGKILL);
    reload_refuse_line(reload, "reading the configuration took more than 30 seconds; it was given up", NULL);
}

/* ---- the others ---- */

static bool reload_is_replacing(const struct reload *reload)
{
    return reload->options.is_replacing && reload->options.is_replacing(reload->options.context);
}

static void finish_spreading(struct reload *reload, uint64_t now_ms)
{
    struct buffer text;
    size_t have = 0, refused = 0;
    buffer_init(&text, 2 * TEXT_BYTES_MAX);
    buffer_append(&text, generation_image(&reload->generations, reload->current.room)->text);
    for (size_t i = 0; i < reload->links.count; i++) {
        have += links_has(&reload->links, i) && reload->links.list[i].taken == reload->current.number;
        refused += reload_describe_worker(reload, i, &text);
    }
    if (reload_is_replacing(reload)) {
        buffer_printf(
            &text, "the worker processes with the new settings are not ready yet: until then those with the "
                   "former ones go on\n");
        refused++;
    }
    buffer_printf(&text, "generation %u is in force in %zu worker process%s after %" PRIu64 " ms\n",
                  reload->current.number, have, have == 1 ? "" : "es", now_ms - reload->began_ms);
    reload_end(reload, refused > 0 ? RELOAD_PARTLY : RELOAD_DONE, &text);
    buffer_finish(&text);
}

static void look_at_others(struct reload *reload, uint64_t now_ms)
{
    bool is_over = now_ms >= reload->deadline_ms;
    size_t awaited = 0;
    reload_ask_all(reload, now_ms);
    for (size_t i = 0; i < reload->links.count; i++)
        awaited += reload_awaits(reload, i);
    awaited += reload_is_replacing(reload);
    if (awaited == 0 || is_over)
        finish_spreading(reload, now_ms);
}

/* ---- the master's loop ---- */

void reload_step(struct reload *reload)
{
    uint64_t now_ms = sys_monotonic_ms();
    if (reload->state == RELOAD_READING)
        look_at_reader(reload, now_ms);
    if (reload->state == RELOAD_TRYING)
        look_at_first(reload, now_ms);
    if (reload->state == RELOAD_SPREADING)
        look_at_others(reload, now_ms);
    reload_watch_look(reload, now_ms);
    if (reload->state == RELOAD_IDLE && reload->is_wanted)
        reload_begin(reload);
    if (reload->state == RELOAD_IDLE)
        reload_ask_all(reload, now_ms);
}

int reload_wait_ms(const struct reload *reload)
{
    uint64_t now_ms = sys_monotonic_ms();
    uint64_t next_ms = reload_is_busy(reload) ? reload->deadline_ms : reload_next_retry(reload);
    bool is_watching = reload->state == RELOAD_WATCHING;
    if (reload->is_wanted && (is_watching || !reload_is_busy(reload)))
        return 0;
    if (is_watching)
        next_ms = MIN(next_ms, now_ms + RELOAD_WATCH_LOOK_MS);
    if (next_ms == UINT64_MAX)
        return -1;
    return next_ms > now_ms ? (int)(next_ms - now_ms) : 0;
}

size_t reload_poll_max(const struct reload *reload)
{
    return reload->links.count + 1;
}

size_t reload_poll_set(const struct reload *reload, struct pollfd *fds)
{
    size_t count = links_poll_set(&reload->links, fds);
    if (reload->reader_fd >= 0)
        fds[count++] = (struct pollfd){.fd = reload->reader_fd, .events = POLLIN};
    return count;
}

/* Its successor takes part in reloads again. */
static void reload_end_worker(const struct reload *reload, size_t number)
{
    pid_t pid = reload->options.supervisor->children[number].pid;
    log_error(reload->options.log, "worker process %d sent an invalid message: it is killed", (int)pid);
    if (pid > 0)
        sys_kill(pid, SIGKILL);
}

void reload_take_ready(struct reload *reload, const struct pollfd *fds, size_t count)
{
    uint64_t now_ms = sys_monotonic_ms();
    for (size_t i = 0; i < count; i++) {
        if (fds[i].revents == 0)
            continue;
        if (fds[i].fd == reload->reader_fd) {
            reload_reader_forget(
                reload); /* reload_step goes on: the caller's set of descriptors may change then */
            continue;
        }
        int broken = links_take(&reload->links, fds[i].fd, now_ms);
        if (broken >= 0)
            reload_end_worker(reload, (size_t)broken);
    }
}

/* ---- life ---- */

int reload_init(struct reload *reload, const struct reload_options *options)
{
    *reload = (struct reload){
        .options = *options,
        .newest = 1,
        .current = {.number = 1, .room = -1, .memory_fd = -1},
        .next = {.room = -1, .memory_fd = -1},
        .reader_fd = -1,
        .first = -1,
        .watch.former = {.room = -1, .memory_fd = -1},
    };
    int error = generations_reserve(&reload->generations);
    return error < 0 ? error : links_init(&reload->links, options->supervisor->options.count);
}

void reload_give_up(struct reload *reload)
{
    if (reload->state == RELOAD_READING)
        sys_kill(reload->reader, SIGKILL);
    if (reload->state == RELOAD_TRYING)
        reload->options.abandon(reload->options.context);
    config_destroy(reload->config);
    reload->config = NULL;
    reload_reader_forget(reload);
    reload_drop(&reload->next);
    reload_watch_forget(reload);
    reload->is_wanted = false;
    reload_set_state(reload, RELOAD_IDLE);
}

void reload_finish(struct reload *reload)
{
    if (reload->generations.rooms == NULL)
        return;
    reload_give_up(reload);
    reload_drop(&reload->current);
    links_finish(&reload->links);
}

void reload_release(struct reload *reload)
{
    generations_release(&reload->generations);
}

int reload_before_start(struct reload *reload, size_t number)
{
    int room = reload->current.room;
    reload->options.slots[number].rooms = room < 0 ? 0 : UINT64_C(1) << room;
    return links_open(&reload->links, number, reload->current.number);
}

void reload_after_start(struct reload *reload, size_t number)
{
    links_forked(&reload->links, number);
}

struct message_ends reload_become_worker(struct reload *reload, size_t number, atomic_ullong *shown)
{
    struct message_ends ends = links_become(&reload->links, number);
    reload->generations.shown = shown;
    generations_keep(&reload->generations, reload->current.room);
    if (reload->reader_fd >= 0)
        sys_close(reload->reader_fd);
    if (reload->next.memory_fd >= 0)
        sys_close(reload->next.memory_fd);
    if (reload->current.memory_fd >= 0)
        sys_close(reload->current.memory_fd);
    if (reload->watch.former.memory_fd >= 0)
        sys_close(reload->watch.former.memory_fd);
    return ends;
}
