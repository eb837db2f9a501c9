/* What a run found, in three forms: JSON for programs, a table for the terminal, a page for the browser. A
 * failure stays in the buffer, as everywhere. */
#ifndef LAB_REPORT_REPORT_H
#define LAB_REPORT_REPORT_H

#include "base/buffer.h"
#include "lab/run/result.h"

/* lab.json, as share/lab.schema.json describes it: every figure, with its unit in its name; null where there
 * is none. */
void report_json(const struct lab_result *result, struct buffer *out);

/* A table of at most 100 columns, with a line for each model and what else is to be said below. */
void report_table(const struct lab_result *result, struct buffer *out);

/* Whether this is what report_json gave, whole: the members that it begins with, in this format, and every
 * bracket closed. What stands inside is not looked at: the page shows what it finds. */
bool report_is_json(struct slice text) MUST_CHECK;

/* lab.html: the page around `json`, which is what report_json gave, or such a file of an earlier run. The
 * page needs nothing else, and what is not JSON can do no harm in it. */
void report_page(struct slice json, struct buffer *out);

#endif
