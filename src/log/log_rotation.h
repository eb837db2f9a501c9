/* Rotation of log files: a file that is large or old enough is put aside, and whoever writes to it is told to
 * open its path anew. Old parts are compressed when nobody writes to them any more, and all but the newest
 * are removed. Nothing is lost between: lines that are still written to a file that was put aside are in it.
 *
 * This may wait for a disk: it belongs in a process of its own (proc/log_keeper.h). */
#ifndef LOG_LOG_ROTATION_H
#define LOG_LOG_ROTATION_H

#include "base/log.h"
#include "log/log_archive.h"

/* Where a log is looked at how often: often enough that it is not much larger than it may be. */
#define LOG_ROTATION_LOOK_MS     1000
#define LOG_ROTATION_LOOK_MS_MIN 50

enum log_compressor { LOG_COMPRESSOR_AUTO, LOG_COMPRESSOR_ZSTD, LOG_COMPRESSOR_NONE };

struct log_rotation_rules {
    bool is_on;
    uint64_t size;   /* bytes; 0: any */
    uint64_t age_ms; /* 0: any */
    uint32_t keep;
    int compress; /* enum log_compressor */
};

struct log_compression;
struct log_rotation_file;

struct log_rotation {
    struct log_rotation_rules rules;
    struct log *errors;
    void (*reopen)(void *context); /* whoever writes to the logs has to open them anew */
    void *context;
    struct log_rotation_file *files;
    size_t count;
    struct log_compression *compression; /* NULL: none is under way */
    bool has_work;                       /* there may be archives to be compressed or removed */
    unsigned failures;                   /* compressions that failed since all had their turn */
    bool tells_trouble;                  /* the next failure of a compression is logged */
    uint64_t work_ms;                    /* not before */
    uint64_t work_pause_ms;              /* until it is looked again at archives that are written to */
};

/* Begins without files. What it has, it has until its process ends. */
void log_rotation_init(struct log_rotation *rotation, const struct log_rotation_rules *rules,
                       struct log *errors, void (*reopen)(void *context), void *context);

/* Adds a file; one that is there already is not added again, and neither is "-". Returns 0 or -ENOMEM. */
int log_rotation_add(struct log_rotation *rotation, struct slice path) MUST_CHECK;

/* Does what is due, and at most a mebibyte of compression. Returns after how many milliseconds there is more
 * to do. */
uint64_t log_rotation_step(struct log_rotation *rotation);

#endif
