/* One row per flag: how its value is read, and the message for other values. --quick is applied first, as it
 * changes the defaults of the others. */
#include "cli/lab_flags.h"

#include "conf/nearest.h"
#include "conf/quantity.h"

#include <stdio.h>

#define PORT_DEFAULT      8080
#define DURATION_MS_LEAST 100
#define DURATION_MS_MOST  3600000
/* Of the limit, those that the client needs for itself. */
#define OWN_DESCRIPTORS 100

/* Reads a value; false where it is none. */
typedef bool read_value(struct lab_flags *wanted, const struct lab_machine *machine, struct slice value);

static bool read_models(struct lab_flags *wanted, const struct lab_machine *machine, struct slice value)
{
    struct slice name;
    (void)machine;
    wanted->options.model_count = 0;
    while (slice_next(&value, ',', &name)) {
        const struct lab_model *model = lab_model_find(name);
        if (model == NULL || wanted->options.model_count == LAB_MODELS_MAX)
            return false;
        wanted->options.models[wanted->options.model_count++] = model;
    }
    return wanted->options.model_count > 0;
}

const char *const lab_scenario_names[] = {"throughput", "idle",  "mostly-idle", "slow",
                                          "blocking",   "limit", NULL};

static bool read_scenarios(struct lab_flags *wanted, const struct lab_machine *machine, struct slice value)
{
    struct slice name;
    struct lab_settings *settings = &wanted->options.settings;
    (void)machine;
    settings->is_custom = true;
    settings->scenarios = 0;
    while (slice_next(&value, ',', &name)) {
        size_t i = 0;
        while (lab_scenario_names[i] && !slice_equal(name, slice_from(lab_scenario_names[i])))
            i++;
        if (lab_scenario_names[i] == NULL)
            return false;
        settings->scenarios |= 1u << i;
    }
    return settings->scenarios != 0;
}

static size_t connections_most(const struct lab_machine *machine)
{
    return machine->descriptors_max > OWN_DESCRIPTORS ? machine->descriptors_max - OWN_DESCRIPTORS : 0;
}

static bool lab_flags_read_connections(struct lab_flags *wanted, const struct lab_machine *machine,
                                       struct slice value)
{
    struct slice part;
    uint64_t before = 0;
    struct lab_settings *settings = &wanted->options.settings;
    settings->is_custom = true;
    settings->connection_count = 0;
    while (slice_next(&value, ',', &part)) {
        uint64_t count;
        if (!slice_to_u64(part, &count) || count <= before || count > connections_most(machine) ||
            settings->connection_count == LAB_POINTS_MAX)
            return false;
        settings->connections[settings->connection_count++] = (unsigned)count;
        before = count;
    }
    return settings->connection_count > 0;
}

static bool lab_flags_read_duration(struct lab_flags *wanted, const struct lab_machine *machine,
                                    struct slice value)
{
    uint64_t ms;
    (void)machine;
    if (!quantity_read_duration(value, &ms) || ms < DURATION_MS_LEAST || ms > DURATION_MS_MOST)
        return false;
    wanted->options.settings.is_custom = true;
    wanted->options.settings.duration_ms = (unsigned)ms;
    return true;
}

static bool read_rounds(struct lab_flags *wanted, const struct lab_machine *machine, struct slice value)
{
    uint64_t rounds;
    (void)machine;
    if (!slice_to_u64(value, &rounds) || rounds == 0 || rounds > LAB_ROUNDS_MAX)
        return false;
    wanted->options.settings.is_custom = true;
    wanted->options.settings.rounds = (unsigned)rounds;
    return true;
}

static bool read_out(struct lab_flags *wanted, const struct lab_machine *machine, struct slice value)
{
    (void)machine;
    wanted->out = value.data;
    return value.length > 0;
}

static bool read_list(struct lab_flags *wanted, const struct lab_machine *machine, struct slice value)
{
    (void)machine, (void)value;
    wanted->action = LAB_ACTION_LIST;
    return true;
}

static bool read_page(struct lab_flags *wanted, const struct lab_machine *machine, struct slice value)
{
    (void)machine;
    wanted->action = LAB_ACTION_PAGE;
    wanted->page = value.data;
    return value.length > 0;
}

static bool read_serve(struct lab_flags *wanted, const struct lab_machine *machine, struct slice value)
{
    (void)machine;
    wanted->action = LAB_ACTION_SERVE;
    wanted->model = lab_model_find(value);
    return wanted->model != NULL;
}

static bool read_port(struct lab_flags *wanted, const struct lab_machine *machine, struct slice value)
{
    uint64_t port;
    (void)machine;
    if (!slice_to_u64(value, &port) || port > UINT16_MAX)
        return false;
    wanted->port = (uint16_t)port;
    return true;
}

