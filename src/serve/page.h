/* The pages that vif makes itself: templates in src/serve/pages, put into the program by tools/embed.
 *
 * A template is HTML with slots, "{{name}}", that are filled when the page is written. Everything a page
 * needs is in it (style and pictures too), so that it asks for nothing else and works on any site. */
#ifndef SERVE_PAGE_H
#define SERVE_PAGE_H

#include "base/buffer.h"

struct page {
    struct slice html;
    struct slice policy; /* for Content-Security-Policy: its own style and nothing else; empty for parts */
};

extern const struct page page_error;
extern const struct page page_listing;
extern const struct page page_listing_column;
extern const struct page page_listing_parent;
extern const struct page page_listing_row;

/* What fills a slot: appends HTML, and escapes what is text. A failure stays in the buffer. */
struct page_slot {
    struct slice name;
    void (*fill)(void *context, struct buffer *out);
};

/* What stands before and behind a slot, as pages of their own. */
void page_split(const struct page *page, struct slice name, struct page *ret_before, struct page *ret_after);

/* Appends the page; each of its slots must be among `slots`. A failure stays in the buffer. */
void page_write(const struct page *page, const struct page_slot *slots, size_t slot_count, void *context,
                struct buffer *out);

#endif
