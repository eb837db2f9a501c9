/* One page of `vif top`, as lines of text. */
#ifndef CLI_TOP_PAGE_H
#define CLI_TOP_PAGE_H

#include "cli/top_sample.h"

#include "base/buffer.h"

struct top_page {
    unsigned rows; /* at most so many lines */
    unsigned columns;
    bool has_colours;
};

/* Appends lines that show what has come between two samples of the same server. Every line ends with a line
 * feed, and none is longer than the page is wide. */
void top_page_print(const struct top_page *page, const struct top_sample *before,
                    const struct top_sample *now, struct buffer *out);

#endif
