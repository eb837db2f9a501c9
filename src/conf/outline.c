/* A line of an outline is "path TAB value TAB file:line". Two outlines are sorted by path and merged; a path
 * that is there twice (an address with port 0) is compared with its like in order. */
#include "conf/outline.h"

#include <stdlib.h>

#define PATH_BYTES_MAX  4096
#define VALUE_BYTES_MAX 200

/* ---- writing ---- */

/* A value, or a part of a path; what would end the line or the part becomes a blank. */
static void outline_put(struct buffer *out, struct slice text)
{
    for (size_t i = 0; i < text.length && i < VALUE_BYTES_MAX; i++)
        buffer_append_byte(out, (unsigned char)text.data[i] < ' ' ? ' ' : text.data[i]);
    if (text.length > VALUE_BYTES_MAX)
        buffer_append(out, SLICE("..."));
}

static void put_texts(struct buffer *out, const struct node *node)
{
    if (node->kind == NODE_TEXT) {
        outline_put(out, node->text);
        return;
    }
    const char *separator = "";
    NODE_FOREACH(entry, node)
    {
        buffer_printf(out, "%s", separator);
        if (entry->value->kind == NODE_TEXT)
            outline_put(out, entry->value->text);
        separator = ", ";
    }
}

static bool is_of_texts(const struct node *list)
{
    bool is_plain = true;
    NODE_FOREACH(entry, list)
    is_plain &= entry->value->kind == NODE_TEXT;
    return is_plain;
}

static void outline_end_line(struct buffer *out, const struct node *node)
{
    const struct source_position *position = &node->position;
    buffer_append_byte(out, '\t');
    if (position->source)
        outline_put(out, position->source->name);
    if (position->source && position->line > 0)
        buffer_printf(out, ":%u", position->line);
    buffer_append_byte(out, '\n');
}

static void outline_line(struct buffer *out, const struct buffer *path, const struct node *node,
                         bool has_value)
{
    buffer_append(out, buffer_slice(path));
    buffer_append_byte(out, '\t');
    if (has_value)
        put_texts(out, node);
    outline_end_line(out, node);
}

/* What tells an item of a list apart. */
static const struct node *name_of_item(const struct node *item)
{
    static const char *const keys[] = {"hosts", "address", "certificate"};
    const struct node *name = NULL;
    for (size_t i = 0; item->kind == NODE_MAP && name == NULL && i < ARRAY_LENGTH(keys); i++)
        name = node_get(item, slice_from(keys[i]));
    return item->kind == NODE_TEXT ? item : name;
}

static void outline_visit(struct buffer *out, struct buffer *path, const struct node *node);

/* Goes on with one more part of the path. */
static void visit_list(struct buffer *out, struct buffer *path, const struct node *list)
{
    size_t length = path->length;
    NODE_FOREACH(entry, list)
    {
        const struct node *name = name_of_item(entry->value);
        buffer_append_byte(path, '[');
        if (name)
            put_texts(path, name);
        else
            buffer_append_byte(path, '*');
        buffer_append_byte(path, ']');
        outline_line(out, path, entry->value, false);
        if (entry->value->kind != NODE_TEXT)
            outline_visit(out, path, entry->value);
        path->length = length;
    }
}

static void visit_map(struct buffer *out, struct buffer *path, const struct node *map)
{
    size_t length = path->length;
    NODE_FOREACH(entry, map)
    {
        const struct node *value = entry->value;
        if (length > 0)
            buffer_append_byte(path, '.');
        outline_put(path, entry->key->text);
        if (length > 0 && value->kind == NODE_MAP)
            outline_line(out, path, entry->key, false);
        outline_visit(out, path, value);
        path->length = length;
    }
}

static void outline_visit(struct buffer *out, struct buffer *path, const struct node *node)
{
    bool is_top_list = node->kind == NODE_LIST && slice_find(buffer_slice(path), '.') == path->length;
    if (node->kind == NODE_MAP)
        visit_map(out, path, node);
    else if (node->kind == NODE_LIST && (is_top_list || !is_of_texts(node)))
        visit_list(out, path, node);
    else
        outline_line(out, path, node, true);
}

void outline_write(const struct document *document, struct buffer *out)
{
    struct buffer path;
    buffer_init(&path, PATH_BYTES_MAX);
    outline_visit(out, &path, document->root);
    buffer_finish(&path);
}

/* ---- comparing ---- */

struct outline_line {
    struct slice path;
    struct slice value;
    struct slice position;
    size_t number;
};

