/* After a reload, errors are compared with those before it. The way back is a reload as well: one worker
 * takes the former settings first, then the others. They are still in their room, except those that vif began
 * with, which the reader makes anew from the document that is still in memory. */
#include "proc/reload_internal.h"

#include "conf/load.h"
#include "sys/clock.h"
#include "sys/socket.h"

#include <inttypes.h>

#define TEXT_BYTES_MAX (1u << 17)

static struct error_figures figures_now(const struct reload *reload)
{
    return reload->options.figures ? reload->options.figures(reload->options.context)
                                   : (struct error_figures){0};
}

void reload_watch_keep(struct reload *reload)
{
    struct reload_watch *watch = &reload->watch;
    struct error_figures now = figures_now(reload);
    int room = reload->current.room;
    if (watch->duration_ms == 0 || watch->is_reverting)
        return;
    watch->before = error_watch_before(&watch->samples, &now);
    if (room >= 0 && generation_open(&reload->generations, room, &watch->config) < 0)
        return;
    watch->former = reload->current;
    reload->current.memory_fd = -1; /* it is kept */
}

void reload_watch_forget(struct reload *reload)
{
    struct reload_watch *watch = &reload->watch;
    config_destroy(watch->config);
    reload_drop(&watch->former);
    buffer_finish(&watch->text);
    watch->config = NULL;
    watch->duration_ms = 0;
    watch->is_reverting = false;
}

/* ---- the end of a step ---- */

static void watch_begin(struct reload *reload, const struct buffer *text)
{
    struct reload_watch *watch = &reload->watch;
    buffer_init(&watch->text, TEXT_BYTES_MAX);
    buffer_append(&watch->text, buffer_slice(text));
    watch->began_ms = sys_monotonic_ms();
    watch->began = figures_now(reload);
    reload->deadline_ms = watch->began_ms + watch->duration_ms;
    reload_set_state(reload, RELOAD_WATCHING);
    if (reload->options.on_watch)
        reload->options.on_watch(reload->options.context);
}

static void end_reverting(struct reload *reload, enum reload_result result, const struct buffer *text)
{
    struct error_figures now = figures_now(reload);
    struct buffer whole = reload->watch.text;
    reload->watch.text = (struct buffer){0};
    error_watch_restart(&reload->watch.samples, &now);
    if (result == RELOAD_REFUSED) {
        buffer_append(&whole, buffer_slice(text));
        buffer_printf(&whole, "the former settings cannot be put back: generation %u stays in force\n",
                      reload->current.number);
    } else {
        buffer_printf(&whole, "the former settings are in force again, as generation %u\n",
                      reload->current.number);
    }
    reload_end_now(reload, result == RELOAD_REFUSED ? RELOAD_PARTLY : RELOAD_REVERTED, &whole);
    buffer_finish(&whole);
}

bool reload_watch_takes(struct reload *reload, enum reload_result result, const struct buffer *text)
{
    const struct reload_watch *watch = &reload->watch;
    if (watch->is_reverting)
        end_reverting(reload, result, text);
    else if (result != RELOAD_REFUSED && watch->former.number > 0)
        watch_begin(reload, text);
    else
        return false;
    return true;
}

/* ---- figures ---- */

static void put_figures(struct buffer *out, const struct error_figures *figures)
{
    buffer_printf(out, "%" PRIu64 " errors in %" PRIu64 " requests (%.2f %%)", figures->errors,
                  figures->requests, 100 * error_figures_share(figures));
}

static void put_comparison(const struct reload *reload, const struct error_figures *after, uint64_t now_ms,
                           struct buffer *out)
{
    buffer_printf(out, "watched for %.1f s: ", (double)(now_ms - reload->watch.began_ms) / 1000);
    put_figures(out, after);
    buffer_printf(out, "; before: ");
    put_figures(out, &reload->watch.before);
}

static void watch_end(struct reload *reload, const struct error_figures *after, uint64_t now_ms)
{
    struct buffer whole = reload->watch.text;
    reload->watch.text = (struct buffer){0};
    put_comparison(reload, after, now_ms, &whole);
    buffer_printf(&whole, "; the new settings stay%s\n",
                  reload->is_wanted ? ", and the next reload begins" : "");
    reload_end_now(reload, RELOAD_DONE, &whole);
    buffer_finish(&whole);
}

static void watch_revert(struct reload *reload, const struct error_figures *after, uint64_t now_ms)
{
    struct reload_watch *watch = &reload->watch;
    put_comparison(reload, after, now_ms, &watch->text);
    buffer_printf(&watch->text, "; that is clearly more\n");
    watch->is_reverting = true;
    if (watch->former.room < 0) {
        reload_read_anew(reload);
        return;
    }
    reload->next = watch->former;
    reload->next.number = ++reload->newest;
    reload->config = watch->config;
    watch->former = (struct master_generation){.room = -1, .memory_fd = -1};
    watch->config = NULL;
    reload_prepare(reload);
}

void reload_watch_look(struct reload *reload, uint64_t now_ms)
{
    struct reload_watch *watch = &reload->watch;
    struct error_figures now = figures_now(reload);
    if (reload->state == RELOAD_IDLE)
        error_watch_look(&watch->samples, &now, now_ms);
    if (reload->state != RELOAD_WATCHING)
        return;
    struct error_figures after = error_figures_since(&watch->began, &now);
    if (error_figures_are_worse(&watch->before, &after))
        watch_revert(reload, &after, now_ms);
    else if (now_ms >= reload->deadline_ms || reload->is_wanted)
        watch_end(reload, &after, now_ms);
}
