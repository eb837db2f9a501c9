/* While the items are gathered, a map finds duplicates: a site may have thousands of routes. */
#include "disk/root_opening.h"

#include "disk/root_path.h"
#include "sys/file.h"
#include "sys/socket.h"

#include <errno.h>
#include <stdlib.h>

/* ---- gathering ---- */

struct gathered {
    struct map_link link;
    const struct root_spec *spec;
};

struct gathering {
    struct root_opening *opening;
    struct map map;
    struct gathered *gathered; /* one for each item */
};

static size_t count_routes(const struct settings *settings)
{
    size_t count = 0;
    for (size_t i = 0; i < settings->site_count; i++)
        count += settings->sites[i].route_count;
    return count;
}

static bool root_opening_has(const struct gathering *gathering, const struct root_spec *spec, uint64_t hash)
{
    struct map_link *link = map_find(&gathering->map, hash);
    while (link && !root_spec_equal(CONTAINER_OF(link, struct gathered, link)->spec, spec))
        link = map_find_next(link);
    return link != NULL;
}

static struct root_look look_for(const struct root_spec *spec, const struct root *root)
{
    return root ? root_prepare_look(root) : (struct root_look){.path = spec->path.data, .fd = -1};
}

static int root_opening_add(struct gathering *gathering, const struct root_spec *spec)
{
    struct root_opening *opening = gathering->opening;
    uint64_t hash = root_spec_hash(opening->table, spec);
    if (root_opening_has(gathering, spec, hash))
        return 0;
    struct root *root = root_table_find(opening->table, spec);
    struct root_opening_item *item = &opening->items[opening->count];
    struct gathered *gathered = &gathering->gathered[opening->count];
    *item = (struct root_opening_item){
        .spec = *spec,
        .root = root,
        .is_looked_at = root == NULL || root->is_local,
        .look = look_for(spec, root),
        .path = root ? NULL : root_path_create(opening->table->notifier),
    };
    gathered->spec = &item->spec;
    int error = map_insert(&gathering->map, &gathered->link, hash);
    if (error < 0) {
        root_path_destroy(item->path);
        return error;
    }
    if (root)
        root_ref(root);
    opening->count++;
    return 0;
}

static int add_site(struct gathering *gathering, const struct site *site)
{
    int error = 0;
    for (size_t i = 0; i < site->route_count && error == 0; i++) {
        if (site->routes[i].kind != ROUTE_FILES)
            continue;
        struct root_spec spec = root_spec_of(&site->routes[i].files);
        error = root_opening_add(gathering, &spec);
    }
    return error;
}

static int root_opening_gather(struct root_opening *opening, const struct settings *settings,
                               size_t count_max)
{
    struct gathering gathering = {.opening = opening,
                                  .gathered = calloc(count_max + 1, sizeof(struct gathered))};
    int error = gathering.gathered ? 0 : -ENOMEM;
    for (size_t i = 0; i < settings->site_count && error == 0; i++)
        error = add_site(&gathering, &settings->sites[i]);
    map_finish(&gathering.map);
    free(gathering.gathered);
    return error;
}

struct root_opening *root_opening_create(struct root_table *table, const struct settings *settings)
{
    size_t count_max = count_routes(settings);
    struct root_opening *opening = calloc(1, sizeof(*opening) + count_max * sizeof(struct root_opening_item));
    if (opening == NULL)
        return NULL;
    opening->table = table;
    if (root_opening_gather(opening, settings, count_max) == 0)
        return opening;
    root_opening_destroy(opening);
    return NULL;
}

/* ---- opening ---- */

/* Whether openat2(2) works, which confines every root: better to notice its absence at start than at each
 * request. */
static int check_guard(int root_fd)
{
    int fd = sys_open_beneath(root_fd, ".", OPEN_FOLDER);
    if (fd >= 0)
        sys_close(fd);
    return fd == -ENOSYS ? fd : 0;
}

/* The path is watched before it is looked at, so that a switch in between is noticed. */
static void root_opening_make_item(struct root_opening_item *item)
{
    if (item->path)
        root_path_walk(item->path, item->look.path);
    if (item->is_looked_at)
        root_make_look(&item->look);
    if (item->look.fd >= 0)
        item->look.error = check_guard(item->look.fd);
}

void root_opening_make(struct root_opening *opening)
{
    for (size_t i = 0; i < opening->count; i++) {
        root_opening_make_item(&opening->items[i]);
        atomic_store_explicit(&opening->made_count, i + 1, memory_order_release);
    }
}

/* ---- applying ---- */

int root_opening_error(const struct root_opening *opening, size_t index)
{
    assert(index < opening->count);
    const struct root_opening_item *item = &opening->items[index];
    if (root_opening_is_made(opening, index))
        return item->look.error;
    return item->root ? 0 : -ETIMEDOUT;
}

static int join_item(struct root_opening *opening, struct root_opening_item *item, uint64_t now_ms)
{
    assert(item->root == NULL);
    int error = root_table_add(opening->table, &item->spec, &item->look, &item->root);
    if (error < 0)
        return error;
    uint64_t wishes = item->root->wishes;
    if (item->path)
        root_path_adopt(item->root, item->path, now_ms);
    item->path = NULL;
    if (item->root->wishes == wishes)
        root_note_look(item->root, now_ms);
    return 0;
}

int root_opening_join(struct root_opening *opening, uint64_t now_ms,
                      void (*on_move)(void *context, struct root *root, struct root_look *look),
                      void *context)
{
    int error = 0;
    for (size_t i = 0; i < opening->count && error == 0; i++) {
        struct root_opening_item *item = &opening->items[i];
        if (item->root == NULL)
            error = join_item(opening, item, now_ms);
        else if (root_opening_is_made(opening, i) && item->look.fd >= 0)
            on_move(context, item->root, &item->look);
    }
    return error;
}

void root_opening_destroy(struct root_opening *opening)
{
    if (opening == NULL)
        return;
    for (size_t i = 0; i < opening->count; i++) {
        struct root_opening_item *item = &opening->items[i];
        root_unref(item->root);
        root_path_destroy(item->path);
        if (item->look.fd >= 0)
            close_queue_take(opening->table->close_queue, item->look.fd);
    }
    free(opening);
}
