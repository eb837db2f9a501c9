/* Writes the entries of folder_entries as HTML, using the templates in src/serve/pages, or as JSON.
 *
 * File names may contain anything except '/' and NUL, so each goes through http_path_encode in links, and
 * through http_html_escape or http_json_escape in text. The only other external data are the path and the
 * query, of which only known words are used. */
#include "files/listing.h"

#include "http/date.h"
#include "http/escape.h"
#include "http/mime.h"
#include "http/uri.h"
#include "serve/page.h"

#include <errno.h>

/* The columns, and their names in the query. Names are sorted from A to Z first; sizes and dates with the
 * largest and newest first. */
static const struct column {
    struct slice key;
    struct slice label; /* HTML */
    bool descending_first;
} columns[] = {
    [FOLDER_ORDER_NAME] = {SLICE("name"), SLICE("Name"), false},
    [FOLDER_ORDER_SIZE] = {SLICE("size"), SLICE("Size"), true},
    [FOLDER_ORDER_MODIFIED] = {SLICE("modified"), SLICE("Modified <span>(UTC)</span>"), true},
};

static void read_sort(struct listing *listing, struct slice value)
{
    for (size_t i = 0; i < ARRAY_LENGTH(columns); i++) {
        if (slice_equal(value, columns[i].key))
            listing->order = (enum folder_order)i;
    }
}

static void read_query(struct listing *listing)
{
    struct slice rest = listing->options->query, element, order = {0};
    while (slice_next(&rest, '&', &element)) {
        if (slice_starts_with(element, SLICE("sort=")))
            read_sort(listing, slice_skip(element, 5));
        else if (slice_starts_with(element, SLICE("order=")))
            order = slice_skip(element, 6);
    }
    listing->descending = slice_equal(order, SLICE("desc"));
}

/* The slots of a row's template. */

static const struct folder_entry *entry_from(void *context)
{
    return context;
}

static void fill_href(void *context, struct buffer *out)
{
    http_path_encode(out, folder_entry_name(entry_from(context)));
    if (entry_from(context)->is_folder)
        buffer_append_byte(out, '/');
}

static void fill_name(void *context, struct buffer *out)
{
    http_html_escape(out, folder_entry_name(entry_from(context)));
    if (entry_from(context)->is_folder)
        buffer_append_byte(out, '/');
}

static bool is_archive(struct slice type)
{
    static const struct slice archives[] = {
        SLICE("application/gzip"),
        SLICE("application/java-archive"),
        SLICE("application/vnd.rar"),
        SLICE("application/x-7z-compressed"),
        SLICE("application/x-bzip"),
        SLICE("application/x-bzip2"),
        SLICE("application/x-tar"),
        SLICE("application/x-xz"),
        SLICE("application/zip"),
        SLICE("application/zstd"),
        SLICE("application/x-iso9660-image"),
    };
    for (size_t i = 0; i < ARRAY_LENGTH(archives); i++) {
        if (slice_equal(type, archives[i]))
            return true;
    }
    return false;
}

/* The name of an icon in listing.html. */
static struct slice icon_for(const struct folder_entry *entry)
{
    if (entry->is_folder)
        return SLICE("folder");
    struct slice type = http_mime_type(folder_entry_name(entry));
    static const struct slice families[] = {SLICE("image"), SLICE("audio"), SLICE("video"), SLICE("text")};
    struct slice family = slice_take(type, slice_find(type, '/'));
    for (size_t i = 0; i < ARRAY_LENGTH(families); i++) {
        if (slice_equal(family, families[i]))
            return families[i];
    }
    if (is_archive(type))
        return SLICE("archive");
    return http_mime_is_compressible(folder_entry_name(entry)) ? SLICE("text") : SLICE("file");
}

static void fill_icon(void *context, struct buffer *out)
{
    buffer_append(out, icon_for(context));
}

/* Appends a number with commas between the thousands. */
static void append_grouped(struct buffer *out, uint64_t value)
{
    char digits[U64_DIGITS_MAX];
    size_t count = format_u64(digits, value);
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && (count - i) % 3 == 0)
            buffer_append_byte(out, ',');
        buffer_append_byte(out, digits[i]);
    }
}

/* Appends "7 files", "1 file". */
static void append_count(struct buffer *out, uint64_t count, const char *noun)
{
    append_grouped(out, count);
    buffer_printf(out, " %s%s", noun, count == 1 ? "" : "s");
}

/* Appends "873 B", "1.2 KiB", "345 KiB". */
static void append_size(struct buffer *out, uint64_t bytes)
{
    static const char units[] = "BKMGTPE";
    double value = (double)bytes;
    size_t unit = 0;
    for (; value >= (unit == 0 ? 1024 : 1023.5); unit++)
        value /= 1024;
    if (unit == 0)
        buffer_printf(out, "%.0f B", value);
    else
        buffer_printf(out, "%.*f %ciB", value < 99.95 ? 1 : 0, value, units[unit]);
}

