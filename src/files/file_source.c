/* The way of a response's content to the wire: memory as it is, files in chunks.
 *
 * A chunk that is in the page cache is sent by sendfile(2). One that is not would make sendfile wait for the
 * disk, and every other connection of the worker with it; it is read on the offload pool into memory and sent
 * from there, whatever file system it is on. Two buffers take turns, so that the next chunk is read while one
 * is being sent: the pieces are asked for only when all earlier ones were sent, but for those of the same
 * batch. */
#include "base/error.h"
#include "disk/file_version.h"
#include "serve/exchange.h"
#include "server/server_internal.h"

#include <errno.h>
#include <stdlib.h>

/* What is looked at before it is sent by sendfile(2), and no more than that at a time: the pages of what
 * waits for a slow client may be evicted meanwhile, and then sendfile waits for the disk. As much as a socket
 * takes. */
#define HOT_CHUNK_BYTES (256u << 10)

/* What is read of a cold file at once: enough to hide the disk's latency, little enough to wait with in
 * memory. */
#define COLD_CHUNK_BYTES (256u << 10)

/* Buffers for that in all of the worker: 64 MiB. Clients that take long to read hold on to theirs; past the
 * bound a chunk is read only to be in the page cache when sendfile comes to it; or, where sendfile might
 * still have to wait, into a small one. */
#define COLD_BUFFERS_MAX   256
#define REMOTE_CHUNK_BYTES (16u << 10)

/* A file whose range was in the page cache is taken to be there for so long: the kernel evicts what was not
 * used lately, and this was used just now. */
#define HOT_MS 1000

/* How long a file must have been left alone to be sent without a copy. */
#define YOUNG_NS INT64_C(60000000000)

struct chunk {
    const struct file *file; /* the exchange's, which stays open while the job runs */
    off_t offset;
    size_t length;
    int error; /* 0: every byte was read, and the file was still the same then */
    bool is_ready;
    bool is_counted; /* the buffer is one of COLD_BUFFERS_MAX */
    char *bytes;     /* NULL where the worker has no more buffers */
    size_t capacity;
};

static void take_buffer(struct server *server, struct chunk *chunk, bool is_remote)
{
    bool is_free = server->cold_buffers < COLD_BUFFERS_MAX;
    if (chunk->bytes || (!is_free && !is_remote))
        return;
    chunk->capacity = is_free ? COLD_CHUNK_BYTES : REMOTE_CHUNK_BYTES;
    chunk->bytes = malloc(chunk->capacity);
    chunk->is_counted = is_free && chunk->bytes;
    server->cold_buffers += chunk->is_counted;
}

static void free_chunk(struct server *server, struct chunk *chunk)
{
    if (chunk == NULL)
        return;
    server->cold_buffers -= chunk->is_counted;
    free(chunk->bytes);
    free(chunk);
}

void exchange_free_chunks(struct exchange *exchange)
{
    free_chunk(exchange->server, exchange->chunks[0]);
    free_chunk(exchange->server, exchange->chunks[1]);
}

static int read_bytes(const struct chunk *chunk)
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

static void read_chunk(struct exchange *exchange)
{
    struct chunk *chunk = exchange->chunks[exchange->chunk_turn];
    chunk->error = read_bytes(chunk);
    if (chunk->error == 0 && !file_version_stands(chunk->file, false))
        chunk->error = ERROR_CHANGED;
}

static void chunk_is_read(struct exchange *exchange)
{
    exchange->chunks[exchange->chunk_turn]->is_ready = true;
}

static enum piece_result fail_source(struct exchange *exchange, int error)
{
    bool is_overload = error == -ENOMEM || error == -EAGAIN;
    exchange->outcome = error == ERROR_CHANGED ? OUTCOME_FILE_CHANGED
                        : is_overload          ? OUTCOME_OVERLOADED
                                               : OUTCOME_READ_FAILED;
    return PIECE_FAILED;
}

