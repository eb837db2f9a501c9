/* The input is the name of a file, behind 16 bytes for its size and time, as whoever may write into a served
 * folder chooses them. Whatever they are, what a reader finds in the header is what was put in: no name
 * becomes another one, or a record of its own. */
#include "fuzz.h"

#include "../unit/files/tar_reader.h"
#include "files/tar.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tar_entry entry = {0};
    struct buffer out;
    struct tar_read read;
    if (size <= 16 || memchr(data + 16, '\0', size - 16))
        return 0; /* no file has such a name */
    memcpy(&entry.size, data, 8);
    memcpy(&entry.modified_seconds, data + 8, 8);
    entry.size &= INT64_MAX;
    entry.name = slice_make((const char *)data + 16, size - 16);
    entry.is_folder = entry.name.data[entry.name.length - 1] == '/';
    buffer_init(&out, size + 4096);
    tar_append_header(&out, &entry);
    assert(!out.failed);
    assert(tar_read_header(buffer_slice(&out), &read));
    assert(read.bytes == out.length && slice_equal(read.name, entry.name) && read.size == entry.size &&
           read.modified_seconds == entry.modified_seconds && read.type == (entry.is_folder ? '5' : '0'));
    tar_read_free(&read);
    buffer_finish(&out);
    return 0;
}
