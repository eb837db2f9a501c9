/* One entry per option: possible values, default, meaning. */
#include "conf/manual.h"

#include "conf/options.h"

#include <stdio.h>

#define REMARK_BYTES_MAX 512

const char manual_example[] = "listen: [\":8080\", \"unix:vif.sock\"]\n"
                              "log:\n"
                              "  access: {path: access.log, format: json}\n"
                              "limits: {body: 10MiB}\n"
                              "timeouts: {idle: 30s}\n"
                              "sites:\n"
                              "  - hosts: [example.com, \"*.example.com\"]\n"
                              "    headers: {set: {X-Content-Type-Options: nosniff}}\n"
                              "    routes:\n"
                              "      /:\n"
                              "        files:\n"
                              "          root: public\n"
                              "          cache: {\"/assets/*\": \"max-age=31536000, immutable\"}\n"
                              "          error_pages: {404: 404.html}\n"
                              "      /old: {redirect: \"https://example.com/new{path}\"}\n"
                              "      /health: {respond: \"ok\"}\n"
                              "  - routes:\n"
                              "      /: {files: public}\n";

static const char *const notation =
    "The file is YAML, which includes JSON. Sizes are in bytes, or have a unit: `64KiB`, `1MiB`, `2GiB` "
    "(`k`, `m`, `g` mean the same; `kB`, `MB`, `GB` are powers of ten). Durations have units: `500ms`, "
    "`10s`, `1m30s`, `2h`, `1d`. A single value may be written in place of a list. Relative paths begin "
    "at the folder of the file that contains them. `${NAME}` is replaced by an environment variable, "
    "`${NAME:-default}` also if that is unset or empty; `$${` is a literal `${`. Keys that begin with "
    "`x-` are ignored: use them for notes, and for anchors (`x-common: &common {...}`) that other places "
    "refer to by `*common` or `<<: *common`. `vif check` reports all mistakes at once. `vif schema` "
    "prints a JSON Schema; editors use it if the first line of the file is `# yaml-language-server: "
    "$schema=vif.json`.";

/* "`a`, `b` or `c`". */
static void append_words(struct buffer *out, const char *const *words)
{
    for (size_t i = 0; words[i]; i++)
        buffer_printf(out, "%s`%s`", i == 0 ? "" : words[i + 1] ? ", " : " or ", words[i]);
}

static void append_range(struct buffer *out, const char *noun, const struct option *option)
{
    char range[OPTION_TEXT_MAX];
    buffer_printf(out, "%s from %s", noun, option_range(option, range));
}

static void append_kind(struct buffer *out, const struct option *option)
{
    switch (option->kind) {
    case OPTION_BOOL: buffer_append(out, SLICE("`true` or `false`")); break;
    case OPTION_NUMBER: append_range(out, "number", option); break;
    case OPTION_BYTES: append_range(out, "size", option); break;
    case OPTION_DURATION: append_range(out, "duration", option); break;
    case OPTION_WORD: append_words(out, option->words); break;
    case OPTION_TEXT: buffer_printf(out, "%s", option->rule->name); break;
    case OPTION_TEXTS: buffer_printf(out, "list, each %s", option->rule->expected); break;
    case OPTION_PAIRS: buffer_printf(out, "map, %s: %s", option->key_rule->name, option->rule->name); break;
    case OPTION_SECTION:
        buffer_printf(out, "%ssee %s below", option->is_switch ? "`true`, `false`, or " : "",
                      sections[option->child].path);
        break;
    case OPTION_SECTIONS: buffer_printf(out, "list, see %s below", sections[option->child].path); break;
    case OPTION_SECTION_MAP:
        buffer_printf(out, "map, %s: see %s below", option->key_rule->name, sections[option->child].path);
        break;
    }
    if (option->zero)
        buffer_printf(out, ", or `%s`", option->zero);
}

static void append_remark(struct buffer *out, const struct option *option)
{
    char fallback_buffer[OPTION_TEXT_MAX];
    const char *fallback = option_default(option, fallback_buffer);
    append_kind(out, option);
    if (option->is_required)
        buffer_append(out, SLICE("; required"));
    else if (fallback && fallback[0])
        buffer_printf(out, "; default `%s`", fallback);
    if (option->example)
        buffer_printf(out, "; such as `%s`", option->example);
}

static void print_option(const struct manual_page *page, const struct option *option)
{
    struct buffer remark;
    buffer_init(&remark, REMARK_BYTES_MAX);
    append_remark(&remark, option);
    buffer_append_byte(&remark, '\0');
    if (remark.failed)
        page->out->failed = true;
    else
        page_entry(page, option->key, remark.data, option->description);
    buffer_finish(&remark);
}

void manual_print(const struct manual_page *page, unsigned level)
{
    page_heading(page, level, level == 1 && page->format == PAGE_MAN ? "CONFIGURATION" : "Configuration");
    page_paragraph(page, notation);
    page_code(page, manual_example);
    for (enum option_section section = 0; section < SECTION_COUNT; section++) {
        page_heading(page, level + 1,
                     section == SECTION_TOP ? "The top of the file" : sections[section].path);
        if (section != SECTION_TOP)
            page_paragraph(page, sections[section].description);
        for (const struct option *option = NULL; (option = option_next(section, option)) != NULL;)
            print_option(page, option);
    }
}
