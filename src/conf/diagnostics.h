/* Diagnostics: the mistakes and warnings found in a configuration, shown like those of a compiler.
 *
 *     vif.yaml:7:22: error: files: unknown option "listng"; did you mean "listing"?
 *         7 |       /: {files: {listng: true}}
 *           |                   ^~~~~~
 *
 * A source is a text that was read (a file, or one command-line argument); a position is a range in a source.
 * Texts and messages are copied, so diagnostics can be printed after everything else was freed. At most
 * DIAGNOSTICS_MAX are kept; more are only counted. The same message at the same position is kept once, since
 * a YAML alias is read as often as it is used. */
#ifndef CONF_DIAGNOSTICS_H
#define CONF_DIAGNOSTICS_H

#include "base/arena.h"
#include "base/buffer.h"

#define DIAGNOSTICS_MAX 50

struct source_text {
    unsigned number; /* in the order of adding; diagnostics are printed in that order */
    struct slice name;
    struct slice text;
    bool has_lines;      /* a file: print line and column */
    struct slice folder; /* absolute; the base of relative paths in it; empty: that of the other sources */
};

/* Lines and columns count from 1, columns in UTF-8 characters; line 0 means no position within the source. */
struct source_position {
    const struct source_text *source; /* NULL: no position */
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
    struct arena arena; /* for the sources and the messages */
    struct diagnostic list[DIAGNOSTICS_MAX];
    size_t count;
    size_t dropped; /* found but not kept */
    size_t errors;  /* number of errors (not warnings), kept or not */
    unsigned source_count;
};

/* Initialises it, empty. */
void diagnostics_init(struct diagnostics *diagnostics);

/* Frees the messages and the sources; may be called on a zeroed one. */
void diagnostics_finish(struct diagnostics *diagnostics);

/* Adds a source: copies the text, without a byte order mark. It lives as long as the diagnostics. NULL if out
 * of memory. */
struct source_text *diagnostics_add_source(struct diagnostics *diagnostics, struct slice name,
                                           struct slice text, bool has_lines) MUST_CHECK;

/* Writes " (first in line 3)", or " (first in sites.yaml:3)" if the position is not in the source `from`;
 * nothing if it has no line. Returns `text`. */
#define POSITION_TEXT_MAX 128
const char *position_show(struct source_position position, const struct source_text *from,
                          char text[POSITION_TEXT_MAX]);

/* The length of the line end at the beginning of a text, or 0. Line ends are those of YAML: CR LF, LF, CR,
 * NEL, LS and PS. */
size_t source_line_end(struct slice text);

/* A line of a source, counted from 1, without its line end; empty if it does not exist. Borrowed. */
struct slice source_line(const struct source_text *source, unsigned line);

/* The byte offset in a line of character number `count` (from 0), or the line's length. */
size_t source_byte_of_character(struct slice line, size_t count);

/* Adds an error. The message is one line without "error:" and without full stop; truncated at 1024 bytes. */
void diagnostics_add(struct diagnostics *diagnostics, struct source_position position, const char *format,
                     ...) PRINTF_LIKE(3, 4);

/* Adds a warning: it works, but not for long, or not as expected. */
void diagnostics_warn(struct diagnostics *diagnostics, struct source_position position, const char *format,
                      ...) PRINTF_LIKE(3, 4);

/* Sorts them by position and appends all to `out`, each with its source line, then the number of dropped
 * ones. With `colours`, uses ANSI colours. The output is UTF-8 without control characters of the sources,
 * whatever they contain. */
void diagnostics_print(struct diagnostics *diagnostics, bool colours, struct buffer *out);

#endif
