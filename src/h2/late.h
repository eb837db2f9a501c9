/* Frames for streams that are over. Those that the client may have sent before it knew that we reset the
 * stream are ignored; any other is an error of the connection (RFC 9113 section 5.1). nghttp2 could tell them
 * apart only if it kept every closed stream.
 *
 * nghttp2 reports HEADERS for such streams, but not DATA, so this follows the frames in the bytes received.
 */
#ifndef H2_LATE_H
#define H2_LATE_H

#include "base/compiler.h"
#include "base/slice.h"

#include <stdint.h>

#define H2_FRAME_HEAD_BYTES 9

struct h2_late {
    uint32_t last;       /* the highest stream that the client has opened */
    uint32_t reset;      /* the stream that the client has just reset */
    bool has_gaps;       /* the client has left out streams */
    bool may_be_crossed; /* we have reset a stream that the client had not ended */
    uint32_t frame_left; /* bytes of the current frame, or of the preface, that are still to come */
    uint8_t head[H2_FRAME_HEAD_BYTES]; /* of the next frame, `head_used` bytes of it */
    uint8_t head_used;
};

void h2_late_init(struct h2_late *late);

/* The client opens this stream. */
void h2_late_open(struct h2_late *late, uint32_t stream);

/* Follows the frames in `bytes` up to the end of the head of the next DATA frame. Returns how many bytes
 * these are, `*ret_before` of them before that head, and sets its stream; without such a frame, returns all
 * and sets 0. */
size_t h2_late_find_data(struct h2_late *late, struct slice bytes, size_t *ret_before, uint32_t *ret_stream);

#endif
