/* Reads a folder and puts it in order.
 *
 * Only an open can say whether a symbolic link is in reach; everything else is what its status in the folder
 * says. */
#include "disk/folder_entries.h"

#include "sys/file.h"
#include "sys/folder.h"
#include "sys/socket.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

/* Names that one reading looks at, shown or not: a bound on the time it takes. */
#define NAMES_READ_MAX 100000

/* A name has at most NAME_MAX bytes nearly everywhere, and the arena wastes less than 64 an entry. */
#define BYTES_PER_ENTRY_MAX (NAME_MAX + 64 + sizeof(struct folder_entry))

struct reading {
    struct folder_entries *entries;
    size_t count_max;
    const struct reach *reach;
    int folder_fd;
    const char *path;
    bool hidden;
};

static bool is_shown(const struct reading *reading, struct slice name)
{
    return reading->hidden || name.data[0] != '.' || slice_equal(name, SLICE(".well-known"));
}

/* What a symbolic link leads to. */
static int target_status(const struct reading *reading, const char *name, struct file_status *ret_status)
{
    char path[PATH_MAX];
    int length = snprintf(path, sizeof(path), "%s/%s", reading->path, name);
    if (length < 0 || (size_t)length >= sizeof(path))
        return -ENAMETOOLONG;
    int fd = reach_open(reading->reach, path, OPEN_PATH);
    if (fd < 0)
        return fd;
    int result = sys_file_status(fd, ret_status);
    sys_close(fd);
    return result;
}

/* The server is short of something: it says nothing about the entry. */
static bool is_shortage(int error)
{
    return error == -ENOMEM || error == -EMFILE || error == -ENFILE;
}

/* 1 for what is listed, 0 for what is not or cannot be looked at, -errno where that is not the entry's fault:
 * a listing that lacks a name without a reason would be a lie. */
static int find_status(const struct reading *reading, const char *name, struct file_status *ret_status)
{
    int result = sys_entry_status(reading->folder_fd, name, ret_status);
    if (result == 0 && S_ISLNK(ret_status->mode))
        result = target_status(reading, name, ret_status);
    if (result < 0)
        return is_shortage(result) ? result : 0;
    return S_ISDIR(ret_status->mode) || S_ISREG(ret_status->mode);
}

static int add(const struct reading *reading, struct slice name)
{
    struct file_status status;
    struct folder_entries *entries = reading->entries;
    int found = is_shown(reading, name) ? find_status(reading, name.data, &status) : 0;
    if (found <= 0)
        return found;
    if (entries->count == reading->count_max) {
        entries->truncated = true;
        return 0;
    }
    struct slice copy = arena_copy(&entries->arena, name);
    if (copy.data == NULL)
        return -ENOMEM;
    bool is_folder = S_ISDIR(status.mode);
    entries->items[entries->count++] = (struct folder_entry){
        .name = copy,
        .size = is_folder ? 0 : status.size,
        .modified_seconds = status.modified_seconds,
        .is_folder = is_folder,
    };
    return 0;
}

static int read_names(const struct reading *reading, DIR *folder)
{
    for (size_t names = 0; !reading->entries->truncated; names++) {
        const char *name;
        int result = sys_folder_next(folder, &name);
        if (result <= 0)
            return result;
        reading->entries->truncated = names == NAMES_READ_MAX;
        result = add(reading, slice_from(name));
        if (result < 0)
            return result;
    }
    return 0;
}

static int read_folder(struct reading *reading)
{
    struct folder_entries *entries = reading->entries;
    entries->items = arena_alloc(&entries->arena, reading->count_max * sizeof(*entries->items));
    if (entries->items == NULL)
        return -ENOMEM;
    reading->folder_fd = reach_open(reading->reach, reading->path, OPEN_LIST);
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

int folder_entries_read(const struct reach *reach, const char *path, bool hidden, size_t count_max,
                        struct folder_entries *ret_entries)
{
    struct folder_entries entries = {0};
    arena_init(&entries.arena, 4096 + count_max * BYTES_PER_ENTRY_MAX);
    struct reading reading = {
        .entries = &entries, .count_max = count_max, .reach = reach, .path = path, .hidden = hidden};
    int result = read_folder(&reading);
    if (result < 0)
        arena_finish(&entries.arena);
    else
        *ret_entries = entries;
    return result;
}

static bool is_digit(struct slice text)
{
    return text.length > 0 && text.data[0] >= '0' && text.data[0] <= '9';
}

/* Takes the digits at the front, without leading zeros. */
static struct slice take_digits(struct slice *rest)
{
    while (rest->length > 0 && rest->data[0] == '0')
        *rest = slice_skip(*rest, 1);
    size_t length = 0;
    while (is_digit(slice_skip(*rest, length)))
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

static int compare_numbers(struct slice *a, struct slice *b)
{
    struct slice left = take_digits(a), right = take_digits(b);
    if (left.length != right.length)
        return left.length < right.length ? -1 : 1;
    return compare_bytes(left, right);
}

static int compare_letters(struct slice *a, struct slice *b)
{
    int difference = (unsigned char)ascii_lower(a->data[0]) - (unsigned char)ascii_lower(b->data[0]);
    *a = slice_skip(*a, 1);
    *b = slice_skip(*b, 1);
    return difference;
}

/* Never 0 for different names, so that the order does not depend on the file system's. */
static int compare_names(struct slice a, struct slice b)
{
    struct slice left = a, right = b;
    int difference = 0;
    while (difference == 0 && left.length > 0 && right.length > 0) {
        bool numbers = is_digit(left) && is_digit(right);
        difference = numbers ? compare_numbers(&left, &right) : compare_letters(&left, &right);
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
    case FOLDER_ORDER_NAME: return compare_names(a->name, b->name);
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
        return compare_names(a->name, b->name);
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
    arena_finish(&entries->arena);
    *entries = (struct folder_entries){0};
}
