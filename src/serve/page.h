/* The pages that vif generates: templates in src/serve/pages, embedded by tools/embed.
 *
 * A template is HTML with slots, "{{name}}", that are filled when the page is written. A page contains
 * everything it needs, including styles and images, so that it works on any site. */
#ifndef SERVE_PAGE_H
#define SERVE_PAGE_H

#include "base/buffer.h"

struct page {
    struct slice html;
    struct slice policy; /* Content-Security-Policy: allows only its own style; empty for parts */
};

extern const struct page page_error;
extern const struct page page_listing;
extern const struct page page_listing_column;
extern const struct page page_listing_parent;
extern const struct page page_listing_row;

/* Fills a slot: appends HTML, and must escape text. Out of memory is recorded in the buffer. */
struct page_slot {
    struct slice name;
    void (*fill)(void *context, struct buffer *out);
};

/* Splits a page at a slot: the parts before and after it, as pages. */
void page_split(const struct page *page, struct slice name, struct page *ret_before, struct page *ret_after);

/* Appends the page; `slots` must have all of its slots. Out of memory is recorded in the buffer. */
void page_write(const struct page *page, const struct page_slot *slots, size_t slot_count, void *context,
                struct buffer *out);

#endif
