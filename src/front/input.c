/* Received bytes that could not be parsed yet, in one allocation that at least doubles when it grows. */
#include "front/input.h"

#include <stdlib.h>

void input_clear(struct input **input)
{
    free(*input);
    *input = NULL;
}

/* Room for `length` bytes; what is kept stays. */
static bool input_reserve(struct input **input, size_t length)
{
    size_t before = *input ? (*input)->capacity : 0;
    if (length <= before)
        return true;
    size_t capacity = MAX(length, before * 2);
    struct input *grown = realloc(*input, sizeof(*grown) + capacity);
    if (grown == NULL)
        return false;
    if (*input == NULL)
        grown->length = 0;
    grown->capacity = (uint32_t)capacity;
    *input = grown;
    return true;
}

bool input_set(struct input **input, struct slice rest)
{
    if (rest.length == 0) {
        input_clear(input);
        return true;
    }
    if (!input_reserve(input, rest.length))
        return false;
    memmove((*input)->bytes, rest.data, rest.length);
    (*input)->length = (uint32_t)rest.length;
    return true;
}

bool input_add(struct input **input, struct slice bytes)
{
    size_t length = input_slice(*input).length;
    if (!input_reserve(input, length + bytes.length))
        return false;
    memcpy((*input)->bytes + length, bytes.data, bytes.length);
    (*input)->length = (uint32_t)(length + bytes.length);
    return true;
}