static void fill_bytes(void *context, struct buffer *out)
{
    if (!entry_from(context)->is_folder)
        append_count(out, entry_from(context)->size, "byte");
}

static void fill_size(void *context, struct buffer *out)
{
    if (!entry_from(context)->is_folder)
        append_size(out, entry_from(context)->size);
}

static void append_date(const struct folder_entry *entry, size_t start, size_t length, struct buffer *out)
{
    char date[HTTP_DATE_ISO_LENGTH];
    http_date_format_iso(date, entry->modified_seconds);
    buffer_append(out, slice_make(date + start, length));
}

static void fill_modified(void *context, struct buffer *out)
{
    append_date(context, 0, HTTP_DATE_ISO_LENGTH, out);
}

static void fill_day(void *context, struct buffer *out)
{
    append_date(context, 0, strlen("1994-11-06"), out);
}

static void fill_minute(void *context, struct buffer *out)
{
    append_date(context, strlen("1994-11-06T"), strlen("08:49"), out);
}

static const struct page_slot row_slots[] = {
    {SLICE("href"), fill_href},   {SLICE("icon"), fill_icon},     {SLICE("name"), fill_name},
    {SLICE("bytes"), fill_bytes}, {SLICE("size"), fill_size},     {SLICE("modified"), fill_modified},
    {SLICE("day"), fill_day},     {SLICE("minute"), fill_minute},
};

/* The slots of a column head: a link that sorts by the column, or reverses the order. */

struct column_head {
    const struct column *column;
    bool is_current;
    bool descending; /* of the listing, if the column is the current one */
};

static const struct column_head *head_from(void *context)
{
    return context;
}

static void fill_key(void *context, struct buffer *out)
{
    buffer_append(out, head_from(context)->column->key);
}

static void fill_label(void *context, struct buffer *out)
{
    buffer_append(out, head_from(context)->column->label);
}

static void fill_sorted(void *context, struct buffer *out)
{
    const struct column_head *head = context;
    if (head->is_current)
        buffer_printf(out, " aria-sort=\"%s\"", head->descending ? "descending" : "ascending");
}

static void fill_order(void *context, struct buffer *out)
{
    const struct column_head *head = context;
    bool descending = head->is_current ? !head->descending : head->column->descending_first;
    buffer_append(out, descending ? SLICE("desc") : SLICE("asc"));
}

static const struct page_slot column_slots[] = {
    {SLICE("key"), fill_key},
    {SLICE("label"), fill_label},
    {SLICE("sorted"), fill_sorted},
    {SLICE("order"), fill_order},
};

/* The slots of the page. */

static struct listing *listing_from(void *context)
{
    return context;
}

static void fill_path(void *context, struct buffer *out)
{
    http_html_escape(out, listing_from(context)->options->url_path);
}

/* Breadcrumbs: the folders from the root down, each a link to it; the last one is the current folder. */
static void fill_crumbs(void *context, struct buffer *out)
{
    struct slice path = listing_from(context)->options->url_path;
    struct slice name = SLICE("Home");
    for (size_t above = slice_count(path, '/') - 1; above > 0; above--) {
        buffer_append(out, SLICE("<li><a href=\""));
        for (size_t i = 0; i < above; i++)
            buffer_append(out, SLICE("../"));
        buffer_append(out, SLICE("\">"));
        http_html_escape(out, name);
        buffer_append(out, SLICE("</a></li>"));
        path = slice_skip(path, slice_find(path, '/') + 1);
        name = slice_take(path, slice_find(path, '/'));
    }
    buffer_append(out, SLICE("<li aria-current=\"page\"><h1>"));
    http_html_escape(out, name);
    buffer_append(out, SLICE("</h1></li>"));
}

static void fill_columns(void *context, struct buffer *out)
{
    for (size_t i = 0; i < ARRAY_LENGTH(columns); i++) {
        struct column_head head = {
            .column = &columns[i],
            .is_current = listing_from(context)->order == i,
            .descending = listing_from(context)->descending,
        };
        page_write(&page_listing_column, column_slots, ARRAY_LENGTH(column_slots), &head, out);
    }
}

static void fill_parent(void *context, struct buffer *out)
{
    if (listing_from(context)->options->url_path.length > 1)
        page_write(&page_listing_parent, NULL, 0, NULL, out);
}

static void append_note(struct buffer *out, const char *text)
{
    buffer_printf(out, "<tr><td colspan=\"3\" class=\"note\">%s</td></tr>", text);
}

/* After the rows, because only then the number shown is known. */
static void fill_notes(void *context, struct buffer *out)
{
    if (listing_from(context)->folder->entries.truncated)
        append_note(out, "The folder holds more than one page can show.");
    else if (listing_from(context)->shown == 0)
        append_note(out, "This folder is empty.");
}

