/* Figures a second, from the difference of two samples. A line is made without colours, cut to the width, and
 * then coloured as a whole. */
#include "cli/top_page.h"

#include <inttypes.h>
#include <stdio.h>

#define RED  "\033[31m"
#define BOLD "\033[1m"

struct top_view {
    const struct top_page *page;
    const struct top_sample *before;
    const struct top_sample *now;
    struct buffer *out;
    unsigned rows; /* printed so far */
    struct buffer line;
};

/* A name may have any bytes; a terminal must not obey them. */
static void append_cut(struct buffer *out, struct slice text, unsigned columns)
{
    size_t count = MIN(text.length, (size_t)columns);
    for (size_t i = 0; i < count; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        buffer_append_byte(out, byte < ' ' || byte == 0x7f ? '?' : text.data[i]);
    }
}

static void end_line(struct top_view *view, const char *colour)
{
    bool is_coloured = colour && view->page->has_colours;
    if (view->rows < view->page->rows) {
        if (is_coloured)
            buffer_append(view->out, slice_from(colour));
        append_cut(view->out, buffer_slice(&view->line), view->page->columns);
        if (is_coloured)
            buffer_append(view->out, SLICE("\033[0m"));
        buffer_append_byte(view->out, '\n');
        view->rows++;
    }
    buffer_clear(&view->line);
}

/* ---- numbers ---- */

static double per_second(const struct top_view *view, uint64_t before, uint64_t now)
{
    uint64_t ms = view->now->now_ms - view->before->now_ms;
    return ms > 0 && now > before ? (double)(now - before) * 1000 / (double)ms : 0;
}

#define RATE(view, counter) per_second(view, (view)->before->sums.counter, (view)->now->sums.counter)

static double top_share(uint64_t part_before, uint64_t part, uint64_t rest_before, uint64_t rest)
{
    uint64_t parts = part - part_before, all = parts + rest - rest_before;
    return all > 0 ? 100 * (double)parts / (double)all : 0;
}

static const char *show_bytes(double bytes, char text[16])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    size_t unit = 0;
    while (bytes >= 1024 && unit + 1 < ARRAY_LENGTH(units)) {
        bytes /= 1024;
        unit++;
    }
    snprintf(text, 16, unit > 0 ? "%.1f %s" : "%.0f %s", bytes, units[unit]);
    return text;
}

static const char *show_bound(uint64_t us, char text[16])
{
    if (us == UINT64_MAX)
        snprintf(text, 16, "> 10 s");
    else if (us >= 1000000)
        snprintf(text, 16, "%g s", (double)us / 1e6);
    else
        snprintf(text, 16, "%g ms", (double)us / 1e3);
    return text;
}

/* ---- lines ---- */

static void top_page_print_title(struct top_view *view)
{
    const struct top_sample *now = view->now;
    uint64_t seconds = now->up_ms / 1000;
    buffer_printf(&view->line, "vif %s, process %" PRIu64 ", %s", now->version, now->pid, now->serves);
    end_line(view, BOLD);
    buffer_printf(&view->line, "up %" PRIu64 ":%02" PRIu64 ":%02" PRIu64 ", settings of generation %" PRIu64,
                  seconds / 3600, seconds / 60 % 60, seconds % 60, now->generation);
    end_line(view, NULL);
    end_line(view, NULL);
}

static void top_page_print_requests(struct top_view *view)
{
    buffer_printf(&view->line, "requests    %9.0f /s   2xx %.0f  3xx %.0f  4xx %.0f  5xx %.0f",
                  RATE(view, requests), RATE(view, responses_2xx), RATE(view, responses_3xx),
                  RATE(view, responses_4xx), RATE(view, responses_5xx));
    end_line(view, NULL);
}

static void top_page_print_latency(struct top_view *view)
{
    char half[16], most[16], nearly_all[16];
    uint64_t half_us = top_percentile_us(view->before, view->now, 0.5);
    if (half_us > 0)
        buffer_printf(&view->line, "latency     50%% within %s  90%% %s  99%% %s", show_bound(half_us, half),
                      show_bound(top_percentile_us(view->before, view->now, 0.9), most),
                      show_bound(top_percentile_us(view->before, view->now, 0.99), nearly_all));
    else
        buffer_printf(&view->line,
                      "latency     no figures (measured with an access log or an admin listener)");
    end_line(view, NULL);
}