struct outline {
    struct outline_line *lines;
    size_t count;
};

static struct slice outline_take_part(struct slice *rest, char end)
{
    size_t length = slice_find(*rest, end);
    struct slice part = slice_take(*rest, length);
    *rest = slice_skip(*rest, MIN(length + 1, rest->length));
    return part;
}

static int compare_lines(const void *left, const void *right)
{
    const struct outline_line *a = left, *b = right;
    int order = memcmp(a->path.data, b->path.data, MIN(a->path.length, b->path.length));
    if (order == 0)
        order = (a->path.length > b->path.length) - (a->path.length < b->path.length);
    return order ? order : (a->number > b->number) - (a->number < b->number);
}

static bool outline_read(struct slice text, struct outline *ret_outline)
{
    size_t count = 0;
    for (size_t i = 0; i < text.length; i++)
        count += text.data[i] == '\n';
    *ret_outline = (struct outline){.lines = calloc(count + 1, sizeof(*ret_outline->lines)), .count = count};
    for (size_t i = 0; ret_outline->lines && i < count; i++) {
        struct slice line = outline_take_part(&text, '\n');
        struct slice path = outline_take_part(&line, '\t');
        struct slice value = outline_take_part(&line, '\t');
        ret_outline->lines[i] =
            (struct outline_line){.path = path, .value = value, .position = line, .number = i};
    }
    if (ret_outline->lines)
        qsort(ret_outline->lines, count, sizeof(*ret_outline->lines), compare_lines);
    return ret_outline->lines != NULL;
}

struct comparison {
    struct buffer *out;
    size_t count;
    struct slice whole; /* what was told last to be new, or gone, as a whole */
};

static bool is_part_of(struct slice path, struct slice whole)
{
    return whole.length > 0 && path.length > whole.length && slice_starts_with(path, whole) &&
           (path.data[whole.length] == '.' || path.data[whole.length] == '[');
}

static void tell_change(struct comparison *comparison, char sign, const struct outline_line *former,
                        const struct outline_line *now)
{
    const struct outline_line *line = now ? now : former;
    if (sign != '~' && is_part_of(line->path, comparison->whole))
        return;
    comparison->whole = sign == '~' ? (struct slice){0} : line->path;
    if (comparison->count++ >= OUTLINE_CHANGES_MAX)
        return;
    buffer_printf(comparison->out, "%c %.*s", sign, SLICE_ARGS(line->path));
    if (former && now)
        buffer_printf(comparison->out, ": %.*s -> %.*s", SLICE_ARGS(former->value), SLICE_ARGS(now->value));
    else if (line->value.length > 0)
        buffer_printf(comparison->out, ": %.*s", SLICE_ARGS(line->value));
    if (line->position.length > 0)
        buffer_printf(comparison->out, " (%.*s)", SLICE_ARGS(line->position));
    buffer_append_byte(comparison->out, '\n');
}

static int order_of_paths(const struct outline_line *a, const struct outline_line *b)
{
    struct outline_line left = *a, right = *b;
    left.number = right.number = 0;
    return compare_lines(&left, &right);
}

static void merge_outlines(const struct outline *former, const struct outline *now,
                           struct comparison *comparison)
{
    size_t i = 0, j = 0;
    while (i < former->count || j < now->count) {
        const struct outline_line *old_line = i < former->count ? &former->lines[i] : NULL;
        const struct outline_line *new_line = j < now->count ? &now->lines[j] : NULL;
        int order = old_line == NULL ? 1 : new_line == NULL ? -1 : order_of_paths(old_line, new_line);
        if (order < 0)
            tell_change(comparison, '-', old_line, NULL);
        else if (order > 0)
            tell_change(comparison, '+', NULL, new_line);
        else if (!slice_equal(old_line->value, new_line->value))
            tell_change(comparison, '~', old_line, new_line);
        i += order <= 0;
        j += order >= 0;
    }
}

size_t outline_compare(struct slice former, struct slice now, struct buffer *out)
{
    struct outline old_outline, new_outline = {0};
    struct comparison comparison = {.out = out};
    if (outline_read(former, &old_outline) && outline_read(now, &new_outline))
        merge_outlines(&old_outline, &new_outline, &comparison);
    free(old_outline.lines);
    free(new_outline.lines);
    if (comparison.count > OUTLINE_CHANGES_MAX)
        buffer_printf(out, "and %zu more changes\n", comparison.count - OUTLINE_CHANGES_MAX);
    return comparison.count;
}
