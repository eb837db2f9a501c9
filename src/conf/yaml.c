/* libyaml's events into nodes, depth first. An anchor is known only behind the end of its node, so no alias
 * can close a cycle; what an alias weighs is counted by node_add, so that a "billion laughs" ends at the
 * first laugh too many. Read read_node first. */
#include "conf/yaml.h"

#include "base/error.h"

#include <errno.h>
#include <stdlib.h>
#include <yaml.h>

#define ANCHORS_MAX 100

struct anchor {
    struct slice name;
    struct node *node;
};

struct reader {
    yaml_parser_t parser;
    const struct source *source;
    struct diagnostics *diagnostics;
    struct document *document;
    struct anchor anchors[ANCHORS_MAX];
    size_t anchor_count;
    unsigned depth;
};

static struct source_position position_at(const struct reader *reader, const yaml_mark_t *start,
                                          const yaml_mark_t *end)
{
    size_t length = end->line == start->line && end->column > start->column ? end->column - start->column : 0;
    return (struct source_position){
        .source = reader->source,
        .line = (unsigned)start->line + 1,
        .column = (unsigned)start->column + 1,
        .length = (unsigned)length,
    };
}

static struct source_position event_position(const struct reader *reader, const yaml_event_t *event)
{
    return position_at(reader, &event->start_mark, &event->end_mark);
}

/* libyaml's reader knows only the offset of the byte that is no UTF-8. */
static struct source_position position_of_byte(const struct reader *reader, size_t offset)
{
    struct slice text = reader->source->text;
    struct source_position position = {.source = reader->source, .line = 1, .column = 1};
    for (size_t i = 0; i < offset && i < text.length; i++) {
        position.line += text.data[i] == '\n';
        position.column = text.data[i] == '\n' ? 1 : position.column + 1;
    }
    return position;
}

/* libyaml says what it was at (context) and what was wrong (problem); both help. */
static int report_syntax(struct reader *reader)
{
    const yaml_parser_t *parser = &reader->parser;
    if (parser->error == YAML_MEMORY_ERROR)
        return -ENOMEM;
    struct source_position position = position_at(reader, &parser->problem_mark, &parser->problem_mark);
    if (parser->error == YAML_READER_ERROR)
        position = position_of_byte(reader, parser->problem_offset);
    diagnostics_add(reader->diagnostics, position, "not valid YAML: %s%s%s",
                    parser->problem ? parser->problem : "unreadable", parser->context ? ", " : "",
                    parser->context ? parser->context : "");
    return ERROR_SYNTAX;
}

static int refuse(struct reader *reader, const yaml_event_t *event, const char *text)
{
    diagnostics_add(reader->diagnostics, event_position(reader, event), "%s", text);
    return ERROR_SYNTAX;
}

static int next_event(struct reader *reader, yaml_event_t *event)
{
    return yaml_parser_parse(&reader->parser, event) ? 0 : report_syntax(reader);
}

static struct slice event_anchor(const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_ALIAS_EVENT: return slice_from((const char *)event->data.alias.anchor);
    case YAML_SCALAR_EVENT: return slice_from((const char *)event->data.scalar.anchor);
    case YAML_SEQUENCE_START_EVENT: return slice_from((const char *)event->data.sequence_start.anchor);
    case YAML_MAPPING_START_EVENT: return slice_from((const char *)event->data.mapping_start.anchor);
    default: return (struct slice){0};
    }
}

static bool event_has_tag(const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT: return event->data.scalar.tag != NULL;
    case YAML_SEQUENCE_START_EVENT: return event->data.sequence_start.tag != NULL;
    case YAML_MAPPING_START_EVENT: return event->data.mapping_start.tag != NULL;
    default: return false;
    }
}

