/* The document's root is built anew: containers that files are merged into are copies, since an alias of YAML
 * may stand elsewhere for the same node. Read include_expand first, then merge_map. */
#include "conf/include.h"

#include "base/error.h"
#include "conf/file.h"
#include "conf/options.h"
#include "conf/unknown.h"
#include "sys/glob.h"
#include "sys/path.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct includer {
    struct document *document;
    struct diagnostics *diagnostics;
    struct slice folder; /* of the including file, as its path names it; with a '/' behind, or empty */
    struct node *root;   /* what is merged so far */
    char *seen[INCLUDE_FILES_MAX + 1]; /* canonical paths; the first one is the including file's, or NULL */
    size_t seen_count;
    size_t bytes;
    size_t weight;
    bool has_failed; /* a mistake was reported; reading went on */
};

static int include_refuse(struct includer *includer, const struct node *node, const char *what)
{
    diagnostics_add(includer->diagnostics, node->position, "include: %.*s: %s", SLICE_ARGS(node->text), what);
    includer->has_failed = true;
    return 0;
}

/* ---- merging ---- */

static int merge_map(struct includer *includer, struct node *into, const struct node *map, bool is_top);

static int append_items(struct includer *includer, struct node *list, struct node *value)
{
    if (value->kind == NODE_TEXT)
        return node_add(includer->document, list, NULL, value);
    int error = 0;
    for (struct entry *entry = value->first; entry && error == 0; entry = entry->next)
        error = node_add(includer->document, list, NULL, entry->value);
    return error;
}

static bool takes_list(const struct option *option)
{
    return option->kind == OPTION_TEXTS ||
           (option->kind == OPTION_SECTIONS && sections[option->child].short_key);
}

/* A container of its own to merge others into; a lone text where a list is expected becomes a list. */
static int copy_container(struct includer *includer, const struct node *key, struct node *value, bool is_top,
                          struct node **ret_copy)
{
    const struct option *option = is_top ? option_find(SECTION_TOP, key->text) : NULL;
    bool is_list = value->kind == NODE_LIST || (value->kind == NODE_TEXT && option && takes_list(option));
    *ret_copy = value;
    if (!is_list && value->kind == NODE_TEXT)
        return 0;
    struct node *copy = node_collection(includer->document, is_list ? NODE_LIST : NODE_MAP, value->position);
    if (copy == NULL)
        return -ENOMEM;
    *ret_copy = copy;
    return is_list ? append_items(includer, copy, value) : merge_map(includer, copy, value, false);
}

static int merge_new(struct includer *includer, struct node *into, struct node *key, struct node *value,
                     bool is_top)
{
    struct node *copy;
    int error = copy_container(includer, key, value, is_top, &copy);
    return error ? error : node_add(includer->document, into, key, copy);
}

static void report_twice(struct includer *includer, const struct node *key, const struct node *first)
{
    char where[POSITION_TEXT_MAX];
    diagnostics_add(includer->diagnostics, key->position, "\"%.*s\" is there twice%s",
                    (int)MIN(key->text.length, (size_t)80), key->text.data,
                    position_show(first->position, key->position.source, where));
    includer->has_failed = true;
}

static int merge_entry(struct includer *includer, struct node *into, const struct entry *entry, bool is_top)
{
    struct entry *there = into->first;
    while (there && !slice_equal(there->key->text, entry->key->text))
        there = there->next;
    if (there == NULL)
        return merge_new(includer, into, entry->key, entry->value, is_top);
    if (there->value->kind == NODE_LIST && entry->value->kind != NODE_MAP)
        return append_items(includer, there->value, entry->value);
    if (there->value->kind == NODE_MAP && entry->value->kind == NODE_MAP)
        return merge_map(includer, there->value, entry->value, false);
    report_twice(includer, entry->key, there->key);
    return 0;
}

static bool is_include(const struct node *key)
{
    return slice_equal(key->text, SLICE("include"));
}

/* The notes and anchors of an included file are its own. The first file that is seen is the including one. */
static bool is_note_of_included(const struct includer *includer, const struct node *key)
{
    return includer->seen_count > 1 && key_is_extension(key);
}

static int merge_map(struct includer *includer, struct node *into, const struct node *map, bool is_top)
{
    int error = 0;
    for (const struct entry *entry = map->first; entry && error == 0; entry = entry->next) {
        if (!is_top || !is_note_of_included(includer, entry->key))
            error = merge_entry(includer, into, entry, is_top);
    }
    return error;
}

/* ---- files ---- */

/* Returns whether the file is one that was not read yet; its canonical path is remembered. */
static bool include_is_new(struct includer *includer, char *path)
{
    for (size_t i = 0; i < includer->seen_count; i++) {
        if (includer->seen[i] && strcmp(includer->seen[i], path) == 0)
            return false;
    }
    includer->seen[includer->seen_count++] = path;
    return true;
}

static void check_no_include(struct includer *includer, const struct node *root)
{
    NODE_FOREACH(entry, root)
    {
        if (!is_include(entry->key))
            continue;
        diagnostics_add(includer->diagnostics, entry->key->position,
                        "an included file cannot include others");
        includer->has_failed = true;
    }
}

static int merge_file(struct includer *includer, const struct node *root, const struct node *pattern)
{
    check_no_include(includer, root);
    includer->weight += root->weight;
    if (includer->weight > DOCUMENT_NODES_MAX)
        return include_refuse(includer, pattern, "more than 50000 entries in all files together");
    return merge_map(includer, includer->root, root, true);
}

