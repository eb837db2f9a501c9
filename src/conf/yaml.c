/* libyaml's events into nodes, depth first. An anchor is known only behind the end of its node, so no alias
 * can close a cycle; what an alias weighs is counted by node_add, so that a "billion laughs" ends at the
 * first laugh too many. Read read_node first. */
#include "conf/yaml.h"

#include "base/error.h"
#include "conf/merge.h"
#include "conf/variables.h"
#include "conf/yaml_fault.h"

#include <errno.h>
#include <stdlib.h>

#define ANCHORS_MAX 100

struct anchor {
    struct slice name;
    struct node *node;
};

struct reader {
    yaml_parser_t parser;
    const struct source_text *source;
    struct diagnostics *diagnostics;
    struct document *document;
    struct node **top; /* gets the top, whatever it is; NULL: it is the map of a configuration */
    struct anchor anchors[ANCHORS_MAX];
    size_t anchor_count;
    unsigned depth;
    struct yaml_bracket bracket; /* the innermost that is open */
    size_t replaced_bytes;       /* of all texts that had variables in them */
    bool misses_variables;
};

static struct source_position event_position(const struct reader *reader, const yaml_event_t *event)
{
    return yaml_position(reader->source, &event->start_mark, &event->end_mark);
}

static int yaml_refuse(struct reader *reader, const yaml_event_t *event, const char *text)
{
    diagnostics_add(reader->diagnostics, event_position(reader, event), "%s", text);
    return ERROR_SYNTAX;
}

static int yaml_next_event(struct reader *reader, yaml_event_t *event)
{
    if (yaml_parser_parse(&reader->parser, event))
        return 0;
    if (reader->parser.error == YAML_MEMORY_ERROR)
        return -ENOMEM;
    yaml_fault_report(&reader->parser, reader->source, &reader->bracket, reader->diagnostics);
    return ERROR_SYNTAX;
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
        return yaml_refuse(reader, event, "more than 100 anchors");
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
    diagnostics_add(reader->diagnostics, event_position(reader, event),
                    "\"*%.*s\" needs quotes, unless it is an alias of \"&%.*s\", which is not above",
                    SLICE_ARGS(name), SLICE_ARGS(name));
    return ERROR_SYNTAX;
}

/* The words of YAML's core schema. */
static bool is_null(struct slice text)
{
    return slice_equal(text, SLICE("~")) || slice_equal(text, SLICE("null")) ||
           slice_equal(text, SLICE("Null")) || slice_equal(text, SLICE("NULL"));
}

/* A text in place of which the environment's is meant. Its mistakes are reported, and reading goes on. */
static int read_variables(struct reader *reader, const yaml_event_t *event, struct slice text,
                          struct node **ret_node)
{
    struct buffer replaced;
    struct source_position position = event_position(reader, event);
    buffer_init(&replaced, DOCUMENT_BYTES_MAX - reader->replaced_bytes);
    if (!variables_replace(text, position, reader->diagnostics, &replaced))
        reader->misses_variables = true;
    int error = 0;
    if (replaced.failed)
        error = yaml_refuse(reader, event, "longer than 1 MiB when its variables are replaced");
    else
        *ret_node = node_text(reader->document, buffer_slice(&replaced), position);
    reader->replaced_bytes += replaced.length;
    buffer_finish(&replaced);
    return error ? error : *ret_node ? 0 : -ENOMEM;
}

static int read_text(struct reader *reader, const yaml_event_t *event, struct node **ret_node)
{
    struct slice text = slice_make((const char *)event->data.scalar.value, event->data.scalar.length);
    bool is_plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    if (slice_find(text, '\0') < text.length)
        return yaml_refuse(reader, event, "a text cannot have a NUL byte in it");
    if (variables_are_in(text))
        return read_variables(reader, event, text, ret_node);
    *ret_node = node_text(reader->document, is_plain && is_null(text) ? SLICE("") : text,
                          event_position(reader, event));
    if (*ret_node)
        (*ret_node)->is_plain = is_plain;
    return *ret_node ? 0 : -ENOMEM;
}

static int read_node(struct reader *reader, yaml_event_t *event, struct node **ret_node);

/* Reads the next node of a collection; `*ret_node` is NULL at its end. */
static int read_next(struct reader *reader, struct node **ret_node)
{
    yaml_event_t event;
    int error = yaml_next_event(reader, &event);
    if (error)
        return error;
    *ret_node = NULL;
    if (event.type != YAML_SEQUENCE_END_EVENT && event.type != YAML_MAPPING_END_EVENT)
        error = read_node(reader, &event, ret_node);
    yaml_event_delete(&event);
    return error;
}

static int refuse_size(struct reader *reader, const yaml_event_t *start)
{
    return yaml_refuse(reader, start,
                       "more than 50000 entries (an alias counts as much as what it stands for)");
}

/* Adds what was read; a bound that is passed is reported at the position of the whole collection. */
static int yaml_add_entry(struct reader *reader, const yaml_event_t *start, struct node *collection,
                          struct node *key, struct node *value)
{
    int error = node_add(reader->document, collection, key, value);
    return error == ERROR_LIMIT ? refuse_size(reader, start) : error;
}

