/* The requests, encoded once at start, and fast recognition of their answers. */
#ifndef LOAD_MESSAGES_H
#define LOAD_MESSAGES_H

#include "base/buffer.h"
#include "h1/response_parser.h"
#include "load/load.h"

#define KNOWN_HEAD_BYTES_MAX 1024

/* The last parsed head of an answer: the next one is usually identical, byte for byte, and then means the
 * same. Comparing costs a hundredth of parsing. */
struct known_head {
    uint16_t length; /* 0: nothing is remembered */
    uint16_t status;
    bool keep_alive;
    enum http_response_body body;
    uint64_t content_length;
    char bytes[KNOWN_HEAD_BYTES_MAX];
};

struct messages {
    size_t target_count;
    unsigned weight_end[LOAD_TARGETS_MAX]; /* sum of the weights up to and including this target */
    enum http_method methods[LOAD_TARGETS_MAX];
    struct slice requests[LOAD_TARGETS_MAX];
    struct slice batch; /* for a plan with one small target: a whole pipeline of its request */
    uint64_t random;
    struct known_head known[LOAD_TARGETS_MAX];
    struct buffer bytes;
};

/* Encodes the requests. `seed` is for drawing targets. Returns 0 or -ENOMEM. */
int messages_init(struct messages *messages, const struct load_plan *plan, uint64_t seed) MUST_CHECK;

void messages_finish(struct messages *messages);

/* Draws a target at random, by weight. */
unsigned messages_draw(struct messages *messages);

/* If `input` begins with the known head of the target, returns it; otherwise NULL. */
static inline const struct known_head *messages_recognise(const struct messages *messages, unsigned target,
                                                          struct slice input)
{
    const struct known_head *known = &messages->known[target];
    bool is_same = known->length > 0 && input.length >= known->length &&
                   memcmp(known->bytes, input.data, known->length) == 0;
    return is_same ? known : NULL;
}

/* Remembers a head that was parsed from `bytes`, unless it is too long. */
void messages_learn(struct messages *messages, unsigned target, struct slice bytes,
                    const struct http_response_head *head);

#endif