static void fill_summary(void *context, struct buffer *out)
{
    const struct listing *listing = context;
    append_count(out, listing->folders, "folder");
    buffer_append(out, SLICE(", "));
    append_count(out, listing->shown - listing->folders, "file");
    buffer_append(out, SLICE(", "));
    append_size(out, listing->bytes);
}

static void fill_archive(void *context, struct buffer *out)
{
    if (listing_from(context)->options->has_archive)
        buffer_append(out, SLICE("<a href=\"?archive=tar\">Download all (.tar)</a>"));
}

static const struct page_slot page_slots[] = {
    {SLICE("path"), fill_path},       {SLICE("crumbs"), fill_crumbs}, {SLICE("columns"), fill_columns},
    {SLICE("parent"), fill_parent},   {SLICE("notes"), fill_notes},   {SLICE("summary"), fill_summary},
    {SLICE("archive"), fill_archive},
};

static void append_json_entry(struct buffer *out, struct folder_entry *entry)
{
    buffer_append(out, SLICE("{\"name\":\""));
    http_json_escape(out, folder_entry_name(entry));
    buffer_append(out, SLICE("\",\"href\":\"./"));
    fill_href(entry, out);
    buffer_printf(out, "\",\"type\":\"%s\",\"size\":", entry->is_folder ? "folder" : "file");
    if (entry->is_folder)
        buffer_append(out, SLICE("null"));
    else
        buffer_append_u64(out, entry->size);
    buffer_append(out, SLICE(",\"modified\":\""));
    fill_modified(entry, out);
    buffer_append(out, SLICE("\"}"));
}

/* The parts of a listing, in order. */

static void listing_write_page(const struct page *page, struct listing *listing, struct buffer *out)
{
    page_write(page, page_slots, ARRAY_LENGTH(page_slots), listing, out);
}

static void listing_write_head(struct listing *listing, struct buffer *out)
{
    struct page before, after;
    if (listing->options->format == LISTING_HTML) {
        page_split(&page_listing, SLICE("rows"), &before, &after);
        listing_write_page(&before, listing, out);
        return;
    }
    buffer_append(out, SLICE("{\"path\":\""));
    http_json_escape(out, listing->options->url_path);
    buffer_append(out, SLICE("\",\"entries\":["));
}

static void write_row(struct listing *listing, struct folder_entry *entry, struct buffer *out)
{
    if (listing->options->format == LISTING_HTML) {
        page_write(&page_listing_row, row_slots, ARRAY_LENGTH(row_slots), entry, out);
        return;
    }
    buffer_append(out, listing->shown > 0 ? SLICE(",\n") : SLICE("\n"));
    append_json_entry(out, entry);
}

static void write_rows(struct listing *listing, struct buffer *out)
{
    const struct folder_entries *entries = &listing->folder->entries;
    for (; listing->shown < entries->count && out->length < LISTING_PIECE_BYTES; listing->shown++) {
        struct folder_entry *entry = &entries->items[listing->shown];
        write_row(listing, entry, out);
        listing->folders += entry->is_folder;
        listing->bytes += entry->size;
    }
}

static void write_foot(struct listing *listing, struct buffer *out)
{
    struct page before, after;
    if (listing->options->format == LISTING_HTML) {
        page_split(&page_listing, SLICE("rows"), &before, &after);
        listing_write_page(&after, listing, out);
        return;
    }
    buffer_printf(out, "\n],\"truncated\":%s}\n", listing->folder->entries.truncated ? "true" : "false");
}

int listing_open(struct listing *listing, const struct listing_options *options)
{
    assert(slice_starts_with(options->url_path, SLICE("/")) &&
           slice_ends_with(options->url_path, SLICE("/")));
    *listing = (struct listing){.options = options, .order = FOLDER_ORDER_NAME};
    read_query(listing);
    struct folder_query query = {
        .reach = &options->reach,
        .path = options->folder,
        .hidden = options->hidden,
        .count_max = LISTING_ENTRIES_MAX,
        .budget = options->budget,
        .is_abandoned = options->is_abandoned,
    };
    struct folder_entries entries;
    int error = folder_entries_read(&query, &entries);
    if (error < 0)
        return error;
    folder_entries_sort(&entries, listing->order, listing->descending);
    listing->folder = folder_shelf_share(options->shelf, &query, &entries);
    return listing->folder ? 0 : -ENOMEM;
}

void listing_write(struct listing *listing, struct buffer *out)
{
    if (listing->stage == LISTING_HEAD) {
        listing_write_head(listing, out);
        listing->stage = LISTING_ROWS;
    }
    write_rows(listing, out);
    if (listing->shown < listing->folder->entries.count)
        return;
    write_foot(listing, out);
    listing->stage = LISTING_END;
}

void listing_close(struct listing *listing)
{
    folder_shelf_release(listing->options->shelf, listing->folder);
    listing->folder = NULL;
}

struct slice listing_security_policy(void)
{
    return page_listing.policy;
}
