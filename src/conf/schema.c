/* A walk over the table: a schema for each kind of value, an object for each section. Texts may be numbers in
 * the file, since YAML readers make numbers of what looks like one. Ajv takes it in strict mode, which the
 * tests see to. Read write_section first. */
#include "conf/schema.h"

#include "conf/options.h"
#include "conf/yaml.h"
#include "http/json.h"

#include <errno.h>

struct schema {
    struct json json;
    bool out_of_memory;
};

static void write_section(struct schema *schema, enum option_section section);
static void write_choices(struct schema *schema, const struct option *option);

/* --- members --- */

static void member(struct schema *schema, const char *key, const char *text)
{
    json_key(&schema->json, key);
    json_string(&schema->json, slice_from(text));
}

static void member_raw(struct schema *schema, const char *key, const char *text)
{
    json_key(&schema->json, key);
    json_raw(&schema->json, slice_from(text));
}

static void member_number(struct schema *schema, const char *key, uint64_t number)
{
    json_key(&schema->json, key);
    json_number(&schema->json, number);
}

/* A text as YAML readers type it: a truth value or a number where it looks like one, else a string. Readers
 * differ about "0660". */
static void write_scalar(struct schema *schema, struct slice text)
{
    uint64_t number;
    bool is_number = slice_to_u64(text, &number) && (text.data[0] != '0' || text.length == 1);
    if (slice_equal(text, SLICE("true")) || slice_equal(text, SLICE("false")) || is_number)
        json_raw(&schema->json, text);
    else
        json_string(&schema->json, text);
}

static void write_node(struct schema *schema, const struct node *node)
{
    if (node->kind == NODE_TEXT) {
        write_scalar(schema, node->text);
        return;
    }
    bool is_map = node->kind == NODE_MAP;
    json_begin(&schema->json, is_map ? '{' : '[');
    NODE_FOREACH(entry, node)
    {
        if (is_map)
            json_key(&schema->json, entry->key->text.data);
        write_node(schema, entry->value);
    }
    json_end(&schema->json, is_map ? '}' : ']');
}

/* The example is YAML, so it goes the way of a configuration. */
static void write_example(struct schema *schema, const char *example)
{
    struct diagnostics diagnostics;
    struct document document = {0};
    struct buffer text;
    buffer_init(&text, 4096);
    diagnostics_init(&diagnostics);
    buffer_printf(&text, "example: %s\n", example);
    const struct source_text *source = NULL;
    if (!text.failed)
        source = diagnostics_add_source(&diagnostics, SLICE("example"), buffer_slice(&text), true);
    if (source && document_init(&document) == 0 && yaml_read(source, &diagnostics, &document) == 0) {
        json_key(&schema->json, "examples");
        json_begin(&schema->json, '[');
        write_node(schema, node_get(document.root, SLICE("example")));
        json_end(&schema->json, ']');
    } else {
        schema->out_of_memory = true;
    }
    document_finish(&document);
    diagnostics_finish(&diagnostics);
    buffer_finish(&text);
}

/* --- values --- */

static void write_const(struct schema *schema, const char *text)
{
    json_begin(&schema->json, '{');
    json_key(&schema->json, "const");
    write_scalar(schema, slice_from(text));
    json_end(&schema->json, '}');
}

static void write_type(struct schema *schema, const char *type)
{
    json_begin(&schema->json, '{');
    member(schema, "type", type);
    json_end(&schema->json, '}');
}

static void write_pattern(struct schema *schema, const char *pattern)
{
    json_begin(&schema->json, '{');
    member(schema, "type", "string");
    member(schema, "pattern", pattern);
    json_end(&schema->json, '}');
}

/* What is put in place of ${NAME} is known only when vif reads it. */
static void write_variable(struct schema *schema)
{
    write_pattern(schema, "\\$\\{");
}

/* What a text may be for readers that give its type to a scalar, each with a schema of its own: a choice of
 * types within one is what validators in strict mode refuse. */
static void write_text_choices(struct schema *schema, const struct text_rule *rule)
{
    if (rule->pattern) {
        write_pattern(schema, rule->pattern);
        write_variable(schema);
    } else {
        write_type(schema, "string");
    }
    write_type(schema, "number");
    if (rule->is_literal)
        write_type(schema, "boolean");
    if (rule == &rule_any)
        write_type(schema, "null");
}

