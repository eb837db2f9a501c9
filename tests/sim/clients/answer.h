/* A reader of responses that lets nothing pass: written from RFC 9112 for the simulator, and from none of
 * vif's own code, so that a mistake is not made twice. What vif never sends (chunked content, content until
 * the end of the connection, obsolete line folding) is a fault here. */
#ifndef SIM_CLIENTS_ANSWER_H
#define SIM_CLIENTS_ANSWER_H

#include "verdict.h"

#define ANSWER_FIELDS_MAX 32

struct answer_field {
    struct slice name, value;
};

/* Slices point into the input. */
struct answer {
    int status;
    size_t field_count;
    struct answer_field fields[ANSWER_FIELDS_MAX];
    bool has_length;
    uint64_t length;     /* what Content-Length says */
    bool is_bare;        /* no content on the wire, whatever the length says: to HEAD, 1xx, 204, 304 */
    bool says_close;     /* Connection: close */
    bool says_keep_open; /* Connection: keep-alive */
    size_t head_bytes;
    struct slice content; /* of an answer that is not whole yet, what is there of it */
};

enum answer_result {
    ANSWER_MORE, /* the head is not whole yet */
    ANSWER_HEAD, /* the head is whole, the content is not */
    ANSWER_WHOLE,
    ANSWER_BAD,
};

/* Reads the response at the front of `input`, which answers a HEAD where `to_head`. A head that never ends is
 * bad, too. */
enum answer_result answer_read(struct slice input, bool to_head, struct answer *answer,
                               struct verdict *verdict);

/* The bytes that a whole answer takes on the wire. */
static inline size_t answer_bytes(const struct answer *answer)
{
    return answer->head_bytes + answer->content.length;
}

/* The one field with this name; data is NULL where there is none. */
struct slice answer_field(const struct answer *answer, const char *name);

/* Reads the fields of a part of a multipart message, or of a head behind its first line, up to the empty
 * line. Returns the bytes that it took, 0 where the empty line is not there, or where a line is bad. */
size_t answer_read_fields(struct slice input, struct answer *answer, struct verdict *verdict);

/* Digits only, all of them. */
bool answer_number(struct slice text, uint64_t *ret_value);

#endif
