/* Reading is by getopt_long's conventions (-p8080, -p 8080, --port=8080, --port 8080, -qs), without its
 * abbreviations: a script that uses one would break when a flag is added. */
#include "cli/arguments.h"

#include "cli/addresses.h"
#include "cli/commands.h"
#include "conf/nearest.h"
#include "conf/options.h"

#include <errno.h>
#include <stdio.h>

/* --- reading --- */

/* Characters, as columns are counted. */
static unsigned arguments_width(struct slice text)
{
    unsigned count = 0;
    for (size_t i = 0; i < text.length; i++)
        count += ((unsigned char)text.data[i] & 0xc0) != 0x80;
    return count;
}

/* A value with a source of its own, which messages call `name`. */
static struct argument make_argument(struct arguments *arguments, const char *name, const char *text)
{
    struct slice copy = slice_from(text);
    const struct source_text *source =
        diagnostics_add_source(arguments->diagnostics, slice_from(name), copy, false);
    return (struct argument){
        .text = copy,
        .position = {.source = source, .line = 1, .column = 1, .length = arguments_width(copy)},
    };
}

static void arguments_report(struct arguments *arguments, const char *word, const char *text)
{
    diagnostics_add(arguments->diagnostics, (struct source_position){0}, "%s: %s", word, text);
}

static void report_unknown(struct arguments *arguments, const char *word, struct slice name)
{
    struct nearest nearest = nearest_begin(name);
    char hint[NEAREST_HINT_MAX] = "";
    for (size_t i = 0; i < flag_count; i++) {
        if (flags[i].commands & arguments->command)
            nearest_offer(&nearest, slice_from(flags[i].name));
    }
    if (nearest.best.data)
        snprintf(hint, sizeof(hint), "; did you mean --%s?", nearest.best.data);
    bool is_serve = arguments->command == FLAG_OF_SERVE;
    diagnostics_add(arguments->diagnostics, (struct source_position){0},
                    "unknown option %s%s (see vif %s%s--help)", word, hint,
                    is_serve ? "" : command_of(arguments->command)->name, is_serve ? "" : " ");
}

/* Two files would leave open which one counts. */
static void keep_config(struct arguments *arguments, const char *path)
{
    if (arguments->config)
        diagnostics_add(arguments->diagnostics, (struct source_position){0},
                        "unexpected -c %s: only one configuration file can be used, and -c %s came first",
                        path, arguments->config);
    else
        arguments->config = path;
}

static void arguments_keep(struct arguments *arguments, const struct flag *flag, const char *value)
{
    char name[32];
    snprintf(name, sizeof(name), "--%s", flag->name);
    if (arguments->given_count == ARGUMENTS_MAX) {
        arguments_report(arguments, name, "there are more than 256 options");
        return;
    }
    switch (flag->own) {
    case OWN_CONFIG: keep_config(arguments, value); return;
    case OWN_HELP: arguments->help = true; return;
    case OWN_VERSION: arguments->version = true; return;
    case OWN_QUIET: arguments->quiet = true; break;
    case OWN_NONE:
    case OWN_LOAD:
    case OWN_LAB:
    case OWN_MANUAL:
    case OWN_CERT:
    case OWN_TLS:
    case OWN_CONTROL:
    case OWN_PORT:
    case OWN_ADDRESS: break;
    }
    arguments->given[arguments->given_count++] = (struct given_flag){
        .flag = flag,
        .value = make_argument(arguments, name,
                               value            ? value
                               : flag->constant ? flag->constant
                                                : ""),
    };
}

/* Takes the next word as the value of a flag that needs one. */
static void keep_next(struct arguments *arguments, const struct flag *flag, char *const **words)
{
    if (**words == NULL) {
        char name[64];
        snprintf(name, sizeof(name), "--%s", flag->name);
        diagnostics_add(arguments->diagnostics, (struct source_position){0}, "%s needs a value: --%s %s",
                        name, flag->name, flag->value);
        return;
    }
    arguments_keep(arguments, flag, *(*words)++);
}

