/* Flags are collected as texts first, as they may come in any order and --quick changes what the others begin
 * with. */
#include "cli/lab_arguments.h"

#include "base/buffer.h"
#include "conf/nearest.h"
#include "conf/quantity.h"

#include <stdio.h>

#define PORT_DEFAULT 8080
/* Shorter, and the last note of a load would be its first one: see lab/run/drive.c. */
#define DURATION_MS_LEAST 500

const char *const lab_scenario_names[] = {"throughput", "idle", "slow", "blocking", "limit", NULL};

const char lab_help_text[] = "vif lab [OPTION]...        measure what each server architecture costs, here\n"
                             "vif lab --serve MODEL [DIR]    serve a folder (this one) as one of them does\n"
                             "\n"
                             "Writes lab.json and lab.html, with plots, and prints a table. Ctrl-C ends it;\n"
                             "what was measured by then is kept.\n"
                             "\n"
                             "    --list                list the models, and what each is\n"
                             "    --quick               take less than two minutes instead of about ten\n"
                             "    --models NAMES        only these, by commas\n"
                             "    --scenarios NAMES     only these, by commas: throughput, idle, slow,\n"
                             "                          blocking, limit\n"
                             "    --connections NUMBERS the counts of the throughput, by commas\n"
                             "    --duration TIME       of each load, such as 2s\n"
                             "    --out DIR             where the files go (this folder)\n"
                             "    --page FILE           only make lab.html again, of an earlier lab.json\n"
                             "    --port N              of --serve (8080); 0 picks a free one\n";

/* --- reading --- */

enum lab_flag {
    LAB_FLAG_QUICK,
    LAB_FLAG_MODELS,
    LAB_FLAG_SCENARIOS,
    LAB_FLAG_CONNECTIONS,
    LAB_FLAG_DURATION,
    LAB_FLAG_OUT,
    LAB_FLAG_LIST,
    LAB_FLAG_PAGE,
    LAB_FLAG_SERVE,
    LAB_FLAG_PORT,
    LAB_FLAG_HELP,
    LAB_FLAG_COUNT,
};

static const struct {
    const char *name;
    bool takes_value;
} flags[LAB_FLAG_COUNT] = {
    [LAB_FLAG_QUICK] = {"--quick", false},        [LAB_FLAG_MODELS] = {"--models", true},
    [LAB_FLAG_SCENARIOS] = {"--scenarios", true}, [LAB_FLAG_CONNECTIONS] = {"--connections", true},
    [LAB_FLAG_DURATION] = {"--duration", true},   [LAB_FLAG_OUT] = {"--out", true},
    [LAB_FLAG_LIST] = {"--list", false},          [LAB_FLAG_PAGE] = {"--page", true},
    [LAB_FLAG_SERVE] = {"--serve", true},         [LAB_FLAG_PORT] = {"--port", true},
    [LAB_FLAG_HELP] = {"--help", false},
};

/* What was given: NULL where it was not, "" for a flag without a value. */
struct words {
    const char *values[LAB_FLAG_COUNT];
    const char *operand;
};

static bool refuse(const char *what, struct slice word, const char *hint)
{
    fprintf(stderr, "vif lab: %s \"%.*s\"%s\n", what, SLICE_ARGS(word), hint);
    return false;
}

static bool refuse_unknown_flag(struct slice word)
{
    char hint[NEAREST_HINT_MAX];
    struct nearest nearest = nearest_begin(word);
    for (size_t i = 0; i < LAB_FLAG_COUNT; i++)
        nearest_offer(&nearest, slice_from(flags[i].name));
    nearest_hint(&nearest, hint);
    return refuse("unknown option", word, hint[0] ? hint : " (see vif lab --help)");
}

/* "--name VALUE" or "--name=VALUE". */
static bool read_flag(struct words *words, const char *word, char *const **rest)
{
    struct slice whole = slice_from(word);
    size_t equals = slice_find(whole, '=');
    struct slice name = slice_take(whole, equals);
    size_t flag = 0;
    while (flag < LAB_FLAG_COUNT && !slice_equal(name, slice_from(flags[flag].name)))
        flag++;
    if (flag == LAB_FLAG_COUNT)
        return refuse_unknown_flag(name);
    const char *value = equals < whole.length ? word + equals + 1 : NULL;
    if (!flags[flag].takes_value && value)
        return refuse("this option takes no value:", whole, "");
    if (flags[flag].takes_value && value == NULL)
        value = **rest ? *(*rest)++ : NULL;
    if (flags[flag].takes_value && value == NULL)
        return refuse("this option needs a value:", name, "");
    words->values[flag] = value ? value : "";
    return true;
}

static bool read_words(struct words *ret_words, char *const *rest)
{
    *ret_words = (struct words){0};
    while (*rest) {
        const char *word = *rest++;
        if (strcmp(word, "-h") == 0)
            word = flags[LAB_FLAG_HELP].name;
        if (word[0] == '-') {
            if (!read_flag(ret_words, word, &rest))
                return false;
        } else if (ret_words->operand) {
            return refuse("one word too many:", slice_from(word), "");
        } else {
            ret_words->operand = word;
        }
    }
    return true;
}

/* --- meaning --- */

