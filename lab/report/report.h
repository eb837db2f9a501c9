/* Reports of a run: JSON for programs, a table for the terminal, a page for the browser. Out of memory is
 * recorded in the buffer. */
#ifndef LAB_REPORT_REPORT_H
#define LAB_REPORT_REPORT_H

#include "base/buffer.h"
#include "lab/run/result.h"

/* Appends lab.json (schema: share/lab.schema.json): every figure, with its unit in its name; null if not
 * measured. */
void report_json(const struct lab_result *result, struct buffer *out);

/* Appends a table of at most 100 columns with a line per model, followed by notes. */
void report_table(const struct lab_result *result, struct buffer *out);

/* Whether this is complete output of report_json: checks its first members and that all brackets are closed,
 * but not the content. */
bool report_is_json(struct slice text) MUST_CHECK;

/* Appends lab.html, a self-contained page that embeds `json`: output of report_json, also of an earlier run.
 * Text that is not JSON can do no harm in it. */
void report_page(struct slice json, struct buffer *out);

#endif