/* "--name" or "--name=value". */
static void read_long(struct arguments *arguments, const char *word, char *const **words)
{
    struct slice name = slice_from(word + 2);
    size_t equals = slice_find(name, '=');
    const char *value = equals < name.length ? name.data + equals + 1 : NULL;
    name = slice_take(name, equals);
    const struct flag *flag = flag_find(arguments->command, name);
    if (flag == NULL)
        report_unknown(arguments, word, name);
    else if (value && flag->value == NULL)
        arguments_report(arguments, word, "takes no value");
    else if (value || !flag_takes_value(flag))
        arguments_keep(arguments, flag, value);
    else
        keep_next(arguments, flag, words);
}

/* "-q", "-qs", "-p8080" or "-p". */
static void read_letters(struct arguments *arguments, const char *word, char *const **words)
{
    for (const char *letter = word + 1; *letter; letter++) {
        const struct flag *flag = flag_find_letter(arguments->command, *letter);
        if (flag == NULL) {
            report_unknown(arguments, word, slice_from(word + 1));
            return;
        }
        if (flag_takes_value(flag)) {
            if (letter[1])
                arguments_keep(arguments, flag, letter + 1);
            else
                keep_next(arguments, flag, words);
            return;
        }
        arguments_keep(arguments, flag, NULL);
    }
}

static void keep_more(struct arguments *arguments, const char *word)
{
    if (arguments->more_count == ARGUMENTS_MAX)
        arguments_report(arguments, word, "there are more than 256 words");
    else
        arguments->more[arguments->more_count++] = make_argument(arguments, "vif", word);
}

static void read_operand(struct arguments *arguments, const char *word)
{
    const struct command *command = command_of(arguments->command);
    struct source_position nowhere = {0};
    if (command->one_operand == NULL)
        diagnostics_add(arguments->diagnostics, nowhere, "unexpected argument \"%s\": vif %s takes none",
                        word, command->name);
    else if (arguments->operand.text.data && command->takes_more)
        keep_more(arguments, word);
    else if (arguments->operand.text.data)
        diagnostics_add(arguments->diagnostics, nowhere, "unexpected argument \"%s\" after \"%s\": %s", word,
                        arguments->operand.text.data, command->one_operand);
    else
        arguments->operand = make_argument(arguments, "vif", word);
}

/* The file may be given in two ways, of which one is enough. */
static void check_config(struct arguments *arguments)
{
    if (arguments->config && arguments->operand.text.data && !command_of(arguments->command)->takes_more)
        diagnostics_add(arguments->diagnostics, (struct source_position){0},
                        "unexpected argument \"%s\": the file is -c %s", arguments->operand.text.data,
                        arguments->config);
}

void arguments_read(struct arguments *arguments, unsigned command, char *const *words,
                    struct diagnostics *diagnostics)
{
    *arguments = (struct arguments){.diagnostics = diagnostics, .command = command};
    bool flags_ended = false;
    while (*words) {
        const char *word = *words++;
        if (flags_ended || word[0] != '-' || word[1] == '\0')
            read_operand(arguments, word);
        else if (strcmp(word, "--") == 0)
            flags_ended = true;
        else if (word[1] == '-')
            read_long(arguments, word, &words);
        else
            read_letters(arguments, word, &words);
    }
    check_config(arguments);
}

bool arguments_set(const struct arguments *arguments, const char *path)
{
    for (size_t i = 0; i < arguments->given_count; i++) {
        const char *set = arguments->given[i].flag->path;
        if (set && strcmp(set, path) == 0)
            return true;
    }
    return false;
}

bool arguments_want_tls(const struct arguments *arguments)
{
    bool wants = arguments_set(arguments, "sites.0.tls.certificate");
    for (size_t i = 0; i < arguments->given_count; i++)
        wants |= arguments->given[i].flag->own == OWN_TLS;
    return wants;
}

/* --- applying --- */

/* A path without its last step, and that step. */
static struct slice parent_path(struct slice path, struct slice *ret_last)
{
    size_t start = path.length;
    while (start > 0 && path.data[start - 1] != '.')
        start--;
    *ret_last = slice_skip(path, start);
    return slice_take(path, start > 0 ? start - 1 : 0);
}

/* A section of the file that is a lone text becomes a map with that text, so that a flag can change another
 * option beside it. */