static void top_page_print_bytes(struct top_view *view)
{
    char text[16];
    buffer_printf(&view->line, "sent        %11s /s", show_bytes(RATE(view, bytes_sent), text));
    end_line(view, NULL);
}

static void top_page_print_connections(struct top_view *view)
{
    const struct counters *sums = &view->now->sums;
    uint64_t busy = sums->connections_open - MIN(sums->connections_idle, sums->connections_open);
    buffer_printf(&view->line,
                  "connections %9" PRIu64 " open: %" PRIu64 " busy, %" PRIu64
                  " idle; a second: %.0f accepted, %.0f refused, %.0f shed",
                  sums->connections_open, busy, sums->connections_idle, RATE(view, connections_accepted),
                  RATE(view, connections_refused), RATE(view, connections_shed));
    end_line(view, NULL);
}

static void top_page_print_errors(struct top_view *view)
{
    double errors = RATE(view, responses_5xx) + RATE(view, responses_cut) + RATE(view, tls_failures) +
                    RATE(view, connections_refused);
    buffer_printf(&view->line,
                  "errors      %9.1f /s   5xx %.1f  cut off %.1f  refused %.1f  TLS %.1f; timeouts %.1f",
                  errors, RATE(view, responses_5xx), RATE(view, responses_cut),
                  RATE(view, connections_refused), RATE(view, tls_failures), RATE(view, timeouts));
    end_line(view, errors > 0 ? RED : NULL);
}

static void top_page_print_cache(struct top_view *view)
{
    const struct counters *before = &view->before->sums, *now = &view->now->sums;
    buffer_printf(&view->line, "file cache  %8.1f %% hits;   TLS %.0f handshakes /s, %.1f %% resumed",
                  top_share(before->cache_hits, now->cache_hits, before->cache_misses, now->cache_misses),
                  RATE(view, tls_handshakes),
                  now->tls_handshakes > before->tls_handshakes
                      ? 100 * (double)(now->tls_resumptions - before->tls_resumptions) /
                            (double)(now->tls_handshakes - before->tls_handshakes)
                      : 0.0);
    end_line(view, NULL);
    end_line(view, NULL);
}

static void top_page_print_worker_line(struct top_view *view, const struct top_worker *worker)
{
    static const struct top_worker nothing;
    const struct top_worker *before = top_sample_worker(view->before, worker->pid);
    char text[16];
    if (before == NULL)
        before = &nothing;
    double requests = before == &nothing ? 0 : per_second(view, before->requests, worker->requests);
    double bytes = before == &nothing ? 0 : per_second(view, before->bytes, worker->bytes);
    buffer_printf(&view->line, "%8u  %-9s %4u %10.0f %11s %11" PRIu64 " %8" PRIu64, worker->pid,
                  worker->state, worker->generation, requests, show_bytes(bytes, text), worker->open,
                  worker->idle);
    end_line(view, strcmp(worker->state, "serving") == 0 ? NULL : RED);
}

static void top_page_print_workers(struct top_view *view)
{
    buffer_printf(&view->line, "  WORKER  STATE      GEN REQUESTS/s      SENT/s CONNECTIONS     IDLE");
    end_line(view, BOLD);
    for (size_t i = 0; i < view->now->worker_count; i++)
        top_page_print_worker_line(view, &view->now->workers[i]);
}

void top_page_print(const struct top_page *page, const struct top_sample *before,
                    const struct top_sample *now, struct buffer *out)
{
    struct top_view view = {.page = page, .before = before, .now = now, .out = out};
    buffer_init(&view.line, 1024);
    top_page_print_title(&view);
    top_page_print_requests(&view);
    top_page_print_latency(&view);
    top_page_print_bytes(&view);
    top_page_print_connections(&view);
    top_page_print_errors(&view);
    top_page_print_cache(&view);
    top_page_print_workers(&view);
    buffer_finish(&view.line);
}
