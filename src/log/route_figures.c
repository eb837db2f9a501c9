/* A list that is searched only when settings change. */
#include "log/route_figures.h"

#include <stdio.h>

/* So a request costs nothing for its exemplar, except one each second. */
#define EXEMPLAR_MS 1000

static_assert(ROUTE_FIGURES_MAX <= 64, "a bit for each");

static void put_label(char label[ROUTE_LABEL_BYTES], struct slice text)
{
    size_t length = 0;
    for (size_t i = 0; i < text.length; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        bool is_plain = byte > 0x20 && byte < 0x7f;
        if (length + (is_plain ? 1 : 3) >= ROUTE_LABEL_BYTES)
            break;
        length +=
            (size_t)snprintf(label + length, ROUTE_LABEL_BYTES - length, is_plain ? "%c" : "%%%02X", byte);
    }
    label[length] = '\0';
}

void route_labels_make(struct slice site, struct slice route, struct route_labels *ret_labels)
{
    *ret_labels = (struct route_labels){0};
    put_label(ret_labels->site, site);
    put_label(ret_labels->route, route);
}

bool route_labels_equal(const struct route_labels *one, const struct route_labels *other)
{
    return strcmp(one->site, other->site) == 0 && strcmp(one->route, other->route) == 0;
}

static void route_figures_name(struct route_figures *figures, const struct route_labels *labels)
{
    shared_write_begin(&figures->version);
    figures->labels = *labels;
    memset(figures->responses, 0, sizeof(figures->responses));
    figures->durations = (struct duration_histogram){0};
    memset(figures->exemplars, 0, sizeof(figures->exemplars));
    shared_write_end(&figures->version);
}

void route_figures_begin(struct route_figures list[ROUTE_FIGURES_MAX])
{
    static const struct route_labels none;
    for (size_t i = 0; i < ROUTE_FIGURES_MAX; i++) {
        if (atomic_load(&list[i].version) % 2 != 0)
            route_figures_name(&list[i], &none); /* the one before was killed while it wrote */
        for (size_t bucket = 0; bucket < DURATION_BUCKETS; bucket++) {
            if (atomic_load(&list[i].exemplars[bucket].version) % 2 != 0)
                route_figures_set_exemplar(&list[i], bucket, (struct slice){0}, 0, 0);
        }
    }
}

static bool route_figures_are_free(const struct route_figures *figures)
{
    return figures->labels.site[0] == '\0' && figures->labels.route[0] == '\0';
}

size_t route_figures_find(struct route_figures list[ROUTE_FIGURES_MAX], const struct route_labels *labels,
                          uint64_t used)
{
    size_t chosen = ROUTE_FIGURES_OTHER;
    for (size_t i = ROUTE_FIGURES_OTHER + 1; i < ROUTE_FIGURES_MAX; i++) {
        if (route_labels_equal(&list[i].labels, labels))
            return i;
        bool is_used = (used >> i & 1) != 0;
        if (!is_used && (chosen == ROUTE_FIGURES_OTHER ||
                         (route_figures_are_free(&list[i]) && !route_figures_are_free(&list[chosen]))))
            chosen = i;
    }
    if (chosen != ROUTE_FIGURES_OTHER)
        route_figures_name(&list[chosen], labels);
    return chosen;
}

bool route_figures_wants_exemplar(const struct route_figures *figures, size_t bucket, int64_t now_ms)
{
    int64_t when_ms = figures->exemplars[bucket].exemplar.when_ms;
    return now_ms - when_ms >= EXEMPLAR_MS || now_ms < when_ms;
}

void route_figures_set_exemplar(struct route_figures *figures, size_t bucket, struct slice id,
                                uint64_t duration_us, int64_t now_ms)
{
    struct route_exemplar *place = &figures->exemplars[bucket];
    shared_write_begin(&place->version);
    place->exemplar = (struct exemplar){.duration_us = duration_us, .when_ms = now_ms};
    if (id.length > 0 && id.length < EXEMPLAR_ID_BYTES)
        memcpy(place->exemplar.id, id.data, id.length);
    shared_write_end(&place->version);
}
