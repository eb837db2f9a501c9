/* File content: memory is sent as it is, ranges of files in chunks.
 *
 * A chunk in the page cache is sent by sendfile(2). Otherwise sendfile would wait for the disk and block
 * all connections of the worker; so the chunk is read into memory on the offload pool and sent from there,
 * on every file system. There are two buffers, so that the next chunk is read while one is being sent. */
#include "files/file_source.h"

#include "base/error.h"
#include "disk/file_version.h"
#include "disk/root_table.h"
#include "files/files.h"

#include <errno.h>
#include <stdlib.h>

/* How much is checked to be in the page cache before it is sent by sendfile(2), as much as a socket takes.
 * Not more at a time: while a slow client receives, unsent pages may be evicted, and sendfile would wait
 * for the disk. */
#define HOT_CHUNK_BYTES (256u << 10)

/* How much of a cold file is read at once: enough to hide the disk's latency, little enough to keep in
 * memory. */
#define COLD_CHUNK_BYTES (256u << 10)

/* The most such buffers per worker: 64 MiB. Slow clients keep theirs for long. Over the limit, local files
 * are only read ahead into the page cache for sendfile; if sendfile might still block (remote files), a
 * small buffer is used. */
#define COLD_BUFFERS_MAX   256
#define REMOTE_CHUNK_BYTES (16u << 10)

/* How long a file whose range was in the page cache is assumed to stay there: the kernel evicts pages that
 * were not used recently, and these were. */
#define HOT_MS 1000

/* How long a file must be unchanged before it is sent without copying. */
#define YOUNG_NS INT64_C(60000000000)

struct chunk {
    const struct file *file; /* the exchange's, which stays open while the job runs */
    off_t offset;
    size_t length;
    size_t given; /* bytes of it handed out */
    int error;    /* 0: all bytes were read, and the file was still the same afterwards */
    bool is_ready;
    bool is_counted; /* the buffer is one of COLD_BUFFERS_MAX */
    char *bytes;     /* NULL: the worker has no more buffers */
    size_t capacity;
};

static void take_buffer(struct files *files, struct chunk *chunk, bool is_remote)
{
    bool is_free = files->cold_buffers < COLD_BUFFERS_MAX;
    if (chunk->bytes || (!is_free && !is_remote))
        return;
    chunk->capacity = is_free ? COLD_CHUNK_BYTES : REMOTE_CHUNK_BYTES;
    chunk->bytes = malloc(chunk->capacity);
    chunk->is_counted = is_free && chunk->bytes;
    files->cold_buffers += chunk->is_counted;
}

static void file_source_free_chunk(struct files *files, struct chunk *chunk)
{
    if (chunk == NULL)
        return;
    assert(files->cold_buffers >= chunk->is_counted);
    files->cold_buffers -= chunk->is_counted;
    free(chunk->bytes);
    free(chunk);
}

static int file_source_read_bytes(const struct chunk *chunk)
{
    char passing[16384];
    for (size_t done = 0; done < chunk->length;) {
        size_t rest = chunk->length - done;
        char *out = chunk->bytes ? chunk->bytes + done : passing;
        ssize_t count = sys_read_at(chunk->file->fd, out, chunk->bytes ? rest : MIN(rest, sizeof(passing)),
                                    chunk->offset + (off_t)done, false);
        if (count <= 0)
            return count == 0 ? ERROR_CHANGED : (int)count;
        done += (size_t)count;
    }
    return 0;
}

struct file_source {
    struct source source;
    struct file *file; /* exchange->file */
    struct segment *parts;
    size_t part_count;   /* parts not completely handed out; parts[0] is the next */
    struct segment only; /* storage if there is only one part */
    struct chunk *chunks[2];
    uint8_t turn; /* the one that was read last */
};

static_assert(sizeof(struct file_source) <= EXCHANGE_SOURCE_BYTES, "so that it never needs memory");

static struct file_source *file_source_of(const struct source *source)
{
    return CONTAINER_OF(source, struct file_source, source);
}

/* ---- chunks ---- */

static void read_chunk(void *context)
{
    struct file_source *file = context;
    struct chunk *chunk = file->chunks[file->turn];
    chunk->error = file_source_read_bytes(chunk);
    if (chunk->error == 0 && !file_version_stands(chunk->file, false))
        chunk->error = ERROR_CHANGED;
}

static void chunk_is_read(void *context)
{
    struct file_source *file = context;
    file->chunks[file->turn]->is_ready = true;
}

static enum source_result begin_chunk(struct file_source *file)
{
    struct exchange *exchange = file->source.exchange;
    assert(file->part_count > 0);
    file->turn ^= 1;
    struct chunk **place = &file->chunks[file->turn];
    if (*place == NULL)
        *place = calloc(1, sizeof(**place));
    if (*place == NULL)
        return source_fail(&file->source, -ENOMEM);
    struct chunk *chunk = *place;
    bool is_remote = file->file->is_remote;
    take_buffer(files_of(exchange), chunk, is_remote);
    if (is_remote && chunk->bytes == NULL)
        return source_fail(&file->source, -ENOMEM);
    chunk->file = file->file;
    chunk->offset = file->parts->offset;
    chunk->length = MIN(file->parts->length, chunk->bytes ? chunk->capacity : COLD_CHUNK_BYTES);
    chunk->given = 0;
    chunk->error = -EAGAIN; /* the result if the pool has no room for the job after all */
    chunk->is_ready = false;
    struct root *root = file->file->root;
    struct job_queue *queue =
        file->file->crosses_mount ? root_jobs_on(root, file->file->status.device) : root_jobs(root, false);
    int error = exchange_offload(exchange, queue, read_chunk, chunk_is_read, file);
    return error < 0 ? source_fail(&file->source, error) : SOURCE_WAIT;
}

