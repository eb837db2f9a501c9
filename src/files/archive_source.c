/* An archive as a source that is made piece by piece (files/piece_source.h). Each has an open file and two
 * buffers, so a worker sends a limited number at a time. */
#include "files/archive_source.h"

#include "disk/root.h"
#include "files/files.h"
#include "http/uri.h"

#include <errno.h>
#include <stdlib.h>

/* The most archives that a worker sends at a time: each needs up to 300 KiB, and a descriptor. */
#define ARCHIVES_MAX 64

struct archive_maker {
    struct files *files;
    struct archive archive;
};

static int open_archive(void *maker)
{
    return archive_open(&((struct archive_maker *)maker)->archive);
}

static int archive_source_make_piece(void *maker, struct buffer *out)
{
    return archive_write(&((struct archive_maker *)maker)->archive, out);
}

static bool archive_source_is_ended(const void *maker)
{
    return ((const struct archive_maker *)maker)->archive.is_ended;
}

static void close_archive(void *context)
{
    struct archive_maker *maker = context;
    archive_close(&maker->archive);
    maker->files->archives--;
    free(maker);
}

static const struct piece_maker_type archive_maker = {
    .open = open_archive,
    .make = archive_source_make_piece,
    .is_ended = archive_source_is_ended,
    .close = close_archive,
    .piece_bytes_max = ARCHIVE_PIECE_BYTES_MAX,
};

int archive_source_begin(struct exchange *exchange, struct root *root, struct archive_options *options,
                         piece_source_done *done)
{
    struct files *files = files_of(exchange);
    if (files->archives == ARCHIVES_MAX)
        return -EAGAIN;
    struct archive_maker *maker = malloc(sizeof(*maker));
    if (maker == NULL)
        return -ENOMEM;
    options->budget = &files->listing_budget;
    options->is_abandoned = &exchange->is_abandoned;
    maker->files = files;
    archive_init(&maker->archive, options);
    files->archives++;
    struct job_queue *queue = root->is_local ? &files->listings : root_jobs(root, false);
    return piece_source_begin(exchange, queue, &archive_maker, maker, done);
}

static bool is_harmless(char byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           byte == '-' || byte == '_' || byte == '.' || byte == ' ';
}

void archive_append_disposition(struct buffer *out, struct slice name)
{
    buffer_append(out, SLICE("attachment; filename=\""));
    for (size_t i = 0; i < name.length; i++)
        buffer_append_byte(out, is_harmless(name.data[i]) ? name.data[i] : '_');
    buffer_append(out, SLICE(".tar\"; filename*=UTF-8''"));
    http_path_encode(out, name);
    buffer_append(out, SLICE(".tar"));
}
