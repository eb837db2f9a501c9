/* Sorting and merging in place: nothing here allocates, so nothing can fail. */
#include "conf/routes.h"

#include <stdlib.h>

struct slice route_bare_prefix(struct slice prefix)
{
    if (prefix.length > 1 && slice_ends_with(prefix, SLICE("/")))
        prefix.length--;
    return prefix;
}

static int routes_compare(const void *left, const void *right)
{
    struct slice a = ((const struct route *)left)->prefix;
    struct slice b = ((const struct route *)right)->prefix;
    if (a.length != b.length)
        return a.length > b.length ? -1 : 1;
    return a.length ? memcmp(a.data, b.data, a.length) : 0;
}

void routes_sort(struct site *site)
{
    if (site->route_count > 1)
        qsort(site->routes, site->route_count, sizeof(site->routes[0]), routes_compare);
}

static bool is_overridden(const struct field_edits *edits, size_t index)
{
    for (size_t i = index + 1; i < edits->count; i++) {
        if (slice_equal_nocase(edits->items[index].name, edits->items[i].name))
            return true;
    }
    return false;
}

void route_set_fields(struct route *route, const struct field_edits *edits, struct field_edit *room)
{
    route->field_edits = room;
    route->field_edit_count = 0;
    for (size_t i = 0; i < edits->count; i++) {
        if (!is_overridden(edits, i))
            room[route->field_edit_count++] = edits->items[i];
    }
}
