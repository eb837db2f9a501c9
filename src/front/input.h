/* What a connection keeps of a request that is not whole: bytes, and one pointer while there are none. */
#ifndef FRONT_INPUT_H
#define FRONT_INPUT_H

#include "base/slice.h"

struct input {
    uint32_t length; /* never 0 */
    uint32_t capacity;
    char bytes[];
};

/* Frees `*input`; there is none afterwards. */
void input_clear(struct input **input);

/* What is kept; empty where there is none. */
static inline struct slice input_slice(const struct input *input)
{
    return input ? slice_make(input->bytes, input->length) : (struct slice){0};
}

/* Keeps `rest`, which may be the end of what is kept, and nothing else. False without memory. */
bool input_set(struct input **input, struct slice rest) MUST_CHECK;

/* Adds `bytes`. False without memory. */
bool input_add(struct input **input, struct slice bytes) MUST_CHECK;

#endif
