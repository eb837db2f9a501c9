/* Reads a folder and sorts it.
 *
 * Whether a symbolic link is in reach is found out by opening it; for all other entries their status in
 * the folder is enough. */
#include "disk/folder_entries.h"

#include "sys/file.h"
#include "sys/folder.h"
#include "sys/socket.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

/* The most names that one reading looks at, shown or not: limits the time it takes. */
#define NAMES_READ_MAX 2000000

/* Names are stored in blocks of this size. */
#define NAMES_BLOCK_BYTES 4096

#define ENTRIES_FIRST 64

/* The range of the time in an entry. */
#define SECONDS_MAX ((INT64_C(1) << 46) - 1)

struct reading {
    const struct folder_query *query;
    struct folder_entries *entries;
    int folder_fd;
    char *names_next; /* free space of the newest block */
    char *names_end;
};

static bool is_shown(const struct reading *reading, struct slice name)
{
    return reading->query->hidden || name.data[0] != '.' || slice_equal(name, SLICE(".well-known"));
}

/* The status of a symbolic link's target. */
static int target_status(const struct reading *reading, const char *name, struct file_status *ret_status)
{
    char path[PATH_MAX];
    int length = snprintf(path, sizeof(path), "%s/%s", reading->query->path, name);
    if (length < 0 || (size_t)length >= sizeof(path))
        return -ENAMETOOLONG;
    int fd = reach_open(reading->query->reach, path, OPEN_PATH);
    if (fd < 0)
        return fd;
    int result = sys_file_status(fd, ret_status);
    sys_close(fd);
    return result;
}

/* The server lacks a resource: the error says nothing about the entry. */
static bool is_shortage(int error)
{
    return error == -ENOMEM || error == -EMFILE || error == -ENFILE;
}

/* Returns 1 for entries to list, 0 for others and those that cannot be looked at, -errno for errors that
 * are not caused by the entry: a listing must not silently lack names. */
static int folder_entries_find_status(const struct reading *reading, const char *name,
                                      struct file_status *ret_status)
{
    int result = sys_entry_status(reading->folder_fd, name, ret_status);
    if (result == 0 && S_ISLNK(ret_status->mode))
        result = target_status(reading, name, ret_status);
    if (result < 0)
        return is_shortage(result) ? result : 0;
    return S_ISDIR(ret_status->mode) || S_ISREG(ret_status->mode);
}

/* Takes bytes from the budget; false if it is exhausted. */
static bool folder_entries_take(struct folder_entries *entries, size_t bytes)
{
    struct folder_budget *budget = entries->budget;
    if (atomic_fetch_add(&budget->used, bytes) + bytes > budget->bytes_max) {
        atomic_fetch_sub(&budget->used, bytes);
        return false;
    }
    entries->bytes += bytes;
    return true;
}

static int folder_entries_grow(struct folder_entries *entries)
{
    size_t capacity = entries->capacity ? entries->capacity * 2 : ENTRIES_FIRST;
    if (!folder_entries_take(entries, (capacity - entries->capacity) * sizeof(*entries->items)))
        return -ENOBUFS;
    struct folder_entry *items = realloc(entries->items, capacity * sizeof(*items));
    if (items == NULL)
        return -ENOMEM;
    entries->items = items;
    entries->capacity = capacity;
    return 0;
}

/* Frees unused capacity: a listing may be held for long while its client reads slowly. */
static void shrink(struct folder_entries *entries)
{
    struct folder_entry *items = realloc(entries->items, MAX(entries->count, (size_t)1) * sizeof(*items));
    if (items == NULL)
        return;
    size_t spare = (entries->capacity - MIN(entries->count, entries->capacity)) * sizeof(*items);
    entries->items = items;
    entries->capacity = entries->count;
    entries->bytes -= spare;
    atomic_fetch_sub(&entries->budget->used, spare);
}

static int folder_entries_add_block(struct reading *reading)
{
    if (!folder_entries_take(reading->entries, NAMES_BLOCK_BYTES))
        return -ENOBUFS;
    reading->names_next = arena_alloc(&reading->entries->names, NAMES_BLOCK_BYTES);
    reading->names_end = reading->names_next ? reading->names_next + NAMES_BLOCK_BYTES : NULL;
    return reading->names_next ? 0 : -ENOMEM;
}

/* Makes room for one entry, and for its name at `names_next`. */
static int folder_entries_make_room(struct reading *reading, struct slice name)
{
    struct folder_entries *entries = reading->entries;
    int error = entries->count == entries->capacity ? folder_entries_grow(entries) : 0;
    if (error == 0 && (size_t)(reading->names_end - reading->names_next) <= name.length)
        error = folder_entries_add_block(reading);
    return error;
}

static int folder_entries_add(struct reading *reading, struct slice name)
{
    struct file_status status;
    struct folder_entries *entries = reading->entries;
    int found = is_shown(reading, name) ? folder_entries_find_status(reading, name.data, &status) : 0;
    if (found <= 0)
        return found;
    if (entries->count == reading->query->count_max) {
        entries->truncated = true;
        return 0;
    }
    int error = folder_entries_make_room(reading, name);
    if (error < 0)
        return error;
    bool is_folder = S_ISDIR(status.mode);
    entries->items[entries->count++] = (struct folder_entry){
        .name_bytes = memcpy(reading->names_next, name.data, name.length + 1),
        .name_length = name.length,
        .size = is_folder ? 0 : status.size,
        .modified_seconds = MAX(MIN(status.modified_seconds, SECONDS_MAX), -SECONDS_MAX),
        .is_folder = is_folder,
    };
    reading->names_next += name.length + 1;
    return 0;
}