static int remember_anchor(struct reader *reader, const yaml_event_t *event, struct node *node)
{
    struct slice name = event_anchor(event);
    if (name.data == NULL)
        return 0;
    if (reader->anchor_count == ANCHORS_MAX)
        return refuse(reader, event, "more than 100 anchors");
    struct slice copy = arena_copy(&reader->document->arena, name);
    if (copy.data == NULL)
        return -ENOMEM;
    reader->anchors[reader->anchor_count++] = (struct anchor){.name = copy, .node = node};
    return 0;
}

static int read_alias(struct reader *reader, const yaml_event_t *event, struct node **ret_node)
{
    struct slice name = event_anchor(event);
    for (size_t i = reader->anchor_count; i > 0; i--) {
        if (slice_equal(reader->anchors[i - 1].name, name)) {
            *ret_node = reader->anchors[i - 1].node;
            return 0;
        }
    }
    return refuse(reader, event, "an alias without its anchor before it");
}

static int read_text(struct reader *reader, const yaml_event_t *event, struct node **ret_node)
{
    struct slice text = slice_make((const char *)event->data.scalar.value, event->data.scalar.length);
    if (slice_find(text, '\0') < text.length)
        return refuse(reader, event, "a text with a NUL byte in it");
    *ret_node = node_text(reader->document, text, event_position(reader, event));
    return *ret_node ? 0 : -ENOMEM;
}

static int read_node(struct reader *reader, yaml_event_t *event, struct node **ret_node);

/* Reads the next node of a collection; `*ret_node` is NULL at its end. */
static int read_next(struct reader *reader, struct node **ret_node)
{
    yaml_event_t event;
    int error = next_event(reader, &event);
    if (error)
        return error;
    *ret_node = NULL;
    if (event.type != YAML_SEQUENCE_END_EVENT && event.type != YAML_MAPPING_END_EVENT)
        error = read_node(reader, &event, ret_node);
    yaml_event_delete(&event);
    return error;
}

static int compare_keys(const void *left, const void *right)
{
    const struct node *a = *(struct node *const *)left;
    const struct node *b = *(struct node *const *)right;
    size_t shared = MIN(a->text.length, b->text.length);
    int order = memcmp(a->text.data, b->text.data, shared);
    if (order == 0)
        order = (a->text.length > b->text.length) - (a->text.length < b->text.length);
    if (order == 0)
        order = a->position.line != b->position.line
                    ? (a->position.line > b->position.line) - (a->position.line < b->position.line)
                    : (a->position.column > b->position.column) - (a->position.column < b->position.column);
    return order;
}

/* Sorts the keys and looks at neighbours, so that many keys cost little. */
static int report_duplicates(struct reader *reader, const struct node *map)
{
    if (map->entry_count < 2)
        return 0;
    struct node **keys = malloc(map->entry_count * sizeof(*keys));
    if (keys == NULL)
        return -ENOMEM;
    size_t count = 0;
    NODE_FOREACH(entry, map)
    keys[count++] = entry->key;
    qsort(keys, count, sizeof(*keys), compare_keys);
    for (size_t i = 1; i < count; i++) {
        if (slice_equal(keys[i - 1]->text, keys[i]->text))
            diagnostics_add(reader->diagnostics, keys[i]->position, "\"%.*s\" stands twice; first in line %u",
                            SLICE_ARGS(keys[i]->text), keys[i - 1]->position.line);
    }
    free(keys);
    return 0;
}

/* Adds what was read; a bound that is passed is told at the place of the whole collection. */
static int add_entry(struct reader *reader, const yaml_event_t *start, struct node *collection,
                     struct node *key, struct node *value)
{
    int error = node_add(reader->document, collection, key, value);
    if (error == ERROR_LIMIT)
        return refuse(reader, start, "too many entries, or too deep (aliases count as what they stand for)");
    return error;
}