static enum piece_result begin_chunk(struct exchange *exchange, const struct segment *piece)
{
    exchange->chunk_turn ^= 1;
    struct chunk **place = &exchange->chunks[exchange->chunk_turn];
    if (*place == NULL)
        *place = calloc(1, sizeof(**place));
    if (*place == NULL)
        return fail_source(exchange, -ENOMEM);
    struct chunk *chunk = *place;
    bool is_remote = exchange->file->is_remote;
    take_buffer(exchange->server, chunk, is_remote);
    if (is_remote && chunk->bytes == NULL)
        return fail_source(exchange, -ENOMEM);
    chunk->file = exchange->file;
    chunk->offset = piece->offset;
    chunk->length = MIN(piece->length, chunk->bytes ? chunk->capacity : COLD_CHUNK_BYTES);
    chunk->error = -EAGAIN; /* what it is when the job finds no room in the pool after all */
    chunk->is_ready = false;
    struct root *root = exchange->route_entry->root;
    struct job_queue *queue = is_remote ? &root->remote_jobs : &root->local_jobs;
    int error = exchange_offload(exchange, queue, read_chunk, chunk_is_read);
    return error < 0 ? fail_source(exchange, error) : PIECE_WAIT;
}

/* Cuts `length` bytes off the front of the current piece. */
static void consume(struct exchange *exchange, struct segment *piece, size_t length)
{
    piece->offset += (off_t)length;
    piece->length -= length;
    if (piece->length == 0)
        exchange->piece_next++;
}

/* Pages that sendfile has put into a socket are still the file's: a write in place would show in bytes that
 * are on their way already. What was changed lately may be about to change again, and is copied. */
static bool is_young(const struct exchange *exchange)
{
    int64_t now_ns = loop_wall_seconds(server_loop(exchange->server)) * INT64_C(1000000000);
    const struct file_status *status = &exchange->file->status;
    return MAX(status->modified_ns, status->changed_ns) > now_ns - YOUNG_NS;
}

static struct segment file_segment(const struct exchange *exchange, const struct segment *piece,
                                   size_t length)
{
    struct segment segment = segment_file(piece->fd, piece->offset, length);
    segment.is_copied = is_young(exchange);
    return segment;
}

static enum piece_result give_chunk(struct exchange *exchange, struct segment *piece,
                                    struct segment *ret_segment)
{
    struct chunk *chunk = exchange->chunks[exchange->chunk_turn];
    chunk->is_ready = false;
    if (chunk->error < 0)
        return fail_source(exchange, chunk->error);
    *ret_segment = chunk->bytes ? segment_memory(slice_make(chunk->bytes, chunk->length))
                                : file_segment(exchange, piece, chunk->length);
    consume(exchange, piece, chunk->length);
    return PIECE_GIVEN;
}

static bool is_hot(struct exchange *exchange, const struct segment *piece, size_t length)
{
    struct file *file = exchange->file;
    int64_t now_ms = (int64_t)loop_now_ms(server_loop(exchange->server));
    /* Even what is in the page cache there may wait until somebody has said that it is still true. */
    if (file->is_remote)
        return false;
    /* Small enough to have been looked at whole. */
    bool is_whole = file->status.size <= HOT_CHUNK_BYTES;
    if (is_whole && now_ms < file->hot_until_ms)
        return true;
    if (!sys_range_is_cached(piece->fd, piece->offset, length))
        return false;
    if (is_whole && length == file->status.size)
        file->hot_until_ms = now_ms + HOT_MS;
    return true;
}

static enum piece_result next_of_file(struct exchange *exchange, struct segment *piece,
                                      struct segment *ret_segment)
{
    struct chunk *chunk = exchange->chunks[exchange->chunk_turn];
    if (chunk && chunk->is_ready)
        return give_chunk(exchange, piece, ret_segment);
    size_t length = MIN(piece->length, (size_t)HOT_CHUNK_BYTES);
    if (!is_hot(exchange, piece, length))
        return begin_chunk(exchange, piece);
    *ret_segment = file_segment(exchange, piece, length);
    consume(exchange, piece, length);
    return PIECE_GIVEN;
}

enum piece_result exchange_next_piece(struct exchange *exchange, struct segment *ret_segment)
{
    if (exchange->is_busy)
        return PIECE_WAIT;
    if (exchange->piece_next == exchange->piece_count)
        return PIECE_END;
    struct segment *piece = &exchange->pieces[exchange->piece_next];
    if (piece->data == NULL)
        return next_of_file(exchange, piece, ret_segment);
    *ret_segment = *piece;
    exchange->piece_next++;
    return PIECE_GIVEN;
}

bool exchange_file_is_unchanged(const struct exchange *exchange)
{
    return file_version_stands(exchange->file, true);
}
