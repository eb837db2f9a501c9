/* Values of every kind but sections, read by the row that describes them and stored where it says. */
#include "conf/loader.h"
#include "conf/nearest.h"
#include "conf/quantity.h"

#include <stdio.h>

/* "files.listing" for messages. */
const char *loader_option_name(const struct option *option, char buffer[OPTION_TEXT_MAX])
{
    const char *path = sections[option->section].path;
    snprintf(buffer, OPTION_TEXT_MAX, "%s%s%s", path, path[0] ? "." : "", option->key);
    return buffer;
}

/* What was found where something else was expected. */
const char *loader_found(const struct node *node, char buffer[OPTION_TEXT_MAX])
{
    if (node->kind == NODE_LIST)
        return "a list";
    if (node->kind == NODE_MAP)
        return "a map";
    if (node->text.length == 0)
        return "nothing";
    int shown = (int)MIN(node->text.length, (size_t)40);
    snprintf(buffer, OPTION_TEXT_MAX, "\"%.*s%s\"", shown, node->text.data,
             (size_t)shown < node->text.length ? "…" : "");
    return buffer;
}

void loader_report_kind(struct loader *loader, const struct option *option, const struct node *node,
                        const char *expected)
{
    char name[OPTION_TEXT_MAX];
    char text[OPTION_TEXT_MAX];
    diagnostics_add(loader->diagnostics, node->position, "%s: expected %s, not %s",
                    loader_option_name(option, name), expected, loader_found(node, text));
}

static void *target(const struct loader *loader, const struct option *option)
{
    return (char *)loader->objects[option->object] + option->offset;
}

/* Allocates zeroed memory in the settings' arena; a failure is reported as -ENOMEM at the end. */
void *loader_allocate(struct loader *loader, size_t count, size_t size)
{
    void *memory = arena_zalloc(loader->arena, count * size + 1);
    loader->out_of_memory |= memory == NULL;
    return memory;
}

static bool is_zero_word(const struct option *option, struct slice text)
{
    bool truth;
    if (option->zero == NULL)
        return false;
    bool means_false = strcmp(option->zero, "false") == 0 && quantity_read_bool(text, &truth) && !truth;
    return means_false || slice_equal_nocase(text, slice_from(option->zero));
}

static void load_bool(struct loader *loader, const struct option *option, const struct node *node)
{
    if (node->kind != NODE_TEXT || !quantity_read_bool(node->text, target(loader, option)))
        loader_report_kind(loader, option, node, "true or false");
}

void loader_store(struct loader *loader, const struct option *option, uint64_t value)
{
    uint32_t narrow = (uint32_t)value;
    bool truth = value != 0;
    if (option->size == sizeof(truth)) {
        memcpy(target(loader, option), &truth, sizeof(truth));
    } else if (option->size == sizeof(narrow)) {
        assert(value <= UINT32_MAX);
        memcpy(target(loader, option), &narrow, sizeof(narrow));
    } else {
        assert(option->size == sizeof(value));
        memcpy(target(loader, option), &value, sizeof(value));
    }
}

/* Readers of YAML differ about 010: 10 or, in octal, 8. */
static bool has_leading_zero(struct slice text)
{
    return text.length > 1 && text.data[0] == '0' && text.data[1] >= '0' && text.data[1] <= '9';
}

static bool read_quantity(const struct option *option, struct slice text, uint64_t *ret_value)
{
    if (has_leading_zero(text))
        return false;
    if (option->kind == OPTION_BYTES)
        return quantity_read_bytes(text, ret_value);
    if (option->kind == OPTION_DURATION)
        return quantity_read_duration(text, ret_value);
    return slice_to_u64(text, ret_value);
}

static void load_quantity(struct loader *loader, const struct option *option, const struct node *node)
{
    uint64_t value = 0;
    bool is_zero = node->kind == NODE_TEXT && is_zero_word(option, node->text);
    bool is_number = node->kind == NODE_TEXT && read_quantity(option, node->text, &value);
    if (is_zero || (is_number && value == 0 && option_takes_zero(option)) ||
        (is_number && value >= option->min && value <= option->max)) {
        loader_store(loader, option, value);
        return;
    }
    char range[OPTION_TEXT_MAX];
    char expected[2 * OPTION_TEXT_MAX];
    const char *noun = option->kind == OPTION_DURATION ? "a duration such as \"10s\" from"
                       : option->kind == OPTION_BYTES  ? "a size from"
                                                       : "a number from";
    snprintf(expected, sizeof(expected), "%s %s%s%s", noun, option_range(option, range),
             option->zero ? ", or " : "", option->zero ? option->zero : "");
    loader_report_kind(loader, option, node, expected);
}

