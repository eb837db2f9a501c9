/* Generations of the configuration: each change makes one, in memory that the master and all workers map at
 * the same address and cannot write to. So a worker takes new settings without reading or checking anything,
 * and all workers have the very same ones.
 *
 * The configuration that vif started with is in ordinary memory, which workers inherit. For later ones,
 * addresses are reserved before the first fork: rooms, of which each generation has one until no process uses
 * it. A child process of the master builds a generation in its room, so that neither a hanging file system
 * nor a fault in the reading can stop the master. */
#ifndef PROC_GENERATION_H
#define PROC_GENERATION_H

#include "conf/config.h"

#include <stdatomic.h>
#include <sys/types.h>

/* A set of rooms fits into 64 bits. */
#define GENERATION_ROOMS     64
#define GENERATION_BYTES_MAX ((size_t)64 << 20)

struct generations {
    char *rooms;
    size_t room_count;               /* fewer than GENERATION_ROOMS where addresses are limited */
    uint64_t open;                   /* the rooms that this process has mapped */
    unsigned uses[GENERATION_ROOMS]; /* configurations that this process has in each */
    atomic_ullong *shown;            /* shows `open` to the master; NULL: in the master */
};

/* What stands at the beginning of a room. */
struct generation_image {
    bool is_made; /* the building process came to its end */
    bool is_good; /* `config` can be used */
    struct config config;
    struct settings settings;
    struct slice text;    /* mistakes, warnings and changes, for people; in the room, like the next */
    struct slice outline; /* for the next comparison: conf/outline.h */
};

/* Reserves the addresses. Returns 0 or -ENOMEM. */
int generations_reserve(struct generations *generations) MUST_CHECK;

/* May be called on a zeroed one. */
void generations_release(struct generations *generations);

/* A room that is neither open here nor in the set `used`; -1: all are in use. */
int generations_find_room(const struct generations *generations, uint64_t used) MUST_CHECK;

/* In the building process: maps the memory `fd` for writing, and makes an arena of what is behind the image.
 * Returns NULL without memory. */
struct generation_image *generation_begin(struct generations *generations, int room, int fd,
                                          struct arena *ret_arena) MUST_CHECK;

/* Copies the configuration, which was built with that arena, into the image. */
void generation_put(struct generation_image *image, const struct config *config);

/* Creates memory for a generation; returns its descriptor or -errno. */
int generation_create_memory(void) MUST_CHECK;

/* From now on nobody can change the memory. The process that wrote it must have ended. Returns 0 or -errno.
 */
int generation_seal(int fd) MUST_CHECK;

/* Maps a generation for reading, unless it is mapped: a room has another one only when no process uses it.
 * Returns 0 or -errno. */
int generation_ensure(struct generations *generations, int room, int fd) MUST_CHECK;

/* The same for a room that must be free: -EBUSY otherwise. */
int generation_map(struct generations *generations, int room, int fd) MUST_CHECK;
void generation_unmap(struct generations *generations, int room);

/* In a new worker: unmaps all rooms that the master had open, except `room` (-1: none), and shows which are
 * open. */
void generations_keep(struct generations *generations, int room);

/* The image in a mapped room. */
const struct generation_image *generation_image(const struct generations *generations, int room);

/* Creates a configuration from a mapped room. When the last one of it is freed (config_destroy), and nobody
 * has a reference to its settings any more, the room is unmapped. Returns 0 or -ENOMEM; then the room stays
 * mapped. */
int generation_open(struct generations *generations, int room, struct config **ret_config) MUST_CHECK;

#endif
