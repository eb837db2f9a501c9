/* Nodes in an arena. Weight and height are kept right by building bottom-up (YAML) or are recomputed along
 * the one path that document_reach walks, where they cannot come near their bounds. */
#include "conf/document.h"

#include "base/error.h"

#include <errno.h>

#define ARENA_BYTES_MAX (32u << 20)

int document_init(struct document *document)
{
    *document = (struct document){0};
    arena_init(&document->arena, ARENA_BYTES_MAX);
    document->root = node_collection(document, NODE_MAP, (struct source_position){0});
    return document->root ? 0 : -ENOMEM;
}

void document_finish(struct document *document)
{
    arena_finish(&document->arena);
    document->root = NULL;
}

struct node *node_text(struct document *document, struct slice text, struct source_position position)
{
    struct node *node = node_collection(document, NODE_TEXT, position);
    if (node == NULL)
        return NULL;
    node->text = arena_copy(&document->arena, text);
    return node->text.data ? node : NULL;
}

struct node *node_collection(struct document *document, enum node_kind kind, struct source_position position)
{
    struct node *node = arena_zalloc(&document->arena, sizeof(*node));
    if (node == NULL)
        return NULL;
    node->kind = kind;
    node->position = position;
    node_clear(node);
    return node;
}

void node_clear(struct node *collection)
{
    collection->weight = collection->height = 1;
    collection->first = NULL;
    collection->last = &collection->first;
    collection->entry_count = 0;
}

int node_add(struct document *document, struct node *collection, struct node *key, struct node *value)
{
    assert(collection->kind != NODE_TEXT);
    assert((key != NULL) == (collection->kind == NODE_MAP));
    size_t weight = collection->weight + value->weight + (key ? key->weight : 0);
    if (weight > DOCUMENT_NODES_MAX || value->height >= DOCUMENT_HEIGHT_MAX)
        return ERROR_LIMIT;
    struct entry *entry = arena_zalloc(&document->arena, sizeof(*entry));
    if (entry == NULL)
        return -ENOMEM;
    *entry = (struct entry){.key = key, .value = value};
    *collection->last = entry;
    collection->last = &entry->next;
    collection->entry_count++;
    collection->weight = weight;
    collection->height = MAX(collection->height, value->height + 1);
    return 0;
}

static struct entry *document_find_key(const struct node *map, struct slice key)
{
    NODE_FOREACH(entry, map)
    {
        if (slice_equal(entry->key->text, key))
            return entry;
    }
    return NULL;
}

struct node *node_get(const struct node *map, struct slice key)
{
    assert(map->kind == NODE_MAP);
    struct entry *entry = document_find_key(map, key);
    return entry ? entry->value : NULL;
}

const struct node *node_item(const struct node *node, size_t index)
{
    const struct entry *entry = node->kind == NODE_LIST ? node->first : NULL;
    while (entry && index-- > 0)
        entry = entry->next;
    return entry ? entry->value : NULL;
}

struct source_position node_position_of(const struct node *node, struct slice key)
{
    const struct node *value = node->kind == NODE_MAP ? node_get(node, key) : NULL;
    return value ? value->position : node->position;
}

int node_put(struct document *document, struct node *map, struct node *key, struct node *value)
{
    assert(map->kind == NODE_MAP);
    struct entry *entry = document_find_key(map, key->text);
    if (entry == NULL)
        return node_add(document, map, key, value);
    *entry = (struct entry){.next = entry->next, .key = key, .value = value};
    return 0;
}

/* The entry that a step of a path names; NULL where it is missing. */
static struct entry *step_find(const struct node *node, struct slice step)
{
    uint64_t index;
    if (node->kind == NODE_MAP)
        return document_find_key(node, step);
    struct entry *entry = node->first;
    bool is_index = slice_to_u64(step, &index);
    assert(is_index);
    while (entry && index-- > 0)
        entry = entry->next;
    return entry;
}

static enum node_kind kind_for_step(struct slice step)
{
    uint64_t index;
    return slice_to_u64(step, &index) ? NODE_LIST : NODE_MAP;
}

/* The child that the step names, with the given kind; created if necessary. */
static struct node *step_into(struct document *document, struct node *node, struct slice step,
                              enum node_kind kind, struct source_position position)
{
    struct entry *entry = step_find(node, step);
    if (entry && entry->value->kind == kind)
        return entry->value;
    struct node *made = node_collection(document, kind, position);
    if (made && entry) {
        entry->value = made;
        return made;
    }
    struct node *key = made && node->kind == NODE_MAP ? node_text(document, step, position) : NULL;
    if (made == NULL || (node->kind == NODE_MAP && key == NULL))
        return NULL;
    return node_add(document, node, key, made) == 0 ? made : NULL;
}

struct node *document_find(const struct document *document, struct slice path)
{
    struct node *node = document->root;
    struct slice step;
    while (node && path.length > 0 && slice_next(&path, '.', &step))
        node = node->kind == NODE_MAP ? node_get(node, step) : NULL;
    return node;
}

struct node *document_reach(struct document *document, struct slice path, enum node_kind kind,
                            struct source_position position)
{
    struct node *node = document->root;
    struct slice step;
    while (node && path.length > 0 && slice_next(&path, '.', &step)) {
        struct slice rest = path;
        struct slice following;
        bool is_last = !slice_next(&rest, '.', &following);
        node = step_into(document, node, step, is_last ? kind : kind_for_step(following), position);
    }
    return node;
}
