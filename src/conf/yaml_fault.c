/* libyaml names the rule of the grammar that was broken ("did not find expected key, while parsing a block
 * mapping"). What the writer did is read from the text around the place: each function below knows one kind
 * of mistake, and reports it or leaves it to the next. Read yaml_fault_report first. */
#include "conf/yaml_fault.h"

#include <stdio.h>

struct fault {
    const yaml_parser_t *parser;
    const struct source_text *source;
    const struct yaml_bracket *bracket;
    struct diagnostics *diagnostics;
    struct slice line; /* the line that the parser stopped in */
    size_t at;         /* the byte of it */
};

struct source_position yaml_position(const struct source_text *source, const yaml_mark_t *start,
                                     const yaml_mark_t *end)
{
    size_t length = end->line == start->line && end->column > start->column ? end->column - start->column : 0;
    return (struct source_position){
        .source = source,
        .line = (unsigned)start->line + 1,
        .column = (unsigned)start->column + 1,
        .length = (unsigned)length,
    };
}

static struct source_position problem_position(const struct fault *fault)
{
    const yaml_mark_t *mark = &fault->parser->problem_mark;
    return yaml_position(fault->source, mark, mark);
}

static struct source_position context_position(const struct fault *fault)
{
    const yaml_mark_t *mark = &fault->parser->context_mark;
    return yaml_position(fault->source, mark, mark);
}

static unsigned context_line(const struct fault *fault)
{
    return (unsigned)fault->parser->context_mark.line + 1;
}

/* libyaml's reader reports only the offset of the invalid UTF-8 byte. */
static struct source_position position_of_byte(const struct source_text *source, size_t offset)
{
    struct slice text = source->text;
    struct source_position position = {.source = source, .line = 1, .column = 1};
    for (size_t i = 0; i < offset && i < text.length;) {
        size_t end = source_line_end(slice_skip(text, i));
        position.line += end > 0;
        position.column = end > 0 ? 1 : position.column + 1;
        i += MAX(end, (size_t)1);
    }
    return position;
}

static bool says(const struct fault *fault, const char *problem)
{
    const char *said = fault->parser->problem;
    return said && strncmp(said, problem, strlen(problem)) == 0;
}

static bool says_while(const struct fault *fault, const char *problem, const char *context)
{
    const char *said = fault->parser->context;
    return says(fault, problem) && said && strcmp(said, context) == 0;
}

/* The byte at the place, or 0 behind the end of the line. */
static char yaml_fault_byte_at(const struct fault *fault)
{
    return fault->at < fault->line.length ? fault->line.data[fault->at] : '\0';
}

static char byte_before(const struct fault *fault)
{
    return fault->at > 0 ? fault->line.data[fault->at - 1] : '\0';
}

/* Nothing but blank lines follows. */
static bool yaml_fault_is_at_end(const struct fault *fault)
{
    struct slice text = fault->source->text;
    size_t at = fault->line.data ? (size_t)(fault->line.data - text.data) + fault->at : text.length;
    while (at < text.length && (text.data[at] == '\n' || text.data[at] == ' ' || text.data[at] == '\r'))
        at++;
    return at == text.length;
}

/* --- kinds of mistakes; true where it was that one --- */

static bool report_unreadable(const struct fault *fault)
{
    if (fault->parser->error != YAML_READER_ERROR)
        return false;
    struct source_position position = position_of_byte(fault->source, fault->parser->problem_offset);
    struct slice text = fault->source->text;
    bool is_utf_16 = slice_starts_with(text, SLICE("\xff\xfe")) || slice_starts_with(text, SLICE("\xfe\xff"));
    diagnostics_add(fault->diagnostics, position, "%s",
                    is_utf_16 ? "the file is UTF-16: save it as UTF-8"
                    : says(fault, "control characters")
                        ? "a control character; YAML allows none but line ends and tabs"
                        : "not UTF-8: save the file as UTF-8");
    return true;
}

static bool report_tab(const struct fault *fault)
{
    bool is_tab =
        yaml_fault_byte_at(fault) == '\t' &&
        (says(fault, "found character that cannot start any token") || says(fault, "found a tab character"));
    if (is_tab)
        diagnostics_add(fault->diagnostics, problem_position(fault),
                        "a tab cannot indent a line in YAML: use spaces");
    return is_tab;
}

/* A word of the line for a message: up to the next byte that cannot be in it. */
static struct slice word_from(const struct fault *fault, size_t start)
{
    struct slice rest = slice_skip(fault->line, start);
    size_t length = 0;
    while (length < rest.length && length < 40 && strchr(" ,]}#", rest.data[length]) == NULL)
        length++;
    return slice_take(rest, MAX(length, MIN(rest.length, (size_t)1)));
}

static bool report_reserved_start(const struct fault *fault)
{
    size_t start = fault->at;
    if (says(fault, "did not find expected alphabetic or numeric character") && start > 0)
        start--; /* behind the "*" or "&" */
    else if (!says(fault, "found character that cannot start any token"))
        return false;
    struct slice word = word_from(fault, start);
    if (word.length == 0)
        return false;
    struct source_position position = problem_position(fault);
    position.column -= (unsigned)(fault->at - start);
    diagnostics_add(fault->diagnostics, position,
                    "a value that begins with \"%c\" needs quotes in YAML: \"%.*s\"", word.data[0],
                    SLICE_ARGS(word));
    return true;
}

static char closing(char bracket)
{
    return bracket == '{' ? '}' : ']';
}