static int include_read_file(struct includer *includer, const char *path, const struct node *pattern)
{
    struct document *document = includer->document;
    struct node *root = document->root;
    document->root = node_collection(document, NODE_MAP, (struct source_position){0});
    int error = -ENOMEM;
    if (document->root)
        error = file_load(path, pattern->position, includer->diagnostics, document, &includer->bytes);
    if (error == 0 && includer->bytes > INCLUDE_BYTES_MAX)
        error = include_refuse(includer, pattern, "longer than 4 MiB, all files together");
    else if (error == 0)
        error = merge_file(includer, document->root, pattern);
    document->root = root;
    includer->has_failed |= error == ERROR_SYNTAX;
    return error == ERROR_SYNTAX ? 0 : error;
}

static int include_path(struct includer *includer, const char *path, const struct node *pattern, bool is_wild)
{
    if (includer->seen_count > INCLUDE_FILES_MAX)
        return include_refuse(includer, pattern, "more than 1000 files");
    char real[PATH_MAX];
    int error = sys_real_path(path, real);
    if (error && error != -ENOMEM)
        return include_refuse(includer, pattern, error_text(error));
    char *canonical = error ? NULL : strdup(real);
    if (canonical == NULL)
        return -ENOMEM;
    bool is_own = includer->seen[0] && strcmp(includer->seen[0], canonical) == 0;
    if (include_is_new(includer, canonical))
        return include_read_file(includer, path, pattern);
    free(canonical);
    return is_own && !is_wild ? include_refuse(includer, pattern, "this is the file itself") : 0;
}

/* ---- patterns ---- */

/* The pattern with the folder of the including file before it, in which no character is a wildcard where
 * `is_wild`; NULL without memory. */
static const char *include_place(struct includer *includer, struct slice pattern, bool is_wild)
{
    struct slice folder = slice_starts_with(pattern, SLICE("/")) ? (struct slice){0} : includer->folder;
    struct buffer path;
    buffer_init(&path, 1u << 20);
    for (size_t i = 0; i < folder.length; i++) {
        if (is_wild && strchr("*?[\\", folder.data[i]))
            buffer_append_byte(&path, '\\');
        buffer_append_byte(&path, folder.data[i]);
    }
    buffer_append(&path, pattern);
    const char *copy = path.failed ? NULL : arena_string(&includer->document->arena, buffer_slice(&path));
    buffer_finish(&path);
    return copy;
}

static int include_matches(struct includer *includer, const char *path, const struct node *pattern)
{
    struct glob_matches matches;
    int error = sys_glob(path, &matches);
    if (error)
        return error == -ENOMEM ? error : include_refuse(includer, pattern, error_text(error));
    for (size_t i = 0; i < matches.list.gl_pathc && error == 0; i++)
        error = include_path(includer, matches.list.gl_pathv[i], pattern, true);
    sys_glob_free(&matches);
    return error;
}

/* Entries that are empty or not texts are reported by the loader. */
static int include_pattern(struct includer *includer, const struct node *pattern)
{
    if (pattern->kind != NODE_TEXT || pattern->text.length == 0)
        return 0;
    bool is_wild = sys_glob_has_wildcards(pattern->text.data);
    const char *path = include_place(includer, pattern->text, is_wild);
    if (path == NULL)
        return -ENOMEM;
    return is_wild ? include_matches(includer, path, pattern) : include_path(includer, path, pattern, false);
}

static int include_all(struct includer *includer, const struct node *include)
{
    if (include->kind == NODE_TEXT)
        return include_pattern(includer, include);
    int error = 0;
    for (const struct entry *entry = include->first; entry && error == 0; entry = entry->next)
        error = include_pattern(includer, entry->value);
    return error;
}

static int include_expand_node(struct includer *includer, const struct node *include)
{
    struct document *document = includer->document;
    includer->root = node_collection(document, NODE_MAP, document->root->position);
    if (includer->root == NULL)
        return -ENOMEM;
    int error = merge_map(includer, includer->root, document->root, true);
    if (error == 0 && include->kind != NODE_MAP)
        error = include_all(includer, include);
    if (error == 0)
        document->root = includer->root;
    if (error == ERROR_LIMIT)
        error = include_refuse(includer, include, "more than 50000 entries in all files together");
    return error;
}

int include_expand(struct document *document, const char *path, struct diagnostics *diagnostics)
{
    const struct node *include = node_get(document->root, SLICE("include"));
    if (include == NULL)
        return 0;
    struct includer *includer = calloc(1, sizeof(*includer));
    if (includer == NULL)
        return -ENOMEM;
    const char *slash = strrchr(path, '/');
    char real[PATH_MAX];
    bool is_file = strcmp(path, "-") != 0 && sys_real_path(path, real) == 0;
    *includer = (struct includer){
        .document = document,
        .diagnostics = diagnostics,
        .folder = slash ? slice_make(path, (size_t)(slash - path) + 1) : (struct slice){0},
        .seen = {is_file ? strdup(real) : NULL},
        .seen_count = 1,
        .weight = document->root->weight,
    };
    int error = include_expand_node(includer, include);
    if (error == 0 && includer->has_failed)
        error = ERROR_SYNTAX;
    for (size_t i = 0; i < includer->seen_count; i++)
        free(includer->seen[i]);
    free(includer);
    return error;
}