/* ---- segments ---- */

/* Removes `length` bytes from the front of the current part. */
static void consume(struct file_source *file, size_t length)
{
    struct segment *part = file->parts;
    assert(file->part_count > 0 && length <= part->length);
    if (part->data)
        part->data += length;
    else
        part->offset += (off_t)length;
    part->length -= length;
    if (part->length > 0)
        return;
    file->parts++;
    file->part_count--;
}

/* Pages that sendfile has put into a socket are still the file's: a write to the file would change bytes
 * that are about to be sent. A file that was changed recently may be changed again, so it is copied. */
static bool is_young(const struct file_source *file)
{
    int64_t now_ns = loop_wall_seconds(file->source.exchange->service->loop) * INT64_C(1000000000);
    const struct file_status *status = &file->file->status;
    return MAX(status->modified_ns, status->changed_ns) > now_ns - YOUNG_NS;
}

static enum source_result give_range(struct file_source *file, size_t length, struct segment *ret_segment)
{
    *ret_segment = segment_file(file->parts->fd, file->parts->offset, length);
    ret_segment->is_copied = is_young(file);
    consume(file, length);
    return SOURCE_GIVEN;
}

static enum source_result give_chunk(struct file_source *file, struct chunk *chunk, size_t bytes_max,
                                     struct segment *ret_segment)
{
    size_t length = MIN(chunk->length - chunk->given, bytes_max);
    const char *bytes = chunk->bytes ? chunk->bytes + chunk->given : NULL;
    if (chunk->error < 0)
        return source_fail(&file->source, chunk->error);
    chunk->given += length;
    chunk->is_ready = chunk->given < chunk->length;
    if (bytes == NULL)
        return give_range(file, length, ret_segment);
    *ret_segment = segment_memory(slice_make(bytes, length));
    consume(file, length);
    return SOURCE_GIVEN;
}

static bool is_hot(const struct file_source *source, size_t length)
{
    struct file *file = source->file;
    int64_t now_ms = (int64_t)loop_now_ms(source->source.exchange->service->loop);
    /* A remote file system may block even for cached pages, to check that they are up to date. */
    if (file->is_remote)
        return false;
    /* Small enough to have been checked completely. */
    bool is_whole = file->status.size <= HOT_CHUNK_BYTES;
    if (is_whole && now_ms < file->hot_until_ms)
        return true;
    if (!sys_range_is_cached(source->parts->fd, source->parts->offset, length))
        return false;
    if (is_whole && length == file->status.size)
        file->hot_until_ms = now_ms + HOT_MS;
    return true;
}

static enum source_result file_next(struct source *source, size_t bytes_max, struct segment *ret_segment)
{
    struct file_source *file = file_source_of(source);
    if (file->part_count == 0)
        return SOURCE_END;
    size_t length = MIN(file->parts->length, bytes_max);
    if (file->parts->data) {
        *ret_segment = segment_memory(slice_make(file->parts->data, length));
        consume(file, length);
        return SOURCE_GIVEN;
    }
    struct chunk *chunk = file->chunks[file->turn];
    if (chunk && chunk->is_ready)
        return give_chunk(file, chunk, bytes_max, ret_segment);
    length = MIN(length, (size_t)HOT_CHUNK_BYTES);
    return is_hot(file, length) ? give_range(file, length, ret_segment) : begin_chunk(file);
}

static bool file_is_unchanged(const struct source *source)
{
    return file_version_stands(file_source_of(source)->file, true);
}

static void file_close(struct source *source)
{
    struct file_source *file = file_source_of(source);
    file_source_free_chunk(files_of(source->exchange), file->chunks[0]);
    file_source_free_chunk(files_of(source->exchange), file->chunks[1]);
}

static const struct source_type file_type = {
    .next = file_next,
    .is_unchanged = file_is_unchanged,
    .close = file_close,
};

/* ---- making one ---- */

struct segment file_segment(const struct file *file, uint64_t first, uint64_t length)
{
    if (file->in_memory)
        return segment_memory(slice_make(file_content(file).data + first, (size_t)length));
    return segment_file(file->fd, (off_t)first, (size_t)length);
}

static struct file_source *file_source_make(struct exchange *exchange, uint64_t length)
{
    struct file_source *file = exchange_source_room(exchange, sizeof(*file));
    *file = (struct file_source){
        .source = {.type = &file_type, .exchange = exchange, .length = length},
        .file = exchange->file,
    };
    return file;
}

struct source *source_of_file(struct exchange *exchange, uint64_t first, uint64_t length)
{
    struct segment part = file_segment(exchange->file, first, length);
    if (part.data || length == 0)
        return source_of_memory(exchange, slice_make(part.data, (size_t)length));
    struct file_source *file = file_source_make(exchange, length);
    file->only = part;
    file->parts = &file->only;
    file->part_count = 1;
    return &file->source;
}

struct source *source_of_file_parts(struct exchange *exchange, struct segment *parts, size_t part_count)
{
    uint64_t length = 0;
    for (size_t i = 0; i < part_count; i++)
        length += parts[i].length;
    struct file_source *file = file_source_make(exchange, length);
    file->parts = parts;
    file->part_count = part_count;
    return &file->source;
}