/* It was read before all others. */
static bool read_quick(struct lab_flags *wanted, const struct lab_machine *machine, struct slice value)
{
    (void)machine, (void)value;
    assert(wanted->options.settings.is_quick);
    return true;
}

static const struct {
    const char *name;
    read_value *read;
    const char *expected;
} rows[] = {
    {"quick", read_quick, NULL},
    {"models", read_models, "names of `vif lab --list`, separated by commas"},
    {"scenarios", read_scenarios,
     "some of throughput, idle, mostly-idle, slow, blocking, limit, separated by commas"},
    {"connections", lab_flags_read_connections, NULL}, /* see lab_flags_expect */
    {"duration", lab_flags_read_duration, "a time from 100ms to 1h, such as 2s"},
    {"rounds", read_rounds, "a number from 1 to 9"},
    {"out", read_out, "a folder"},
    {"list", read_list, NULL},
    {"page", read_page, "a file that `vif lab` wrote: lab.json"},
    {"serve", read_serve, "a name of `vif lab --list`"},
    {"port", read_port, "a number from 0 to 65535"},
};

/* A misspelt model is the likeliest mistake. */
static const char *model_hint(struct slice value, char hint[NEAREST_HINT_MAX])
{
    struct nearest nearest = nearest_begin(slice_take(value, slice_find(value, ',')));
    for (const struct lab_model *model = lab_models; model->name; model++)
        nearest_offer(&nearest, slice_from(model->name));
    return nearest_hint(&nearest, hint);
}

static const char *lab_flags_expect(size_t row, const struct lab_machine *machine, char text[128])
{
    if (rows[row].expected)
        return rows[row].expected;
    snprintf(text, 128, "up to %d rising numbers from 1 to %zu (what ulimit -n allows), such as 1,10,100",
             LAB_POINTS_MAX, connections_most(machine));
    return text;
}

static void lab_flags_read_given(struct lab_flags *wanted, const struct lab_machine *machine,
                                 const struct arguments *arguments, const struct given_flag *given)
{
    char hint[NEAREST_HINT_MAX] = "";
    char expected[128];
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        if (strcmp(rows[i].name, given->flag->name) != 0)
            continue;
        struct argument value = given->value;
        bool is_model = rows[i].read == read_models || rows[i].read == read_serve;
        if (!rows[i].read(wanted, machine, value.text))
            diagnostics_add(arguments->diagnostics, value.position, "expected %s, not \"%.*s\"%s",
                            lab_flags_expect(i, machine, expected), SLICE_ARGS(value.text),
                            is_model ? model_hint(value.text, hint) : "");
        return;
    }
    UNREACHABLE();
}

static const struct given_flag *find_given(const struct arguments *arguments, const char *name)
{
    for (size_t i = 0; i < arguments->given_count; i++) {
        if (strcmp(arguments->given[i].flag->name, name) == 0)
            return &arguments->given[i];
    }
    return NULL;
}

/* Each of them is all that is done. */
static void lab_flags_check_together(const struct lab_flags *wanted, const struct arguments *arguments)
{
    static const char *const actions[] = {"list", "page", "serve"};
    const char *first = NULL;
    for (size_t i = 0; i < ARRAY_LENGTH(actions); i++) {
        const struct given_flag *given = find_given(arguments, actions[i]);
        if (given && first)
            diagnostics_add(arguments->diagnostics, given->value.position, "--%s and --%s do not go together",
                            first, actions[i]);
        if (given)
            first = actions[i];
    }
    const struct given_flag *port = find_given(arguments, "port");
    if (port && wanted->action != LAB_ACTION_SERVE)
        diagnostics_add(arguments->diagnostics, port->value.position, "--port is for --serve only");
}

static void choose_every_model(struct lab_options *options)
{
    for (const struct lab_model *model = lab_models; model->name; model++) {
        assert(options->model_count < LAB_MODELS_MAX);
        options->models[options->model_count++] = model;
    }
}

void lab_flags_read(struct lab_flags *wanted, const struct lab_machine *machine,
                    const struct arguments *arguments)
{
    *wanted = (struct lab_flags){.out = ".", .folder = ".", .port = PORT_DEFAULT};
    lab_settings_init(&wanted->options.settings, find_given(arguments, "quick") != NULL, machine);
    choose_every_model(&wanted->options);
    for (size_t i = 0; i < arguments->given_count; i++)
        lab_flags_read_given(wanted, machine, arguments, &arguments->given[i]);
    lab_flags_check_together(wanted, arguments);
    struct argument operand = arguments->operand;
    if (operand.text.data && wanted->action != LAB_ACTION_SERVE)
        diagnostics_add(arguments->diagnostics, operand.position,
                        "%.*s: a folder is for --serve only; --out says where files go",
                        SLICE_ARGS(operand.text));
    if (operand.text.data)
        wanted->folder = operand.text.data;
}
