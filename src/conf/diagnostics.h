/* What is wrong with a configuration, and where: every mistake and warning of one reading, shown as a
 * compiler would.
 *
 *     vif.yaml:7:22: error: files: unknown option "listng"; did you mean "listing"?
 *         7 |       /: {files: {listng: true}}
 *           |                   ^~~~~~
 *
 * A source is a text that was read (a file, or one argument of the command line); a position is a stretch of
 * one. Texts and messages are copied, so a value can be printed when all else is gone. At most
 * DIAGNOSTICS_MAX are kept; more are counted. The same message at the same position is kept once: an alias of
 * YAML is read as often as it is used. */
#ifndef CONF_DIAGNOSTICS_H
#define CONF_DIAGNOSTICS_H

#include "base/arena.h"
#include "base/buffer.h"

#define DIAGNOSTICS_MAX 50

struct source_text {
    unsigned number; /* in the order of their coming; diagnostics are printed in that order */
    struct slice name;
    struct slice text;
    bool has_lines;      /* a file, where line and column are worth telling */
    struct slice folder; /* absolute; where relative paths in it begin; empty: where the others' do */
};

/* Lines and columns count from 1, columns in characters of UTF-8; line 0 is no place within the source. */
struct source_position {
    const struct source_text *source; /* NULL: nowhere in particular */
    unsigned line;
    unsigned column;
    unsigned length; /* characters on that line; 0: a point */
};

struct diagnostic {
    bool is_warning;
    struct source_position position;
    struct slice message;
};

struct diagnostics {
    struct arena arena; /* of the sources and the messages */
    struct diagnostic list[DIAGNOSTICS_MAX];
    size_t count;
    size_t dropped; /* found but not kept */
    size_t errors;  /* those that are no warnings, kept or not */
    unsigned source_count;
};

/* No mistakes yet. */
void diagnostics_init(struct diagnostics *diagnostics);

/* Frees the messages and the sources. Also right on a zeroed one. */
void diagnostics_finish(struct diagnostics *diagnostics);

/* Copies a text to show in diagnostics; it lives as long as they do. A file's byte order mark is left out.
 * NULL without memory. */
struct source_text *diagnostics_add_source(struct diagnostics *diagnostics, struct slice name,
                                           struct slice text, bool has_lines) MUST_CHECK;

/* Writes " (first in line 3)", or " (first in sites.yaml:3)" where the position is in another source than
 * `from`; nothing where it has no line. Returns `text`. */
#define POSITION_TEXT_MAX 128
const char *position_show(struct source_position position, const struct source_text *from,
                          char text[POSITION_TEXT_MAX]);

/* The bytes of the line end that a text begins with, or 0: of those that YAML counts, which are CR LF, LF,
 * CR, NEL, LS and PS. */
size_t source_line_end(struct slice text);

/* A line of a source, counted from 1, without its end; empty where there is none. Borrowed. */
struct slice source_line(const struct source_text *source, unsigned line);

/* The byte of a line at which character number `count` (from 0) begins, or the line's length. */
size_t source_byte_of_character(struct slice line, size_t count);

/* Adds a mistake. The message is one line without "error:" and without full stop; cut at 1024 bytes. */
void diagnostics_add(struct diagnostics *diagnostics, struct source_position position, const char *format,
                     ...) PRINTF_LIKE(3, 4);

/* The same for what works, but not for long, or not as it seems. */
void diagnostics_warn(struct diagnostics *diagnostics, struct source_position position, const char *format,
                      ...) PRINTF_LIKE(3, 4);

/* Sorts them by position and appends all to `out`, each with its line of source, and how many more there are.
 * With `colours` in ANSI colours. What is printed is UTF-8
 * without control characters, whatever the sources hold. */
void diagnostics_print(struct diagnostics *diagnostics, bool colours, struct buffer *out);

#endif
