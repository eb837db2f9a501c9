/* HTTP/2 frames as a client writes and reads them (RFC 9113 sections 4 and 6, RFC 7541). Written from the
 * RFCs and independent of vif's engine and of the library that it uses. Decoding compressed headers is left
 * to that library: see dialog.c. */
#ifndef SIM_CLIENTS_FRAMES_H
#define SIM_CLIENTS_FRAMES_H

#include "base/buffer.h"

#define FRAME_HEAD_BYTES  9
#define FRAME_BYTES_MAX   16384 /* of a payload, until a SETTINGS frame allows more */
#define FRAME_WINDOW      65535 /* the initial windows */
#define FRAME_WINDOW_MAX  2147483647
#define FRAME_PING_BYTES  8
#define FRAME_STREAM_LAST 0x7fffffffu

#define FRAME_PREFACE SLICE("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")

enum frame_type {
    FRAME_DATA,
    FRAME_HEADERS,
    FRAME_PRIORITY,
    FRAME_RST_STREAM,
    FRAME_SETTINGS,
    FRAME_PUSH_PROMISE,
    FRAME_PING,
    FRAME_GOAWAY,
    FRAME_WINDOW_UPDATE,
    FRAME_CONTINUATION,
    FRAME_PRIORITY_UPDATE = 16, /* RFC 9218 */
};

enum frame_flag {
    FRAME_ACK = 1,
    FRAME_END_STREAM = 1,
    FRAME_END_HEADERS = 4,
};

enum frame_setting {
    FRAME_HEADER_TABLE_SIZE = 1,
    FRAME_ENABLE_PUSH = 2,
    FRAME_MAX_CONCURRENT_STREAMS = 3,
    FRAME_INITIAL_WINDOW_SIZE = 4,
    FRAME_MAX_FRAME_SIZE = 5,
};

enum frame_code {
    FRAME_NO_ERROR = 0,
    FRAME_PROTOCOL_ERROR = 1,
    FRAME_INTERNAL_ERROR = 2,
    FRAME_SIZE_ERROR = 6,
    FRAME_REFUSED_STREAM = 7,
    FRAME_CANCEL = 8,
    FRAME_ENHANCE_YOUR_CALM = 11,
};

struct frame {
    uint8_t type;
    uint8_t flags;
    uint32_t stream;
    struct slice payload; /* in the input */
};

/* Reads the frame at the front of the input; false if it is not complete. */
bool frame_read(struct slice input, struct frame *ret_frame);

/* The length that the frame at the front of the input announces; `input` has at least a frame's head. */
size_t frame_payload_length(struct slice input);

uint32_t frame_number(const char *bytes); /* 32 bits */

void frame_write_head(struct buffer *out, size_t length, uint8_t type, uint8_t flags, uint32_t stream);
void frame_write(struct buffer *out, uint8_t type, uint8_t flags, uint32_t stream, struct slice payload);
void frame_write_number(struct buffer *out, uint32_t number);
void frame_write_setting(struct buffer *payload, enum frame_setting setting, uint32_t value);

/* Appends a header to a block of headers: a literal that no table remembers. */
void frame_write_header(struct buffer *block, struct slice name, struct slice value);

#endif
