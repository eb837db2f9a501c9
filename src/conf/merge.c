/* All candidates are put into one array, those of the map itself first, and sorted by key: of equal keys the
 * first one stays. So many keys cost little, whatever a file merges. Most maps need no change and get none.
 */
#include "conf/merge.h"

#include <errno.h>
#include <stdlib.h>

struct candidate {
    struct node *key;
    struct node *value;
    size_t order;
    bool is_own; /* not brought by "<<" */
    bool is_dropped;
};

struct candidates {
    struct candidate *list;
    size_t count;
    bool change_map; /* the map is not what they are */
};

static bool is_merge_key(const struct node *key)
{
    return key->is_plain && slice_equal(key->text, SLICE("<<"));
}

/* Calls `visit` for each map that a "<<" names; anything else is a mistake where `diagnostics` is given. */
static void visit_merged(const struct node *value, struct diagnostics *diagnostics,
                         void (*visit)(struct candidates *candidates, const struct node *map),
                         struct candidates *candidates)
{
    if (value->kind == NODE_MAP)
        visit(candidates, value);
    else if (value->kind == NODE_TEXT && diagnostics)
        diagnostics_add(diagnostics, value->position, "\"<<\" takes a map, such as *name, or a list of maps");
    if (value->kind != NODE_LIST)
        return;
    NODE_FOREACH(entry, value)
    {
        if (entry->value->kind == NODE_MAP)
            visit(candidates, entry->value);
        else if (diagnostics)
            diagnostics_add(diagnostics, entry->value->position, "\"<<\" takes maps only");
    }
}

static void count_entries(struct candidates *candidates, const struct node *map)
{
    candidates->count += map->entry_count;
}

static void add_candidate(struct candidates *candidates, const struct entry *entry, bool is_own)
{
    size_t order = candidates->count++;
    candidates->list[order] =
        (struct candidate){.key = entry->key, .value = entry->value, .order = order, .is_own = is_own};
}

static void add_entries(struct candidates *candidates, const struct node *map)
{
    NODE_FOREACH(entry, map)
    add_candidate(candidates, entry, false);
}

static int merge_collect(const struct node *map, struct diagnostics *diagnostics,
                         struct candidates *candidates)
{
    *candidates = (struct candidates){.count = map->entry_count};
    NODE_FOREACH(entry, map)
    {
        if (!is_merge_key(entry->key))
            continue;
        visit_merged(entry->value, diagnostics, count_entries, candidates);
        candidates->change_map = true;
    }
    candidates->list = calloc(candidates->count + 1, sizeof(*candidates->list));
    candidates->count = 0;
    if (candidates->list == NULL)
        return -ENOMEM;
    NODE_FOREACH(entry, map)
    {
        if (!is_merge_key(entry->key))
            add_candidate(candidates, entry, true);
    }
    NODE_FOREACH(entry, map)
    {
        if (is_merge_key(entry->key))
            visit_merged(entry->value, NULL, add_entries, candidates);
    }
    return 0;
}

static int compare_orders(const void *left, const void *right)
{
    const struct candidate *a = left;
    const struct candidate *b = right;
    return (a->order > b->order) - (a->order < b->order);
}

static int compare_keys(const void *left, const void *right)
{
    struct slice a = ((const struct candidate *)left)->key->text;
    struct slice b = ((const struct candidate *)right)->key->text;
    int order = memcmp(a.data, b.data, MIN(a.length, b.length));
    if (order == 0)
        order = (a.length > b.length) - (a.length < b.length);
    return order ? order : compare_orders(left, right);
}

static void report_duplicate(struct diagnostics *diagnostics, const struct node *first,
                             const struct node *second)
{
    char where[POSITION_TEXT_MAX];
    diagnostics_add(diagnostics, second->position, "duplicate key \"%.*s\"%s",
                    (int)MIN(first->text.length, (size_t)80), first->text.data,
                    position_show(first->position, second->position.source, where));
}

/* Drops all but the first of equal keys, and reports those that were written twice. */
static void drop_later_ones(struct candidates *candidates, struct diagnostics *diagnostics)
{
    const struct candidate *first = candidates->list;
    qsort(candidates->list, candidates->count, sizeof(*candidates->list), compare_keys);
    for (size_t i = 1; i < candidates->count; i++) {
        struct candidate *candidate = &candidates->list[i];
        if (!slice_equal(first->key->text, candidate->key->text)) {
            first = candidate;
            continue;
        }
        candidate->is_dropped = candidates->change_map = true;
        if (candidate->is_own)
            report_duplicate(diagnostics, first->key, candidate->key);
    }
    qsort(candidates->list, candidates->count, sizeof(*candidates->list), compare_orders);
}

/* The map again, with those that stay. */
static int rebuild(struct document *document, struct node *map, const struct candidates *candidates)
{
    node_clear(map);
    int error = 0;
    for (size_t i = 0; i < candidates->count && error == 0; i++) {
        const struct candidate *candidate = &candidates->list[i];
        if (!candidate->is_dropped)
            error = node_add(document, map, candidate->key, candidate->value);
    }
    return error;
}

int merge_complete_map(struct document *document, struct node *map, struct diagnostics *diagnostics)
{
    struct candidates candidates;
    if (merge_collect(map, diagnostics, &candidates) != 0)
        return -ENOMEM;
    drop_later_ones(&candidates, diagnostics);
    int error = candidates.change_map ? rebuild(document, map, &candidates) : 0;
    free(candidates.list);
    return error;
}
