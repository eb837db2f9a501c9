/* What stands in for TLS in the simulator: the same records, without cryptography, so that runs are fast and
 * follow from their seed. The server's side is kernel/tls_session.c, in the place of src/tls/session*.c; the
 * clients' is clients/wire_veil.c.
 *
 * A record is a type, two bytes of a version, the length of what follows (big endian), and that: in the
 * handshake as it is, afterwards masked, with a sum behind it. The mask depends on the direction, the key and
 * the number of the record: bytes that are lost, repeated or out of order are noticed by either side.
 *
 * The handshake: the client's hello, one message over one or several records; the server's flight, one
 * record; the client's finished, masked; then the server's tickets. */
#ifndef TESTS_SIM_VEIL_H
#define TESTS_SIM_VEIL_H

#include "base/buffer.h"

#define VEIL_HEAD_BYTES  5
#define VEIL_SUM_BYTES   4
#define VEIL_CONTENT_MAX 16384
#define VEIL_RECORD_MAX  (VEIL_HEAD_BYTES + VEIL_CONTENT_MAX + VEIL_SUM_BYTES)

enum veil_type { VEIL_ALERT = 21, VEIL_HANDSHAKE = 22, VEIL_DATA = 23 };

/* Messages of the handshake, in their first byte. */
enum veil_message {
    VEIL_HELLO = 1,
    VEIL_FLIGHT = 2,
    VEIL_TICKET = 4,
    VEIL_FINISHED = 20,
    VEIL_KEY_UPDATE = 24, /* then 1: another one is asked for */
};

/* A hello: its kind, the length of what follows in three bytes, these, and any bytes. */
#define VEIL_HELLO_BYTES_MIN 6
enum veil_hello_flag {
    VEIL_H2 = 1,      /* the protocol that it asks for, rather than HTTP/1.1 */
    VEIL_RESUMES = 2, /* it has a ticket */
    VEIL_SLOW = 4,    /* it takes only signatures that are slow to make */
};

/* An alert: its level (ignored) and the number. */
enum veil_alert { VEIL_CLOSE_NOTIFY = 0, VEIL_UNEXPECTED = 10, VEIL_BAD_RECORD = 20, VEIL_OVERFLOW = 22 };

/* One direction of a connection. */
struct veil_key {
    uint32_t direction; /* 0 to the server, 1 to the client */
    uint32_t generation;
    uint32_t records;
};

/* A record with a masked content, appended. */
static inline void veil_seal(struct veil_key *key, enum veil_type type, struct slice content,
                             struct buffer *out);

/* The content of a record, unmasked into `out`, which has room for it. False where it is not as it was
 * sealed. */
static inline bool veil_open(struct veil_key *key, enum veil_type type, struct slice payload, char *out,
                             size_t *ret_length);

static inline void veil_head(enum veil_type type, size_t length, char head[VEIL_HEAD_BYTES])
{
    head[0] = (char)type;
    head[1] = 3;
    head[2] = 3;
    head[3] = (char)(length >> 8);
    head[4] = (char)length;
}

/* The length of the payload that a head announces. */
static inline size_t veil_length(struct slice head)
{
    return (size_t)(unsigned char)head.data[3] << 8 | (unsigned char)head.data[4];
}

static inline uint64_t veil_mask(const struct veil_key *key, enum veil_type type)
{
    uint64_t mask = ((uint64_t)key->records << 32) + (key->generation << 8) + (key->direction << 7) + type;
    mask = (mask + 1) * UINT64_C(0x9e3779b97f4a7c15);
    return mask ^ mask >> 29;
}

static inline void veil_apply(uint64_t mask, struct slice content, char *out)
{
    for (size_t i = 0; i < content.length; i++)
        out[i] = (char)(content.data[i] ^ (char)(mask >> (8 * (i & 7))));
}

static inline uint32_t veil_sum(uint64_t mask, struct slice content)
{
    uint32_t sum = (uint32_t)mask;
    for (size_t i = 0; i < content.length; i++)
        sum = (sum << 5 | sum >> 27) + (unsigned char)content.data[i];
    return sum;
}

static inline void veil_seal(struct veil_key *key, enum veil_type type, struct slice content,
                             struct buffer *out)
{
    char head[VEIL_HEAD_BYTES];
    uint64_t mask = veil_mask(key, type);
    uint32_t sum = veil_sum(mask, content);
    key->records++;
    if (!buffer_reserve(out, VEIL_HEAD_BYTES + content.length + VEIL_SUM_BYTES))
        return;
    veil_head(type, content.length + VEIL_SUM_BYTES, head);
    buffer_append(out, slice_make(head, sizeof(head)));
    veil_apply(mask, content, out->data + out->length);
    out->length += content.length;
    for (unsigned i = 0; i < VEIL_SUM_BYTES; i++)
        buffer_append_byte(out, (char)(sum >> (8 * i)));
}

static inline bool veil_open(struct veil_key *key, enum veil_type type, struct slice payload, char *out,
                             size_t *ret_length)
{
    uint64_t mask = veil_mask(key, type);
    if (payload.length < VEIL_SUM_BYTES)
        return false;
    struct slice content = slice_take(payload, payload.length - VEIL_SUM_BYTES);
    veil_apply(mask, content, out);
    uint32_t sum = veil_sum(mask, slice_make(out, content.length));
    key->records++;
    for (unsigned i = 0; i < VEIL_SUM_BYTES; i++) {
        if (payload.data[content.length + i] != (char)(sum >> (8 * i)))
            return false;
    }
    *ret_length = content.length;
    return true;
}

static inline void veil_change_key(struct veil_key *key)
{
    key->generation++;
    key->records = 0;
}

#endif