/* Reads entries up to the end of the collection. */
static int read_entries(struct reader *reader, const yaml_event_t *start, struct node *collection)
{
    enum node_kind kind = collection->kind;
    for (;;) {
        struct node *key = NULL;
        struct node *value = NULL;
        int error = kind == NODE_MAP ? read_next(reader, &key) : 0;
        if (error == 0 && key && key->kind != NODE_TEXT)
            return yaml_refuse(reader, start, "a key must be a text, not a list or a map");
        if (error == 0 && (key || kind == NODE_LIST))
            error = read_next(reader, &value);
        if (error)
            return error;
        if (value == NULL)
            return 0;
        error = yaml_add_entry(reader, start, collection, key, value);
        if (error)
            return error;
    }
}

static bool is_flow(const yaml_event_t *start)
{
    return start->type == YAML_MAPPING_START_EVENT
               ? start->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE
               : start->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE;
}

static int read_collection(struct reader *reader, const yaml_event_t *start, enum node_kind kind,
                           struct node **ret_node)
{
    struct yaml_bracket outer = reader->bracket;
    struct node *collection = node_collection(reader->document, kind, event_position(reader, start));
    if (collection == NULL)
        return -ENOMEM;
    if (is_flow(start))
        reader->bracket =
            (struct yaml_bracket){.position = collection->position, .byte = kind == NODE_MAP ? '{' : '['};
    int error = read_entries(reader, start, collection);
    if (error)
        return error;
    reader->bracket = outer;
    *ret_node = collection;
    if (kind == NODE_MAP)
        error = merge_complete_map(reader->document, collection, reader->diagnostics);
    return error == ERROR_LIMIT ? refuse_size(reader, start) : error;
}

static int read_any(struct reader *reader, yaml_event_t *event, struct node **ret_node)
{
    switch (event->type) {
    case YAML_ALIAS_EVENT: return read_alias(reader, event, ret_node);
    case YAML_SCALAR_EVENT: return read_text(reader, event, ret_node);
    case YAML_SEQUENCE_START_EVENT: return read_collection(reader, event, NODE_LIST, ret_node);
    case YAML_MAPPING_START_EVENT: return read_collection(reader, event, NODE_MAP, ret_node);
    default: return yaml_refuse(reader, event, "not valid YAML");
    }
}

/* The node that begins with `event`, which stays the caller's to delete. */
static int read_node(struct reader *reader, yaml_event_t *event, struct node **ret_node)
{
    if (event_has_tag(event))
        return yaml_refuse(reader, event,
                           "a value that begins with \"!\" needs quotes; tags of YAML mean nothing here");
    if (reader->depth == DOCUMENT_HEIGHT_MAX)
        return yaml_refuse(reader, event, "nested deeper than 24 levels");
    reader->depth++;
    int error = read_any(reader, event, ret_node);
    reader->depth--;
    if (error == 0 && event->type != YAML_ALIAS_EVENT)
        error = remember_anchor(reader, event, *ret_node);
    return error;
}

static bool has_root(const struct reader *reader)
{
    return reader->top ? *reader->top != NULL : reader->document->root->entry_count > 0;
}

/* The root of the first document, or none in an empty stream. */
static int read_root(struct reader *reader, yaml_event_t *event)
{
    struct node *root = NULL;
    if (has_root(reader))
        return yaml_refuse(reader, event, "a second YAML document begins here; a configuration is one");
    int error = read_node(reader, event, &root);
    if (error)
        return error;
    if (reader->top) {
        *reader->top = root;
        return 0;
    }
    bool is_empty_text = root->kind == NODE_TEXT && root->text.length == 0;
    if (root->kind != NODE_MAP && !is_empty_text)
        return yaml_refuse(reader, event, "expected options, each as \"name: value\"");
    if (root->kind == NODE_MAP)
        reader->document->root = root;
    return 0;
}

static int yaml_read_stream(struct reader *reader)
{
    for (;;) {
        yaml_event_t event;
        int error = yaml_next_event(reader, &event);
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

static int yaml_read_whole(const struct source_text *source, struct diagnostics *diagnostics,
                           struct document *document, struct node **top)
{
    struct reader *reader = calloc(1, sizeof(*reader));
    if (reader == NULL)
        return -ENOMEM;
    *reader = (struct reader){.source = source, .diagnostics = diagnostics, .document = document, .top = top};
    document->root->position = (struct source_position){.source = source};
    int error = -ENOMEM;
    if (yaml_parser_initialize(&reader->parser)) {
        yaml_parser_set_encoding(&reader->parser, YAML_UTF8_ENCODING);
        yaml_parser_set_input_string(&reader->parser, (const unsigned char *)source->text.data,
                                     source->text.length);
        error = yaml_read_stream(reader);
        yaml_parser_delete(&reader->parser);
        if (error == 0 && reader->misses_variables)
            error = ERROR_SYNTAX;
    }
    free(reader);
    return error;
}

int yaml_read(const struct source_text *source, struct diagnostics *diagnostics, struct document *document)
{
    return yaml_read_whole(source, diagnostics, document, NULL);
}

int yaml_read_any(const struct source_text *source, struct diagnostics *diagnostics,
                  struct document *document, struct node **ret_top)
{
    *ret_top = NULL;
    return yaml_read_whole(source, diagnostics, document, ret_top);
}