/* "301, 302 or 308", cut where the room ends. */
static void list_words(const struct option *option, char *text, size_t size)
{
    size_t length = 0;
    for (size_t i = 0; option->words[i] && length < size; i++) {
        const char *between = i == 0 ? "" : option->words[i + 1] ? ", " : " or ";
        length += (size_t)snprintf(text + length, size - length, "%s%s", between, option->words[i]);
    }
}

static void load_word(struct loader *loader, const struct option *option, const struct node *node)
{
    struct nearest nearest = nearest_begin(node->text);
    for (size_t i = 0; node->kind == NODE_TEXT && option->words[i]; i++) {
        struct slice word = slice_from(option->words[i]);
        uint64_t number = i;
        if (slice_equal(node->text, word)) {
            (void)slice_to_u64(word, &number);
            loader_store(loader, option, number);
            return;
        }
        nearest_offer(&nearest, word);
    }
    char words[128];
    char name[OPTION_TEXT_MAX];
    char text[OPTION_TEXT_MAX];
    char hint[NEAREST_HINT_MAX];
    list_words(option, words, sizeof(words));
    diagnostics_add(loader->diagnostics, node->position, "%s: expected %s, not %s%s",
                    loader_option_name(option, name), words, loader_found(node, text),
                    nearest_hint(&nearest, hint));
}

/* Without quotes, "false" and nothing at all have meanings of their own; where a path or a name is expected,
 * such a value is a mistake, and would be a file called "false". */
static bool is_meant_as_text(const struct text_rule *rule, const struct node *node)
{
    bool truth;
    if (!node->is_plain || rule == &rule_any)
        return true;
    return node->text.length > 0 && (rule->is_literal || !quantity_read_bool(node->text, &truth));
}

static void report_no_text(struct loader *loader, const struct option *option, const struct text_rule *rule,
                           const struct node *node)
{
    char name[OPTION_TEXT_MAX];
    char text[OPTION_TEXT_MAX];
    const char *hint = node->kind == NODE_MAP    ? "; a text that begins with \"{\" needs quotes"
                       : node->kind == NODE_LIST ? ""
                       : node->text.length > 0   ? ", a truth value; in quotes it would be a text"
                       : rule->is_literal        ? "; an empty text is written \"\""
                                                 : "";
    diagnostics_add(loader->diagnostics, node->position, "%s: expected %s, not %s%s",
                    loader_option_name(option, name), rule->expected, loader_found(node, text), hint);
}

/* Relative paths begin at the folder of the file that they stand in. */
static struct rule_context context_of(const struct loader *loader, const struct node *node)
{
    struct rule_context context = loader->rules;
    const struct source_text *source = node->position.source;
    if (source == NULL || source->folder.length == 0)
        return context;
    if (slice_equal(context.log_folder, context.base_folder))
        context.log_folder = source->folder;
    context.base_folder = source->folder;
    return context;
}

/* A text by its rule, in memory of the settings; false where it is not one, which is told. */
bool loader_read_text(struct loader *loader, const struct option *option, const struct text_rule *rule,
                      const struct node *node, struct slice *ret_text)
{
    if (node->kind != NODE_TEXT || (rule != option->key_rule && !is_meant_as_text(rule, node))) {
        report_no_text(loader, option, rule, node);
        return false;
    }
    struct slice text = arena_copy(loader->arena, node->text);
    struct rule_context context = context_of(loader, node);
    const char *fault = text.data ? rule->check(&context, &text) : NULL;
    if (fault) {
        char name[OPTION_TEXT_MAX];
        char shown[OPTION_TEXT_MAX];
        diagnostics_add(loader->diagnostics, node->position, "%s: %s: %s%s%s",
                        loader_option_name(option, name), loader_found(node, shown), fault,
                        rule->says_all ? "" : "; expected ", rule->says_all ? "" : rule->expected);
        return false;
    }
    const char *doubt = rule->doubt ? rule->doubt(&context, node->text) : NULL;
    if (doubt)
        diagnostics_warn(loader->diagnostics, node->position, "%s", doubt);
    loader->out_of_memory |= text.data == NULL;
    *ret_text = text;
    return text.data != NULL;
}

static void load_text(struct loader *loader, const struct option *option, const struct node *node)
{
    struct slice text = {0};
    bool is_none = node->kind == NODE_TEXT && is_zero_word(option, node->text);
    if (is_none || loader_read_text(loader, option, option->rule, node, &text))
        memcpy(target(loader, option), &text, sizeof(text));
}