static int read_collection(struct reader *reader, const yaml_event_t *start, enum node_kind kind,
                           struct node **ret_node)
{
    struct node *collection = node_collection(reader->document, kind, event_position(reader, start));
    if (collection == NULL)
        return -ENOMEM;
    for (;;) {
        struct node *key = NULL;
        struct node *value = NULL;
        int error = kind == NODE_MAP ? read_next(reader, &key) : 0;
        if (error == 0 && key && key->kind != NODE_TEXT)
            return refuse(reader, start, "a key that is not a plain text");
        if (error == 0 && (key || kind == NODE_LIST))
            error = read_next(reader, &value);
        if (error)
            return error;
        if (value == NULL)
            break;
        error = add_entry(reader, start, collection, key, value);
        if (error)
            return error;
    }
    *ret_node = collection;
    return kind == NODE_MAP ? report_duplicates(reader, collection) : 0;
}

static int read_any(struct reader *reader, yaml_event_t *event, struct node **ret_node)
{
    switch (event->type) {
    case YAML_ALIAS_EVENT: return read_alias(reader, event, ret_node);
    case YAML_SCALAR_EVENT: return read_text(reader, event, ret_node);
    case YAML_SEQUENCE_START_EVENT: return read_collection(reader, event, NODE_LIST, ret_node);
    case YAML_MAPPING_START_EVENT: return read_collection(reader, event, NODE_MAP, ret_node);
    default: return refuse(reader, event, "not valid YAML");
    }
}

/* The node that begins with `event`, which stays the caller's to delete. */
static int read_node(struct reader *reader, yaml_event_t *event, struct node **ret_node)
{
    if (event_has_tag(event))
        return refuse(reader, event, "tags (\"!\") have no meaning here");
    if (reader->depth == DOCUMENT_HEIGHT_MAX)
        return refuse(reader, event, "nested too deep");
    reader->depth++;
    int error = read_any(reader, event, ret_node);
    reader->depth--;
    if (error == 0 && event->type != YAML_ALIAS_EVENT)
        error = remember_anchor(reader, event, *ret_node);
    return error;
}

/* The root of the first document, or none in an empty stream. */
static int read_root(struct reader *reader, yaml_event_t *event)
{
    struct node *root = NULL;
    if (reader->document->root->entry_count > 0)
        return refuse(reader, event, "more than one YAML document");
    int error = read_node(reader, event, &root);
    if (error)
        return error;
    bool is_empty_text = root->kind == NODE_TEXT && root->text.length == 0;
    if (root->kind != NODE_MAP && !is_empty_text)
        return refuse(reader, event, "expected options, each as \"name: value\"");
    if (root->kind == NODE_MAP)
        reader->document->root = root;
    return 0;
}

static int read_stream(struct reader *reader)
{
    for (;;) {
        yaml_event_t event;
        int error = next_event(reader, &event);
        if (error)
            return error;
        yaml_event_type_t type = event.type;
        bool is_frame = type == YAML_STREAM_START_EVENT || type == YAML_DOCUMENT_START_EVENT ||
                        type == YAML_DOCUMENT_END_EVENT || type == YAML_STREAM_END_EVENT;
        if (!is_frame)
            error = read_root(reader, &event);
        yaml_event_delete(&event);
        if (error || type == YAML_STREAM_END_EVENT)
            return error;
    }
}

int yaml_read(const struct source *source, struct diagnostics *diagnostics, struct document *document)
{
    struct reader *reader = calloc(1, sizeof(*reader));
    if (reader == NULL)
        return -ENOMEM;
    *reader = (struct reader){.source = source, .diagnostics = diagnostics, .document = document};
    document->root->position = (struct source_position){.source = source};
    int error = -ENOMEM;
    if (yaml_parser_initialize(&reader->parser)) {
        yaml_parser_set_encoding(&reader->parser, YAML_UTF8_ENCODING);
        yaml_parser_set_input_string(&reader->parser, (const unsigned char *)source->text.data,
                                     source->text.length);
        error = read_stream(reader);
        yaml_parser_delete(&reader->parser);
    }
    free(reader);
    return error;
}
