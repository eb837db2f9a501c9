/* The structs of an image are copied to ordinary memory of the process, since the settings have a count of
 * references; all that they point to stays in the room. */
#include "proc/generation.h"

#include "conf/load.h"
#include "sys/memory.h"

#include <errno.h>
#include <stdalign.h>
#include <stdlib.h>

struct generation {
    struct settings settings;
    struct generations *generations;
    int room;
};

/* The arena begins behind the image. */
#define IMAGE_BYTES                                                                        \
    ((sizeof(struct generation_image) + alignof(max_align_t) - 1) / alignof(max_align_t) * \
     alignof(max_align_t))

int generations_reserve(struct generations *generations)
{
    void *rooms;
    *generations = (struct generations){0};
    generations->room_count = sys_memory_reserve_some(&rooms, GENERATION_BYTES_MAX, GENERATION_ROOMS);
    generations->rooms = rooms;
    return generations->rooms ? 0 : -ENOMEM;
}

void generations_release(struct generations *generations)
{
    sys_memory_release(generations->rooms, generations->room_count * GENERATION_BYTES_MAX);
    generations->rooms = NULL;
}

static void *address_of_room(const struct generations *generations, int room)
{
    assert(generations->rooms && room >= 0 && (size_t)room < generations->room_count);
    return generations->rooms + (size_t)room * GENERATION_BYTES_MAX;
}

static void show_open_rooms(struct generations *generations, uint64_t open)
{
    generations->open = open;
    if (generations->shown)
        *generations->shown = open;
}

int generations_find_room(const struct generations *generations, uint64_t used)
{
    uint64_t free_rooms = ~(generations->open | used);
    int room = free_rooms ? __builtin_ctzll(free_rooms) : -1;
    return room < (int)generations->room_count ? room : -1;
}

int generation_create_memory(void)
{
    return sys_memory_create(GENERATION_BYTES_MAX);
}

int generation_seal(int fd)
{
    return sys_memory_seal(fd);
}

struct generation_image *generation_begin(struct generations *generations, int room, int fd,
                                          struct arena *ret_arena)
{
    char *at = address_of_room(generations, room);
    if (sys_memory_map(at, GENERATION_BYTES_MAX, fd, true) < 0)
        return NULL;
    arena_init_within(ret_arena, at + IMAGE_BYTES, GENERATION_BYTES_MAX - IMAGE_BYTES);
    return (struct generation_image *)at;
}

void generation_put(struct generation_image *image, const struct config *config)
{
    image->config = *config;
    image->settings = *config->settings;
    image->is_good = true;
}

int generation_map(struct generations *generations, int room, int fd)
{
    if ((generations->open >> room & 1) != 0)
        return -EBUSY; /* would take the memory from settings that are in use */
    int error = sys_memory_map(address_of_room(generations, room), GENERATION_BYTES_MAX, fd, false);
    if (error == 0)
        show_open_rooms(generations, generations->open | UINT64_C(1) << room);
    return error;
}

int generation_ensure(struct generations *generations, int room, int fd)
{
    bool is_open = (generations->open >> room & 1) != 0;
    return is_open ? 0 : generation_map(generations, room, fd);
}

void generation_unmap(struct generations *generations, int room)
{
    generations->uses[room] = 0;
    sys_memory_unmap(address_of_room(generations, room), GENERATION_BYTES_MAX);
    show_open_rooms(generations, generations->open & ~(UINT64_C(1) << room));
}

void generations_keep(struct generations *generations, int room)
{
    for (int i = 0; i < GENERATION_ROOMS; i++) {
        if (i != room && (generations->open >> i & 1) != 0)
            generation_unmap(generations, i);
    }
    show_open_rooms(generations, generations->open);
}

const struct generation_image *generation_image(const struct generations *generations, int room)
{
    return address_of_room(generations, room);
}

static void generation_release(struct settings *settings)
{
    struct generation *generation = CONTAINER_OF(settings, struct generation, settings);
    struct generations *generations = generation->generations;
    if (--generations->uses[generation->room] == 0)
        generation_unmap(generations, generation->room);
    free(generation);
}

int generation_open(struct generations *generations, int room, struct config **ret_config)
{
    const struct generation_image *image = generation_image(generations, room);
    struct generation *generation = calloc(1, sizeof(*generation));
    struct config *config = calloc(1, sizeof(*config));
    if (generation == NULL || config == NULL) {
        free(generation);
        free(config);
        return -ENOMEM;
    }
    generations->uses[room]++;
    *generation = (struct generation){.settings = image->settings, .generations = generations, .room = room};
    generation->settings.references = 1;
    generation->settings.release = generation_release;
    generation->settings.arena = (struct arena){0};
    *config = image->config;
    config->settings = &generation->settings;
    *ret_config = config;
    return 0;
}
