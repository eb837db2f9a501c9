/* The requests that are sent, as bytes made once at start, and how their answers are recognised. */
#ifndef LOAD_MESSAGES_H
#define LOAD_MESSAGES_H

#include "base/buffer.h"
#include "h1/response_parser.h"
#include "load/load.h"

#define KNOWN_HEAD_BYTES_MAX 1024

/* The head that was answered last: the next one is mostly the same, byte for byte, and then means the same.
 * To compare costs a hundredth of parsing. */
struct known_head {
    uint16_t length; /* 0: none */
    uint16_t status;
    bool keep_alive;
    enum h1_response_body body;
    uint64_t content_length;
    char bytes[KNOWN_HEAD_BYTES_MAX];
};

struct messages {
    size_t target_count;
    unsigned weight_end[LOAD_TARGETS_MAX]; /* of this target and those before it */
    enum http_method methods[LOAD_TARGETS_MAX];
    struct slice requests[LOAD_TARGETS_MAX];
    struct slice batch; /* of a plan with one small target: a pipeline's worth of it, one behind the other */
    uint64_t random;
    struct known_head known[LOAD_TARGETS_MAX];
    struct buffer bytes;
};

/* Makes the requests. `seed` draws the targets. Returns 0 or -ENOMEM. */
int messages_init(struct messages *messages, const struct load_plan *plan, uint64_t seed) MUST_CHECK;

void messages_finish(struct messages *messages);

/* Draws a target by weight. */
unsigned messages_draw(struct messages *messages);

/* The head at the front of `input` where it is the known one of the target, or NULL. */
static inline const struct known_head *messages_recognise(const struct messages *messages, unsigned target,
                                                          struct slice input)
{
    const struct known_head *known = &messages->known[target];
    bool is_same = known->length > 0 && input.length >= known->length &&
                   memcmp(known->bytes, input.data, known->length) == 0;
    return is_same ? known : NULL;
}

/* Remembers a head that was parsed from `bytes`; one that is too long is not remembered. */
void messages_learn(struct messages *messages, unsigned target, struct slice bytes,
                    const struct h1_response_head *head);

#endif
