/* Variables are replaced after parsing YAML, so that a variable's value is a single text and cannot add
 * options. */
#include "conf/variables.h"

#include <stdlib.h>

/* A longer name is a mistake. */
#define NAME_BYTES_MAX 128

static size_t find_dollar_brace(struct slice text)
{
    size_t at = 0;
    for (;;) {
        at += slice_find(slice_skip(text, at), '$');
        if (at + 1 >= text.length)
            return text.length;
        if (text.data[at + 1] == '{')
            return at;
        at++;
    }
}

bool variables_are_in(struct slice text)
{
    return find_dollar_brace(text) < text.length;
}

static bool variables_is_name(struct slice name)
{
    if (name.length == 0 || name.length > NAME_BYTES_MAX || (name.data[0] >= '0' && name.data[0] <= '9'))
        return false;
    for (size_t i = 0; i < name.length; i++) {
        char byte = ascii_lower(name.data[i]);
        if (!(byte >= 'a' && byte <= 'z') && !(byte >= '0' && byte <= '9') && byte != '_')
            return false;
    }
    return true;
}

static const char *value_of(struct slice name)
{
    char text[NAME_BYTES_MAX + 1];
    memcpy(text, name.data, name.length);
    text[name.length] = '\0';
    return getenv(text);
}

/* `inside` is what stands between the braces. */
static bool replace_one(struct slice inside, struct source_position position, struct diagnostics *diagnostics,
                        struct buffer *out)
{
    struct slice name = slice_take(inside, slice_find(inside, ':'));
    bool has_default = slice_starts_with(slice_skip(inside, name.length), SLICE(":-"));
    if (!variables_is_name(name) || (name.length < inside.length && !has_default)) {
        diagnostics_add(diagnostics, position,
                        "\"${%.*s}\" is no variable: write ${NAME} or ${NAME:-default}, and $${ for \"${\"",
                        (int)MIN(inside.length, (size_t)80), inside.data);
        return false;
    }
    struct slice value = slice_from(value_of(name));
    if (value.length == 0 && has_default)
        value = slice_skip(inside, name.length + 2);
    else if (value.data == NULL) {
        diagnostics_add(diagnostics, position,
                        "the environment variable %.*s is not set; ${%.*s:-value} would give it a default",
                        SLICE_ARGS(name), SLICE_ARGS(name));
        return false;
    }
    buffer_append(out, value);
    return true;
}

bool variables_replace(struct slice text, struct source_position position, struct diagnostics *diagnostics,
                       struct buffer *out)
{
    bool is_good = true;
    for (;;) {
        size_t start = find_dollar_brace(text);
        if (start == text.length)
            break;
        bool is_escaped = start > 0 && text.data[start - 1] == '$';
        buffer_append(out, slice_take(text, is_escaped ? start - 1 : start));
        text = slice_skip(text, start + 2);
        if (is_escaped) {
            buffer_append(out, SLICE("${"));
            continue;
        }
        size_t end = slice_find(text, '}');
        is_good &= replace_one(slice_take(text, end), position, diagnostics, out);
        text = slice_skip(text, MIN(end + 1, text.length));
    }
    buffer_append(out, text);
    return is_good;
}
