/* `vif upstream`: shows and changes the servers that a running vif forwards requests to. See
 * proc/master_upstream.h for the other side. */
#include "cli/commands.h"
#include "cli/control_client.h"
#include "cli/session.h"

#include "conf/rules.h"
#include "sys/path.h"

#include <stdio.h>
#include <stdlib.h>

/* The words of the command, which the other side takes apart at tabs. */
struct upstream_line {
    char text[CONTROL_LINE_MAX];
    size_t length;
};

static int upstream_mistake(const char *text, const char *word)
{
    fprintf(stderr, "vif: vif upstream %s%s\n", text, word);
    return EXIT_MISTAKE;
}

static bool line_add(struct upstream_line *line, struct slice word)
{
    size_t room = sizeof(line->text) - line->length;
    if (slice_find(word, '\t') < word.length || slice_find(word, '\n') < word.length ||
        word.length + 2 >= room)
        return false;
    line->length += (size_t)snprintf(line->text + line->length, room, "%s%.*s",
                                     line->length > 0 ? "\t" : "upstream ", SLICE_ARGS(word));
    return true;
}

/* The server's URL, with what was left out. Returns false after saying what is wrong. */
static bool line_add_server(struct upstream_line *line, struct slice server)
{
    struct arena arena;
    char folder[PATH_MAX];
    arena_init(&arena, PATH_MAX * 4);
    struct rule_context context = {.arena = &arena, .base_folder = SLICE("/")};
    if (sys_real_path(".", folder) == 0)
        context.base_folder = slice_from(folder);
    const char *fault = rule_server.check(&context, &server);
    bool is_good = fault == NULL && server.data && line_add(line, server);
    if (!is_good)
        fprintf(stderr, "vif: vif upstream: \"%.*s\": %s\n", SLICE_ARGS(server),
                fault ? fault : "it is too long, or has a tab");
    arena_finish(&arena);
    return is_good;
}

static bool line_add_flag(struct upstream_line *line, const struct arguments *arguments, const char *name)
{
    const char *value = given_value(arguments, name);
    char word[64];
    if (value == NULL)
        return true;
    snprintf(word, sizeof(word), "%s=%s", name, value);
    return line_add(line, slice_from(word));
}

static int upstream_send(struct session *session, struct upstream_line *line)
{
    memcpy(line->text + line->length, "\n", sizeof("\n"));
    return control_run(session, line->text);
}

static int upstream_list(struct session *session)
{
    return control_run(session, given_value(&session->arguments, "json") ? "upstream list\tjson\n"
                                                                         : "upstream list\n");
}

static int upstream_change(struct session *session, struct slice verb, bool has_weight)
{
    const struct arguments *arguments = &session->arguments;
    struct upstream_line line = {0};
    struct slice route = slice_from(given_value(arguments, "route"));
    char weight[64] = "";
    if (arguments->more_count != (has_weight ? 2 : 1))
        return upstream_mistake(verb.data,
                                has_weight ? ": expected a server and its weight" : ": expected one server");
    if (!line_add(&line, verb) || !line_add(&line, route) || !line_add_server(&line, arguments->more[0].text))
        return EXIT_MISTAKE;
    if (has_weight)
        snprintf(weight, sizeof(weight), "weight=%.*s", SLICE_ARGS(arguments->more[1].text));
    bool is_good = !has_weight || line_add(&line, slice_from(weight));
    is_good = is_good && line_add_flag(&line, arguments, "weight") &&
              line_add_flag(&line, arguments, "connections") &&
              (given_value(arguments, "backup") == NULL || line_add(&line, SLICE("backup")));
    return is_good ? upstream_send(session, &line) : upstream_mistake(verb.data, ": a value is too long");
}

static int run_upstream(struct session *session)
{
    struct slice verb = session->arguments.operand.text;
    if (verb.data == NULL || slice_equal(verb, SLICE("list")))
        return upstream_list(session);
    if (slice_equal(verb, SLICE("add")) || slice_equal(verb, SLICE("drain")) ||
        slice_equal(verb, SLICE("remove")))
        return upstream_change(session, verb, false);
    if (slice_equal(verb, SLICE("weight")))
        return upstream_change(session, verb, true);
    return upstream_mistake("knows list, add, weight, drain and remove, but not ", verb.data);
}

int command_upstream(char *const *words)
{
    return session_run(FLAG_OF_UPSTREAM, words, run_upstream);
}