static const struct lab_model *find_model(struct slice name)
{
    char hint[NEAREST_HINT_MAX];
    const struct lab_model *found = lab_model_find(name);
    if (found)
        return found;
    struct nearest nearest = nearest_begin(name);
    for (const struct lab_model *model = lab_models; model->name; model++)
        nearest_offer(&nearest, slice_from(model->name));
    nearest_hint(&nearest, hint);
    refuse("there is no model", name, hint[0] ? hint : " (see vif lab --list)");
    return NULL;
}

static bool choose_models(struct lab_options *options, const char *text)
{
    struct slice rest = slice_from(text);
    struct slice name;
    options->model_count = 0;
    if (text == NULL) {
        for (const struct lab_model *model = lab_models; model->name; model++) {
            assert(options->model_count < LAB_MODELS_MAX);
            options->models[options->model_count++] = model;
        }
        return true;
    }
    while (slice_next(&rest, ',', &name)) {
        if (options->model_count == LAB_MODELS_MAX)
            return refuse("too many models:", slice_from(text), "");
        const struct lab_model *model = find_model(name);
        if (model == NULL)
            return false;
        options->models[options->model_count++] = model;
    }
    return true;
}

static bool choose_scenarios(struct lab_settings *settings, const char *text)
{
    struct slice rest = slice_from(text);
    struct slice name;
    if (text == NULL)
        return true;
    settings->is_custom = true;
    settings->scenarios = 0;
    while (slice_next(&rest, ',', &name)) {
        unsigned bit = 1;
        size_t i = 0;
        while (lab_scenario_names[i] && !slice_equal(name, slice_from(lab_scenario_names[i])))
            i++;
        if (lab_scenario_names[i] == NULL)
            return refuse("there is no scenario", name, " (throughput, idle, slow, blocking, limit)");
        settings->scenarios |= bit << i;
    }
    return true;
}

static bool choose_connections(struct lab_settings *settings, const char *text,
                               const struct lab_machine *machine)
{
    struct slice rest = slice_from(text);
    struct slice part;
    uint64_t before = 0;
    if (text == NULL)
        return true;
    settings->is_custom = true;
    settings->connection_count = 0;
    while (slice_next(&rest, ',', &part)) {
        uint64_t count;
        if (!slice_to_u64(part, &count) || count <= before)
            return refuse("--connections takes numbers from 1 up, each above the one before; not", part, "");
        if (count + 100 > machine->descriptors_max)
            return refuse("too many connections for the limit of descriptors (ulimit -n):", part, "");
        if (settings->connection_count == LAB_POINTS_MAX)
            return refuse("--connections takes at most 8 numbers, not", slice_from(text), "");
        settings->connections[settings->connection_count++] = (unsigned)count;
        before = count;
    }
    return settings->connection_count > 0 || refuse("--connections takes numbers, not", slice_from(text), "");
}

static bool choose_duration(struct lab_settings *settings, const char *text)
{
    uint64_t ms;
    if (text == NULL)
        return true;
    settings->is_custom = true;
    if (!quantity_read_duration(slice_from(text), &ms) || ms < DURATION_MS_LEAST || ms > 3600000)
        return refuse("--duration takes a time from 500ms to 1h, such as 2s; not", slice_from(text), "");
    settings->duration_ms = (unsigned)ms;
    return true;
}

static bool choose_port(struct lab_arguments *arguments, const char *text)
{
    uint64_t port = PORT_DEFAULT;
    if (text && (!slice_to_u64(slice_from(text), &port) || port > 65535))
        return refuse("--port takes a number from 0 to 65535, not", slice_from(text), "");
    arguments->port = (uint16_t)port;
    return true;
}

static enum lab_action action_of(const struct words *words)
{
    return words->values[LAB_FLAG_HELP]    ? LAB_ACTION_HELP
           : words->values[LAB_FLAG_LIST]  ? LAB_ACTION_LIST
           : words->values[LAB_FLAG_SERVE] ? LAB_ACTION_SERVE
           : words->values[LAB_FLAG_PAGE]  ? LAB_ACTION_PAGE
                                           : LAB_ACTION_RUN;
}

static bool choose_serving(struct lab_arguments *arguments, const struct words *words)
{
    const char *name = words->values[LAB_FLAG_SERVE];
    arguments->folder = words->operand ? words->operand : ".";
    if (name)
        arguments->model = find_model(slice_from(name));
    return (name == NULL || arguments->model) && choose_port(arguments, words->values[LAB_FLAG_PORT]);
}

bool lab_arguments_read(struct lab_arguments *arguments, const struct lab_machine *machine,
                        char *const *words)
{
    struct words given;
    struct lab_settings *settings = &arguments->options.settings;
    if (!read_words(&given, words))
        return false;
    const char *const *values = given.values;
    *arguments = (struct lab_arguments){
        .action = action_of(&given),
        .out = values[LAB_FLAG_OUT] ? values[LAB_FLAG_OUT] : ".",
        .page = values[LAB_FLAG_PAGE],
    };
    if (given.operand && arguments->action != LAB_ACTION_SERVE)
        return refuse("a folder is for --serve only:", slice_from(given.operand), "");
    lab_settings_init(settings, values[LAB_FLAG_QUICK] != NULL, machine);
    return choose_models(&arguments->options, values[LAB_FLAG_MODELS]) &&
           choose_scenarios(settings, values[LAB_FLAG_SCENARIOS]) &&
           choose_connections(settings, values[LAB_FLAG_CONNECTIONS], machine) &&
           choose_duration(settings, values[LAB_FLAG_DURATION]) && choose_serving(arguments, &given);
}