bool loader_check_count(struct loader *loader, const struct option *option, const struct node *node,
                        const char *noun)
{
    uint64_t count = node->kind == NODE_TEXT ? 1 : node->entry_count;
    if (count >= option->min && count <= option->max)
        return true;
    char name[OPTION_TEXT_MAX];
    char range[OPTION_TEXT_MAX];
    diagnostics_add(loader->diagnostics, node->position, "%s: expected a %s of %s, not %llu",
                    loader_option_name(option, name), noun, option_range(option, range),
                    (unsigned long long)count);
    return false;
}

/* Makes room for `extra` more items behind those that the target has; what was there is copied, never
 * changed, since a route's fields begin as those of its site. */
char *loader_grow(struct loader *loader, const struct option *option, size_t extra)
{
    void *array;
    size_t *count = (size_t *)((char *)loader->objects[option->object] + option->count_offset);
    char *grown = loader_allocate(loader, *count + extra, option->item_size);
    if (grown == NULL)
        return NULL;
    memcpy(&array, target(loader, option), sizeof(array));
    if (*count > 0)
        memcpy(grown, array, *count * option->item_size);
    memcpy(target(loader, option), &grown, sizeof(grown));
    char *first_new = grown + *count * option->item_size;
    *count += extra;
    return first_new;
}

/* Hosts are unique among the sites of a listener, prefixes in their site. */
void loader_claim(struct loader *loader, const struct option *option, struct slice text,
                  const struct node *node)
{
    const struct site *site = loader->objects[OBJECT_SITE];
    struct claim claim = {
        .set = option->kind == OPTION_TEXTS && site ? &site->listener_set : NULL,
        .scope = option->kind == OPTION_SECTION_MAP ? (const void *)loader->scope : option,
        .what = option->key,
        .text = text,
        .position = node->position,
    };
    if (option->is_unique && !claims_add(&loader->claims, claim))
        loader->out_of_memory = true;
}

static void put_text_item(struct loader *loader, const struct option *option, const struct node *node,
                          char *item)
{
    struct slice text;
    if (!loader_read_text(loader, option, option->rule, node, &text))
        return;
    option->put(item, (struct slice){0}, text);
    loader_claim(loader, option, text, node);
}

static void load_texts(struct loader *loader, const struct option *option, const struct node *node)
{
    if (node->kind == NODE_TEXT && is_zero_word(option, node->text))
        return;
    if (node->kind == NODE_MAP)
        loader_report_kind(loader, option, node, "a list");
    if (node->kind == NODE_MAP || !loader_check_count(loader, option, node, "list"))
        return;
    bool is_lone = node->kind == NODE_TEXT;
    char *item = loader_grow(loader, option, is_lone ? 1 : node->entry_count);
    if (item && is_lone)
        put_text_item(loader, option, node, item);
    for (struct entry *entry = is_lone || !item ? NULL : node->first; entry; entry = entry->next) {
        put_text_item(loader, option, entry->value, item);
        item += option->item_size;
    }
}

static void load_pairs(struct loader *loader, const struct option *option, const struct node *node)
{
    if (node->kind != NODE_MAP)
        loader_report_kind(loader, option, node, "a map");
    if (node->kind != NODE_MAP || !loader_check_count(loader, option, node, "map"))
        return;
    char *item = loader_grow(loader, option, node->entry_count);
    for (struct entry *entry = item ? node->first : NULL; entry; entry = entry->next) {
        struct slice key;
        struct slice value;
        bool has_key = loader_read_text(loader, option, option->key_rule, entry->key, &key);
        bool has_value = loader_read_text(loader, option, option->rule, entry->value, &value);
        if (has_key && has_value)
            option->put(item, key, value);
        item += option->item_size;
    }
}

void loader_read_value(struct loader *loader, const struct option *option, const struct node *node)
{
    switch (option->kind) {
    case OPTION_BOOL: load_bool(loader, option, node); break;
    case OPTION_NUMBER:
    case OPTION_BYTES:
    case OPTION_DURATION: load_quantity(loader, option, node); break;
    case OPTION_WORD: load_word(loader, option, node); break;
    case OPTION_TEXT: load_text(loader, option, node); break;
    case OPTION_TEXTS: load_texts(loader, option, node); break;
    case OPTION_PAIRS: load_pairs(loader, option, node); break;
    case OPTION_SECTION:
    case OPTION_SECTIONS:
    case OPTION_SECTION_MAP: UNREACHABLE();
    }
}