static int expand_lone_text(struct document *document, struct slice path, const char *short_key)
{
    struct slice last;
    struct node *parent = document_find(document, parent_path(path, &last));
    struct node *text = parent && parent->kind == NODE_MAP ? node_get(parent, last) : NULL;
    if (text == NULL || text->kind != NODE_TEXT || short_key == NULL)
        return 0;
    struct node *map = node_collection(document, NODE_MAP, text->position);
    struct node *key = node_text(document, last, text->position);
    struct node *short_node = node_text(document, slice_from(short_key), text->position);
    int error = map && key && short_node ? node_add(document, map, short_node, text) : -ENOMEM;
    return error ? error : node_put(document, parent, key, map);
}

int document_set(struct document *document, struct slice path, struct argument value)
{
    struct slice last;
    struct slice section = parent_path(path, &last);
    const struct option *option = option_at(path);
    int error = expand_lone_text(document, section, sections[option->section].short_key);
    struct node *map = error ? NULL : document_reach(document, section, NODE_MAP, value.position);
    struct node *text = node_text(document, value.text, value.position);
    struct node *key = node_text(document, last, value.position);
    return map && text && key ? node_put(document, map, key, text) : -ENOMEM;
}

int document_append(struct document *document, struct node *list, struct argument value)
{
    struct node *text = node_text(document, value.text, value.position);
    return text ? node_add(document, list, NULL, text) : -ENOMEM;
}

/* The part of a value from `start` on, `length` bytes long. */
static struct argument argument_part(struct argument whole, size_t start, size_t length)
{
    struct argument part = whole;
    part.text = slice_take(slice_skip(whole.text, start), length);
    part.position.column += arguments_width(slice_take(whole.text, start));
    part.position.length = arguments_width(part.text);
    return part;
}

static int set_commas(struct document *document, const struct given_flag *given)
{
    struct node *list =
        document_reach(document, slice_from(given->flag->path), NODE_LIST, given->value.position);
    int error = list ? 0 : -ENOMEM;
    for (size_t start = 0; error == 0 && start <= given->value.text.length;) {
        size_t length = slice_find(slice_skip(given->value.text, start), ',');
        error = document_append(document, list, argument_part(given->value, start, length));
        start += length + 1;
    }
    return error;
}

/* The first '=' divides: values of cache rules have some, patterns with one need a file. */
static int set_pair(const struct arguments *arguments, struct document *document,
                    const struct given_flag *given)
{
    struct argument whole = given->value;
    size_t equals = slice_find(whole.text, '=');
    if (equals == 0 || equals == whole.text.length) {
        diagnostics_add(arguments->diagnostics, whole.position, "expected %s", given->flag->value);
        return 0;
    }
    struct node *map = document_reach(document, slice_from(given->flag->path), NODE_MAP, whole.position);
    struct argument key = argument_part(whole, 0, equals);
    struct argument value = argument_part(whole, equals + 1, whole.text.length - equals - 1);
    struct node *text = node_text(document, value.text, value.position);
    struct node *key_node = node_text(document, key.text, key.position);
    return map && text && key_node ? node_put(document, map, key_node, text) : -ENOMEM;
}

/* No access log, and of the error log only what somebody should look at. */
static int set_quiet(struct document *document)
{
    struct argument path = {.text = SLICE("false")};
    struct argument level = {.text = SLICE("warning")};
    int error = document_set(document, SLICE("log.access.path"), path);
    return error ? error : document_set(document, SLICE("log.error.level"), level);
}

static int apply(const struct arguments *arguments, struct document *document, const struct given_flag *given)
{
    switch (given->flag->action) {
    case FLAG_SET:
    case FLAG_CONSTANT:
    case FLAG_OPTIONAL: return document_set(document, slice_from(given->flag->path), given->value);
    case FLAG_COMMAS:
    case FLAG_OPTIONAL_COMMAS: return set_commas(document, given);
    case FLAG_PAIR: return set_pair(arguments, document, given);
    case FLAG_OWN: return 0;
    }
    UNREACHABLE();
}

int arguments_apply(const struct arguments *arguments, struct document *document)
{
    /* Applied first, so that flags about logs override it wherever they are. */
    int error = arguments->quiet ? set_quiet(document) : 0;
    if (error == 0)
        error = addresses_apply(arguments, document);
    for (size_t i = 0; error == 0 && i < arguments->given_count; i++)
        error = apply(arguments, document, &arguments->given[i]);
    return error;
}
