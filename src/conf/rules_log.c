/* The rule for formats of the access log. */
#include "conf/rules.h"

#include "conf/nearest.h"
#include "log/log_template.h"

#include <stdio.h>

#define FAULT_BYTES_MAX 256

/* In memory of the arena, as the message names what was misspelt. */
static const char *describe_unknown(const struct rule_context *context, struct slice field)
{
    char hint[NEAREST_HINT_MAX];
    struct nearest nearest = nearest_begin(field);
    for (size_t i = 0; log_field_names[i]; i++)
        nearest_offer(&nearest, slice_from(log_field_names[i]));
    char *text = arena_alloc(context->arena, FAULT_BYTES_MAX);
    if (text == NULL)
        return "it has an unknown field";
    struct slice shown = slice_take(field, MIN(field.length, (size_t)64));
    snprintf(text, FAULT_BYTES_MAX, "there is no field \"%.*s\"%s", SLICE_ARGS(shown),
             nearest_hint(&nearest, hint));
    return text;
}

static const char *check_log_template(const struct rule_context *context, struct slice *text)
{
    struct log_template template;
    struct log_template_fault fault;
    if (text->length == 0)
        return "it is empty";
    if (log_template_read(*text, &template, &fault))
        return NULL;
    return fault.text ? fault.text : describe_unknown(context, fault.field);
}

const struct text_rule rule_log_template = {
    "template",
    "text with fields, such as \"{client} {status}\"",
    NULL,
    check_log_template,
    .says_all = true,
    .is_literal = true,
};