static bool is_abandoned(const struct folder_query *query)
{
    return query->is_abandoned && atomic_load_explicit(query->is_abandoned, memory_order_relaxed);
}

static int read_names(struct reading *reading, DIR *folder)
{
    for (size_t names = 0; !reading->entries->truncated; names++) {
        const char *name;
        if (is_abandoned(reading->query))
            return -ECANCELED;
        int result = sys_folder_next(folder, &name);
        if (result <= 0)
            return result;
        reading->entries->truncated = names == NAMES_READ_MAX;
        result = folder_entries_add(reading, slice_from(name));
        if (result < 0)
            return result;
    }
    return 0;
}

static int read_folder(struct reading *reading)
{
    reading->folder_fd = reach_open(reading->query->reach, reading->query->path, OPEN_LIST);
    if (reading->folder_fd < 0)
        return reading->folder_fd;
    DIR *folder;
    int result = sys_folder_open(reading->folder_fd, &folder);
    if (result < 0)
        return result;
    result = read_names(reading, folder);
    sys_folder_close(folder);
    return result;
}

int folder_entries_read(const struct folder_query *query, struct folder_entries *ret_entries)
{
    assert(query->reach != NULL && query->path != NULL);
    struct folder_entries entries = {.budget = query->budget};
    arena_init(&entries.names, SIZE_MAX);
    struct reading reading = {.query = query, .entries = &entries};
    int result = read_folder(&reading);
    if (result < 0) {
        folder_entries_finish(&entries);
        return result;
    }
    shrink(&entries);
    *ret_entries = entries;
    return 0;
}

static bool folder_entries_is_digit(struct slice text)
{
    return text.length > 0 && text.data[0] >= '0' && text.data[0] <= '9';
}

/* Takes the digits from the front, without leading zeros. */
static struct slice folder_entries_take_digits(struct slice *rest)
{
    while (rest->length > 0 && rest->data[0] == '0')
        *rest = slice_skip(*rest, 1);
    size_t length = 0;
    while (folder_entries_is_digit(slice_skip(*rest, length)))
        length++;
    struct slice digits = slice_take(*rest, length);
    *rest = slice_skip(*rest, length);
    return digits;
}

static int compare_bytes(struct slice a, struct slice b)
{
    size_t common = MIN(a.length, b.length);
    int difference = common > 0 ? memcmp(a.data, b.data, common) : 0;
    return difference != 0 ? difference : (a.length > b.length) - (a.length < b.length);
}

static int folder_entries_compare_numbers(struct slice *a, struct slice *b)
{
    struct slice left = folder_entries_take_digits(a), right = folder_entries_take_digits(b);
    if (left.length != right.length)
        return left.length < right.length ? -1 : 1;
    return compare_bytes(left, right);
}

static int compare_letters(struct slice *a, struct slice *b)
{
    assert(a->length > 0 && b->length > 0);
    int difference = (unsigned char)ascii_lower(a->data[0]) - (unsigned char)ascii_lower(b->data[0]);
    *a = slice_skip(*a, 1);
    *b = slice_skip(*b, 1);
    return difference;
}

/* Never 0 for different names, so that the order does not depend on the file system. */
static int compare_names(struct slice a, struct slice b)
{
    struct slice left = a, right = b;
    int difference = 0;
    while (difference == 0 && left.length > 0 && right.length > 0) {
        bool numbers = folder_entries_is_digit(left) && folder_entries_is_digit(right);
        difference = numbers ? folder_entries_compare_numbers(&left, &right) : compare_letters(&left, &right);
    }
    if (difference == 0)
        difference = (left.length > 0) - (right.length > 0);
    return difference != 0 ? difference : compare_bytes(a, b);
}

struct ordering {
    enum folder_order order;
    bool descending;
};

static int compare_by(enum folder_order order, const struct folder_entry *a, const struct folder_entry *b)
{
    switch (order) {
    case FOLDER_ORDER_NAME: return compare_names(folder_entry_name(a), folder_entry_name(b));
    case FOLDER_ORDER_SIZE: return (a->size > b->size) - (a->size < b->size);
    case FOLDER_ORDER_MODIFIED:
        return (a->modified_seconds > b->modified_seconds) - (a->modified_seconds < b->modified_seconds);
    }
    UNREACHABLE();
}

static int compare_entries(const void *left, const void *right, void *context)
{
    const struct folder_entry *a = left, *b = right;
    const struct ordering *ordering = context;
    if (a->is_folder != b->is_folder)
        return a->is_folder ? -1 : 1;
    int difference = compare_by(ordering->order, a, b);
    if (difference == 0)
        return compare_names(folder_entry_name(a), folder_entry_name(b));
    return ordering->descending ? -difference : difference;
}

void folder_entries_sort(struct folder_entries *entries, enum folder_order order, bool descending)
{
    struct ordering ordering = {order, descending};
    if (entries->count > 1)
        qsort_r(entries->items, entries->count, sizeof(*entries->items), compare_entries, &ordering);
}

void folder_entries_finish(struct folder_entries *entries)
{
    arena_finish(&entries->names);
    free(entries->items);
    if (entries->budget)
        atomic_fetch_sub(&entries->budget->used, entries->bytes);
    *entries = (struct folder_entries){0};
}