static bool report_bracket(const struct fault *fault)
{
    const struct yaml_bracket *open = fault->bracket;
    char byte = yaml_fault_byte_at(fault);
    bool is_about_brackets = fault->parser->error == YAML_PARSER_ERROR && open->position.line > 0;
    if (!is_about_brackets)
        return false;
    if (yaml_fault_is_at_end(fault))
        diagnostics_add(fault->diagnostics, open->position, "this \"%c\" is never closed", open->byte);
    else if (byte == '{' && byte_before(fault) == '$')
        diagnostics_add(fault->diagnostics, problem_position(fault),
                        "inside braces or brackets a variable needs quotes: \"${NAME}\"");
    else if (byte == ']' || byte == '}')
        diagnostics_add(fault->diagnostics, problem_position(fault),
                        "expected \"%c\" before this: the \"%c\" in line %u is not closed yet",
                        closing(open->byte), open->byte, open->position.line);
    else
        diagnostics_add(fault->diagnostics, problem_position(fault),
                        "expected \",\" or \"%c\" before this: the \"%c\" in line %u is not closed yet%s",
                        closing(open->byte), open->byte, open->position.line,
                        byte == ':' ? "; a value with \": \" in it needs quotes" : "");
    return true;
}

static bool report_stray_bracket(const struct fault *fault)
{
    char byte = yaml_fault_byte_at(fault);
    if (fault->parser->error != YAML_PARSER_ERROR || (byte != ']' && byte != '}'))
        return false;
    diagnostics_add(fault->diagnostics, problem_position(fault), "\"%c\" closes nothing", byte);
    return true;
}

/* 'it's', "a" b: */
static bool report_behind_quote(const struct fault *fault)
{
    size_t i = fault->at;
    while (i > 0 && fault->line.data[i - 1] == ' ')
        i--;
    bool is_behind = says(fault, "did not find expected key") && i > 0 &&
                     (fault->line.data[i - 1] == '\'' || fault->line.data[i - 1] == '"');
    if (is_behind)
        diagnostics_add(fault->diagnostics, problem_position(fault),
                        "text after the closing quote: quote all of it (between single quotes, '' stands for "
                        "one)");
    return is_behind;
}

static bool report_indentation(const struct fault *fault)
{
    if (says(fault, "did not find expected key"))
        diagnostics_add(fault->diagnostics, problem_position(fault),
                        "wrong indentation, or a missing \":\": expected a name, as in line %u at column %u",
                        context_line(fault), (unsigned)fault->parser->context_mark.column + 1);
    else if (says(fault, "did not find expected '-' indicator"))
        diagnostics_add(fault->diagnostics, problem_position(fault),
                        "wrong indentation: expected \"- \", as in line %u at column %u", context_line(fault),
                        (unsigned)fault->parser->context_mark.column + 1);
    else
        return false;
    return true;
}

/* "key: value: x", or a line that is deeper than a value allows. */
static bool report_second_colon(const struct fault *fault)
{
    if (!says(fault, "mapping values are not allowed in this context"))
        return false;
    struct slice before = slice_take(fault->line, fault->at);
    bool has_colon = false;
    for (size_t i = 0; i + 1 < before.length; i++)
        has_colon |= before.data[i] == ':' && before.data[i + 1] == ' ';
    diagnostics_add(fault->diagnostics, problem_position(fault), "%s",
                    has_colon ? "a value with \": \" in it needs quotes"
                              : "wrong indentation: the line above has a value already, so nothing can stand "
                                "below it");
    return true;
}

static bool report_rest(const struct fault *fault)
{
    if (says_while(fault, "could not find expected ':'", "while scanning a simple key"))
        diagnostics_add(fault->diagnostics, context_position(fault),
                        "expected \"name: value\", with a space behind the colon");
    else if (says_while(fault, "found unexpected end of stream", "while scanning a quoted scalar"))
        diagnostics_add(fault->diagnostics, context_position(fault), "this quote is never closed");
    else if (says(fault, "found unexpected ':'"))
        diagnostics_add(fault->diagnostics, problem_position(fault),
                        "expected a space behind the colon, or quotes around the value");
    else if (says(fault, "found unknown escape character"))
        diagnostics_add(fault->diagnostics, problem_position(fault),
                        "unknown escape: write \\\\ for a backslash, or use single quotes");
    else if (says(fault, "block sequence entries are not allowed in this context"))
        diagnostics_add(fault->diagnostics, problem_position(fault),
                        "a list begins on a line of its own: put \"- \" below, indented");
    else
        return false;
    return true;
}

static void report_as_it_is(const struct fault *fault)
{
    const yaml_parser_t *parser = fault->parser;
    diagnostics_add(fault->diagnostics, problem_position(fault), "not valid YAML: %s%s%s",
                    parser->problem ? parser->problem : "unreadable", parser->context ? ", " : "",
                    parser->context ? parser->context : "");
}

void yaml_fault_report(const yaml_parser_t *parser, const struct source_text *source,
                       const struct yaml_bracket *innermost, struct diagnostics *diagnostics)
{
    struct source_position position = yaml_position(source, &parser->problem_mark, &parser->problem_mark);
    struct fault fault = {
        .parser = parser,
        .source = source,
        .bracket = innermost,
        .diagnostics = diagnostics,
        .line = source_line(source, position.line),
    };
    fault.at = source_byte_of_character(fault.line, position.column - 1);
    if (report_unreadable(&fault) || report_tab(&fault) || report_reserved_start(&fault) ||
        report_bracket(&fault) || report_stray_bracket(&fault) || report_behind_quote(&fault) ||
        report_second_colon(&fault) || report_indentation(&fault) || report_rest(&fault))
        return;
    report_as_it_is(&fault);
}
