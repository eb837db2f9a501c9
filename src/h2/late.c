/* Follows the frames, but not what is in them. Frame heads may be cut anywhere between two reads. */
#include "h2/late.h"

#include "base/compiler.h"

#include <string.h>

#define PREFACE_BYTES 24
#define FRAME_DATA    0

void h2_late_init(struct h2_late *late)
{
    *late = (struct h2_late){.frame_left = PREFACE_BYTES};
}

void h2_late_open(struct h2_late *late, uint32_t stream)
{
    assert(stream > 0);
    late->has_gaps |= stream > late->last + 2 - (late->last == 0);
    late->last = stream;
}

static uint32_t stream_of(const uint8_t *head)
{
    return (uint32_t)(head[5] & 0x7f) << 24 | (uint32_t)head[6] << 16 | (uint32_t)head[7] << 8 | head[8];
}

/* Takes a part of the frame that `bytes` are in the middle of, or of the next one's head. */
static size_t take_part(struct h2_late *late, struct slice bytes)
{
    assert(bytes.length > 0 && late->head_used < H2_FRAME_HEAD_BYTES);
    if (late->frame_left > 0) {
        size_t part = MIN((size_t)late->frame_left, bytes.length);
        late->frame_left -= (uint32_t)part;
        return part;
    }
    size_t part = MIN((size_t)(H2_FRAME_HEAD_BYTES - late->head_used), bytes.length);
    memcpy(late->head + late->head_used, bytes.data, part);
    late->head_used += (uint8_t)part;
    if (late->head_used == H2_FRAME_HEAD_BYTES)
        late->frame_left = (uint32_t)late->head[0] << 16 | (uint32_t)late->head[1] << 8 | late->head[2];
    return part;
}

size_t h2_late_find_data(struct h2_late *late, struct slice bytes, size_t *ret_before, uint32_t *ret_stream)
{
    size_t end = 0;
    *ret_stream = 0;
    while (end < bytes.length) {
        *ret_before = end;
        end += take_part(late, slice_skip(bytes, end));
        if (late->head_used < H2_FRAME_HEAD_BYTES)
            continue;
        late->head_used = 0;
        if (late->head[3] == FRAME_DATA) {
            *ret_stream = stream_of(late->head);
            return end;
        }
    }
    *ret_before = end;
    return end;
}
