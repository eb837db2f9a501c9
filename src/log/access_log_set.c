/* An array: there are as many as sites that have a log. */
#include "log/access_log_set.h"

#include <errno.h>
#include <stdlib.h>

struct access_log *access_log_set_find(const struct access_log_set *set, struct slice path)
{
    for (size_t i = 0; i < set->count; i++) {
        if (slice_equal(set->items[i].path, path))
            return set->items[i].log;
    }
    return NULL;
}

int access_log_set_add(struct access_log_set *set, struct slice path, struct access_log *log)
{
    struct access_log_named *items = realloc(set->items, (set->count + 1) * sizeof(*items));
    if (items == NULL)
        return -ENOMEM;
    set->items = items;
    char *copy = malloc(path.length + 1);
    if (copy == NULL)
        return -ENOMEM;
    memcpy(copy, path.data, path.length);
    copy[path.length] = '\0';
    items[set->count++] = (struct access_log_named){.path = slice_make(copy, path.length), .log = log};
    return 0;
}

void access_log_set_finish(struct access_log_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        access_log_destroy(set->items[i].log);
        free((char *)set->items[i].path.data);
    }
    free(set->items);
    *set = (struct access_log_set){0};
}
