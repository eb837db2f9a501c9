/* Entity tags and content samples.
 *
 * The reasons are in docs/architecture.md, "One version under one tag". A file in memory is identified by
 * its content, a larger file by all of its status, including the status change time, which no program can
 * set. */
#include "disk/file_version.h"

#include "base/error.h"
#include "sys/process.h"

#include <endian.h>

/* Not a secret. Must never change: all servers of one tree give the same tags. */
static const struct hash_key tag_key = {UINT64_C(0x7669662065746167), UINT64_C(0x636f6e74656e7421)};

#define SAMPLE_BYTES    4096
#define STATUS_ATTEMPTS 100

#define NS_PER_SECOND INT64_C(1000000000)

/* The first sample is at the beginning of the file, the last one at the end. */
static off_t sample_offset(const struct file *file, unsigned number, size_t length)
{
    assert(number < FILE_SAMPLES && length <= file->status.size);
    uint64_t last = file->status.size - length;
    return (off_t)(number == FILE_SAMPLES - 1 ? last : last / (FILE_SAMPLES - 1) * number);
}

static int read_sample(const struct file *file, unsigned number, bool cached_only, uint64_t *ret_hash)
{
    char bytes[SAMPLE_BYTES];
    size_t length = (size_t)MIN(file->status.size, sizeof(bytes));
    off_t offset = sample_offset(file, number, length);
    for (size_t done = 0; done < length;) {
        ssize_t count = sys_read_at(file->fd, bytes + done, length - done, offset + (off_t)done, cached_only);
        if (count <= 0)
            return count == 0 ? ERROR_CHANGED : (int)count;
        done += (size_t)count;
    }
    *ret_hash = hash_bytes(&tag_key, slice_make(bytes, length));
    return 0;
}

int file_version_sample(struct file *file, bool cached_only)
{
    assert(file->fd >= 0);
    file->samples_taken = 0;
    for (unsigned i = 0; i < FILE_SAMPLES; i++) {
        bool is_end = i == 0 || i == FILE_SAMPLES - 1;
        int error = read_sample(file, i, cached_only || !is_end, &file->samples[i]);
        if (error == 0)
            file->samples_taken |= (uint8_t)(1u << i);
        else if (is_end)
            return error;
    }
    return 0;
}

enum samples_say { SAMPLES_UNKNOWN, SAMPLES_SAME, SAMPLES_CHANGED };

static enum samples_say compare_samples(const struct file *file, bool cached_only)
{
    enum samples_say says = SAMPLES_UNKNOWN;
    for (unsigned i = 0; i < FILE_SAMPLES; i++) {
        uint64_t hash;
        if (!(file->samples_taken & 1u << i) || read_sample(file, i, cached_only, &hash) < 0)
            continue;
        if (hash != file->samples[i])
            return SAMPLES_CHANGED;
        says = SAMPLES_SAME;
    }
    return says;
}

/* If only the status change time differs, the cause is a new name, owner or mode; or bytes were written
 * and the modification time restored. Fewer names are harmless: that is how a file is replaced by
 * rename(2). */
static bool is_untouched(const struct file_status *before, const struct file_status *now)
{
    return before->changed_ns == now->changed_ns || before->links != now->links;
}

/* write(2) updates the time first and the size some microseconds later; until then an append looks like a
 * change. */
static int file_version_find_status(const struct file *file, struct file_status *ret_now)
{
    for (unsigned i = 0; i < STATUS_ATTEMPTS; i++) {
        int error = sys_file_status(file->fd, ret_now);
        if (error < 0 || file_is_same(&file->status, ret_now) || ret_now->size != file->status.size)
            return error;
        sys_yield();
    }
    return 0;
}

bool file_version_stands(const struct file *file, bool cached_only)
{
    struct file_status now;
    if (file_version_find_status(file, &now) < 0)
        return false;
    if (file_is_same(&file->status, &now))
        return is_untouched(&file->status, &now) || compare_samples(file, cached_only) != SAMPLES_CHANGED;
    return file_has_grown(&file->status, &now) && compare_samples(file, cached_only) == SAMPLES_SAME;
}

/* Whether the status change time is the kernel's clock reading, which no program can set. A time without a
 * fraction may come from a mounted archive, or be too coarse. */
static bool has_true_change_time(const struct file *file)
{
    return file->status.changed_ns % NS_PER_SECOND != 0 && sys_sets_change_times(file->fd);
}

static struct digest digest_of_numbers(uint64_t *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        numbers[i] = htole64(numbers[i]);
    return hash_digest(&tag_key, slice_make((const char *)numbers, count * sizeof(*numbers)));
}

/* A weak tag uses only what copies of the file have in common. While a further change might not show in
 * the times, it includes the time of the look, so that it differs from a tag made a moment later. */
static void describe_status(struct file *file, int64_t looked_ns, struct http_etag_source *source)
{
    const struct file_status *status = &file->status;
    uint64_t numbers[] = {status->size, (uint64_t)status->modified_ns, 0, 0};
    source->is_weak = file->is_racy || !has_true_change_time(file);
    if (!source->is_weak) {
        numbers[2] = (uint64_t)status->changed_ns;
        numbers[3] = status->inode;
    } else if (file->is_racy) {
        numbers[2] = (uint64_t)looked_ns;
    }
    source->digest = digest_of_numbers(numbers, ARRAY_LENGTH(numbers));
}

void file_version_make_tag(struct file *file, int64_t looked_ns)
{
    assert(file->kind == FILE_REGULAR);
    struct http_etag_source source = {0};
    if (file->coding != HTTP_CODING_IDENTITY)
        source.coding = http_coding_name((enum http_coding)file->coding);
    if (file->in_memory)
        source.digest = hash_digest(&tag_key, file_content(file));
    else
        describe_status(file, looked_ns, &source);
    file->etag_length = (uint8_t)http_etag_format(file->etag, &source);
}