static void write_rule(struct schema *schema, const struct text_rule *rule)
{
    json_begin(&schema->json, '{');
    json_key(&schema->json, "anyOf");
    json_begin(&schema->json, '[');
    write_text_choices(schema, rule);
    json_end(&schema->json, ']');
    json_end(&schema->json, '}');
}

static void write_integer(struct schema *schema, const struct option *option)
{
    json_begin(&schema->json, '{');
    member(schema, "type", "integer");
    member_number(schema, "minimum", option->min);
    member_number(schema, "maximum", option->max);
    json_end(&schema->json, '}');
}

static void write_quantity(struct schema *schema, const struct option *option)
{
    write_variable(schema);
    if (option->kind == OPTION_DURATION)
        write_pattern(schema, "^([0-9]+ *([mM][sS]|[sSmMhHdD]))+$");
    else
        write_integer(schema, option);
    if (option->kind == OPTION_DURATION && option->min == 0)
        write_const(schema, "0");
    if (option->kind == OPTION_BYTES)
        write_pattern(schema, "^[0-9]+ *([kKmMgGtT]([iI]?[bB])?|[bB])$");
    if (option->zero && option_takes_zero(option))
        write_const(schema, "0");
}

static void write_word(struct schema *schema, const struct option *option)
{
    json_begin(&schema->json, '{');
    json_key(&schema->json, "enum");
    json_begin(&schema->json, '[');
    for (size_t i = 0; option->words[i]; i++)
        write_scalar(schema, slice_from(option->words[i]));
    json_end(&schema->json, ']');
    json_end(&schema->json, '}');
}

static void write_texts(struct schema *schema, const struct option *option)
{
    write_text_choices(schema, option->rule);
    json_begin(&schema->json, '{');
    member(schema, "type", "array");
    member_number(schema, "minItems", option->min);
    member_number(schema, "maxItems", option->max);
    json_key(&schema->json, "items");
    write_rule(schema, option->rule);
    json_end(&schema->json, '}');
}

/* "x-anything" may be in any section. */
static void write_extensions(struct schema *schema)
{
    json_key(&schema->json, "^x-");
    json_raw(&schema->json, SLICE("true"));
}

/* Keys by a rule. What they are for comes next, then end_keys. */
static void begin_keys(struct schema *schema, const struct option *option)
{
    member_raw(schema, "additionalProperties", "false");
    json_key(&schema->json, "patternProperties");
    json_begin(&schema->json, '{');
    if (option->kind == OPTION_SECTION_MAP)
        write_extensions(schema);
    json_key(&schema->json, option->key_rule->pattern);
}

static void end_keys(struct schema *schema)
{
    json_end(&schema->json, '}');
}

static void write_pairs(struct schema *schema, const struct option *option)
{
    json_begin(&schema->json, '{');
    member(schema, "type", "object");
    member_number(schema, "maxProperties", option->max);
    begin_keys(schema, option);
    write_rule(schema, option->rule);
    end_keys(schema);
    json_end(&schema->json, '}');
}

/* What a lone text, or a list, may stand for in place of a section's map. */
static void write_lone_choices(struct schema *schema, enum option_section section)
{
    const char *short_key = sections[section].short_key;
    const char *list_key = sections[section].list_key;
    if (short_key)
        write_choices(schema, option_find(section, slice_from(short_key)));
    if (list_key)
        write_choices(schema, option_find(section, slice_from(list_key)));
}

static void write_sections(struct schema *schema, const struct option *option)
{
    json_begin(&schema->json, '{');
    member(schema, "type", "array");
    member_number(schema, "minItems", 1);
    if (option->max)
        member_number(schema, "maxItems", option->max);
    json_key(&schema->json, "items");
    json_begin(&schema->json, '{');
    json_key(&schema->json, "anyOf");
    json_begin(&schema->json, '[');
    write_section(schema, option->child);
    write_lone_choices(schema, option->child);
    json_end(&schema->json, ']');
    json_end(&schema->json, '}');
    json_end(&schema->json, '}');
}

static void write_section_map(struct schema *schema, const struct option *option)
{
    json_begin(&schema->json, '{');
    member(schema, "type", "object");
    member_number(schema, "minProperties", 1);
    begin_keys(schema, option);
    write_section(schema, option->child);
    end_keys(schema);
    json_end(&schema->json, '}');
}

