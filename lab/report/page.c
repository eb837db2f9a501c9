/* lab/report/page/report.html, which tools/embed has put into the program with its style, its script and
 * uPlot. */
#include "lab/report/report.h"

#include "http/escape.h"
#include "serve/page.h"

extern const struct page page_report;

/* The page says itself what it may do, as no server may be there to say it. */
static void fill_policy(void *context, struct buffer *out)
{
    (void)context;
    http_html_escape(out, page_report.policy);
}

/* A '<' can only stand in a string of JSON: escaped, nothing ends the element in which the JSON stands. */
static void fill_data(void *context, struct buffer *out)
{
    struct slice rest = *(const struct slice *)context;
    for (;;) {
        size_t end = slice_find(rest, '<');
        buffer_append(out, slice_take(rest, end));
        if (end == rest.length)
            return;
        buffer_append(out, SLICE("\\u003c"));
        rest = slice_skip(rest, end + 1);
    }
}

void report_page(struct slice json, struct buffer *out)
{
    const struct page_slot slots[] = {
        {SLICE("policy"), fill_policy},
        {SLICE("data"), fill_data},
    };
    page_write(&page_report, slots, ARRAY_LENGTH(slots), &json, out);
    buffer_append_byte(out, '\n');
}
