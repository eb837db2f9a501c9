/* Fills in templates. tools/embed generates the file with the templates during the build. */
#include "serve/page.h"

static const struct page_slot *find_slot(const struct page_slot *slots, size_t slot_count, struct slice name)
{
    for (size_t i = 0; i < slot_count; i++) {
        if (slice_equal(slots[i].name, name))
            return &slots[i];
    }
    UNREACHABLE();
}

static size_t find_pair(struct slice text, const char pair[2])
{
    const char *found = text.length ? memmem(text.data, text.length, pair, 2) : NULL;
    return found ? (size_t)(found - text.data) : text.length;
}

void page_write(const struct page *page, const struct page_slot *slots, size_t slot_count, void *context,
                struct buffer *out)
{
    struct slice rest = page->html;
    for (;;) {
        size_t start = find_pair(rest, "{{");
        buffer_append(out, slice_take(rest, start));
        if (start == rest.length)
            return;
        rest = slice_skip(rest, start + 2);
        size_t end = find_pair(rest, "}}");
        find_slot(slots, slot_count, slice_take(rest, end))->fill(context, out);
        rest = slice_skip(rest, end + 2);
    }
}

void page_split(const struct page *page, struct slice name, struct page *ret_before, struct page *ret_after)
{
    for (size_t at = 0;;) {
        size_t start = at + find_pair(slice_skip(page->html, at), "{{");
        assert(start < page->html.length);
        size_t end = start + find_pair(slice_skip(page->html, start), "}}");
        at = end + 2;
        if (!slice_equal(slice_make(page->html.data + start + 2, end - start - 2), name))
            continue;
        *ret_before = (struct page){.html = slice_take(page->html, start)};
        *ret_after = (struct page){.html = slice_skip(page->html, at)};
        return;
    }
}