/* The schemas of which a value must match one. */
static void write_choices(struct schema *schema, const struct option *option)
{
    switch (option->kind) {
    case OPTION_BOOL:
        write_const(schema, "true");
        write_const(schema, "false");
        write_variable(schema);
        break;
    case OPTION_NUMBER:
    case OPTION_BYTES:
    case OPTION_DURATION: write_quantity(schema, option); break;
    case OPTION_WORD:
        write_word(schema, option);
        write_variable(schema);
        break;
    case OPTION_TEXT: write_text_choices(schema, option->rule); break;
    case OPTION_TEXTS: write_texts(schema, option); break;
    case OPTION_PAIRS: write_pairs(schema, option); break;
    case OPTION_SECTION: write_section(schema, option->child); break;
    case OPTION_SECTIONS: write_sections(schema, option); break;
    case OPTION_SECTION_MAP: write_section_map(schema, option); break;
    }
    if (option->zero)
        write_const(schema, option->zero);
    if (option->is_switch) {
        write_const(schema, "true");
        write_const(schema, "false");
    }
    if (option->kind == OPTION_SECTION || option->kind == OPTION_SECTIONS)
        write_lone_choices(schema, option->child);
}

/* --- options and sections --- */

static void write_option(struct schema *schema, const struct option *option, bool is_old)
{
    char buffer[OPTION_TEXT_MAX];
    const char *fallback = option_default(option, buffer);
    json_begin(&schema->json, '{');
    member(schema, "description", option->description);
    if (is_old)
        member_raw(schema, "deprecated", "true");
    json_key(&schema->json, "anyOf");
    json_begin(&schema->json, '[');
    write_choices(schema, option);
    json_end(&schema->json, ']');
    if (fallback) {
        json_key(&schema->json, "default");
        write_scalar(schema, slice_from(fallback));
    }
    if (option->example)
        write_example(schema, option->example);
    json_end(&schema->json, '}');
}

/* "required", or one "required" for each alternative. */
static void write_required(struct schema *schema, enum option_section section)
{
    bool has_alternatives = false;
    json_key(&schema->json, "required");
    json_begin(&schema->json, '[');
    for (const struct option *option = NULL; (option = option_next(section, option)) != NULL;) {
        has_alternatives |= option->is_alternative;
        if (option->is_required)
            json_string(&schema->json, slice_from(option->key));
    }
    json_end(&schema->json, ']');
    if (!has_alternatives)
        return;
    json_key(&schema->json, "oneOf");
    json_begin(&schema->json, '[');
    for (const struct option *option = NULL; (option = option_next(section, option)) != NULL;) {
        if (!option->is_alternative)
            continue;
        json_begin(&schema->json, '{');
        json_key(&schema->json, "required");
        json_begin(&schema->json, '[');
        json_string(&schema->json, slice_from(option->key));
        json_end(&schema->json, ']');
        json_key(&schema->json, "properties");
        json_begin(&schema->json, '{');
        member_raw(schema, option->key, "true");
        json_end(&schema->json, '}');
        json_end(&schema->json, '}');
    }
    json_end(&schema->json, ']');
}

/* The members of a section's schema, without braces. */
static void write_section_members(struct schema *schema, enum option_section section)
{
    member_raw(schema, "type",
               section == SECTION_TOP || sections[section].short_key ? "\"object\""
                                                                     : "[\"object\", \"null\"]");
    member_raw(schema, "additionalProperties", "false");
    write_required(schema, section);
    json_key(&schema->json, "patternProperties");
    json_begin(&schema->json, '{');
    write_extensions(schema);
    json_end(&schema->json, '}');
    json_key(&schema->json, "properties");
    json_begin(&schema->json, '{');
    for (const struct option *option = NULL; (option = option_next(section, option)) != NULL;) {
        json_key(&schema->json, option->key);
        write_option(schema, option, false);
        if (option->old_key) {
            json_key(&schema->json, option->old_key);
            write_option(schema, option, true);
        }
    }
    json_end(&schema->json, '}');
}

static void write_section(struct schema *schema, enum option_section section)
{
    json_begin(&schema->json, '{');
    write_section_members(schema, section);
    json_end(&schema->json, '}');
}

int schema_print(struct buffer *out)
{
    struct schema schema = {.json = {.out = out}};
    json_begin(&schema.json, '{');
    member(&schema, "$schema", "https://json-schema.org/draft/2020-12/schema");
    member(&schema, "title", "Configuration of vif");
    write_section_members(&schema, SECTION_TOP);
    json_end(&schema.json, '}');
    buffer_append_byte(out, '\n');
    return schema.out_of_memory || out->failed ? -ENOMEM : 0;
}
