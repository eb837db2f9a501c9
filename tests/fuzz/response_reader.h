/* A reader of HTTP/1 responses that shares no code with vif's: the whole of one at once, by the grammar of
 * RFC 9112 and nothing else. Slow and plain. It says what a response is, and refuses what two recipients
 * could understand in two ways. */
#ifndef TESTS_FUZZ_RESPONSE_READER_H
#define TESTS_FUZZ_RESPONSE_READER_H

#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

#define READ_FIELDS_MAX   400
#define READ_INTERIMS_MAX 400

struct read_field {
    struct slice name;
    struct slice value;
};

struct read_fields {
    unsigned count;
    struct read_field fields[READ_FIELDS_MAX];
};

struct read_head {
    size_t bytes; /* with its empty line */
    unsigned version_minor;
    unsigned status;
    struct read_fields fields;
};

enum read_framing { READ_NONE, READ_LENGTH, READ_CHUNKED, READ_UNTIL_CLOSE, READ_TUNNEL };

enum read_end {
    READ_WHOLE,
    READ_CUT,         /* the connection ended inside the content */
    READ_BAD_CONTENT, /* its framing is wrong: what stands before that is known */
};

struct read_response {
    unsigned interim_count;
    struct read_head *interims[READ_INTERIMS_MAX];
    struct read_head head;
    enum read_framing framing;
    uint64_t length;   /* with READ_LENGTH */
    enum read_end end; /* of the content */
    char *content;     /* as far as it is known */
    size_t content_length;
    struct read_fields trailers; /* of content that is whole */
    size_t bytes;                /* that it takes on the wire, if it is whole */
    bool may_be_refused; /* it is clear, but unusual: a strict recipient may refuse it, or cut its content */
};

/* Reads the response to a request of that method: `is_head` for HEAD. `allows_tunnel`: 101 may be an answer.
 * Returns false if there is none: it is wrong, or ambiguous, or its head is cut. Then, too, `interims` are
 * those before it. Release it in any case. */
bool response_read(struct read_response *response, struct slice bytes, bool is_head, bool allows_tunnel);
void response_release(struct read_response *response);

#endif
