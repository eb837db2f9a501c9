/* Received bytes that a connection has to keep, such as an incomplete request. Costs one pointer while there
 * are none. */
#ifndef FRONT_INPUT_H
#define FRONT_INPUT_H

#include "base/slice.h"

struct input {
    uint32_t length; /* never 0 */
    uint32_t capacity;
    char bytes[];
};

/* Frees `*input` and sets it to NULL. */
void input_clear(struct input **input);

/* The kept bytes; empty for NULL. */
static inline struct slice input_slice(const struct input *input)
{
    return input ? slice_make(input->bytes, input->length) : (struct slice){0};
}

/* Replaces the kept bytes by `rest`, which may be their own end. Returns false if out of memory. */
bool input_set(struct input **input, struct slice rest) MUST_CHECK;

/* Appends `bytes`. Returns false if out of memory. */
bool input_add(struct input **input, struct slice bytes) MUST_CHECK;

#endif
