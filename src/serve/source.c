/* Shared by all sources; and the smallest one, for bytes in memory. */
#include "serve/source.h"

#include "base/error.h"
#include "serve/exchange.h"

#include <errno.h>

enum source_result source_fail(struct source *source, int error)
{
    bool is_overload = error == -ENOMEM || error == -EAGAIN;
    source->exchange->outcome = error == ERROR_CHANGED ? OUTCOME_FILE_CHANGED
                                : error == -ECONNRESET ? OUTCOME_CLIENT_LEFT
                                : is_overload          ? OUTCOME_OVERLOADED
                                                       : OUTCOME_READ_FAILED;
    return SOURCE_FAILED;
}

struct memory_source {
    struct source source;
    struct slice rest; /* what was not given yet */
};

static enum source_result memory_next(struct source *source, size_t bytes_max, struct segment *ret_segment)
{
    struct memory_source *memory = CONTAINER_OF(source, struct memory_source, source);
    if (memory->rest.length == 0)
        return SOURCE_END;
    struct slice piece = slice_take(memory->rest, MIN(memory->rest.length, bytes_max));
    *ret_segment = segment_memory(piece);
    memory->rest = slice_skip(memory->rest, piece.length);
    return SOURCE_GIVEN;
}

static const struct source_type memory_type = {.next = memory_next};

static_assert(sizeof(struct memory_source) <= EXCHANGE_SOURCE_BYTES, "so that it never needs memory");

struct source *source_of_memory(struct exchange *exchange, struct slice bytes)
{
    struct memory_source *memory = exchange_source_room(exchange, sizeof(*memory));
    *memory = (struct memory_source){
        .source = {.type = &memory_type, .exchange = exchange, .length = bytes.length},
        .rest = bytes,
    };
    return &memory->source;
}
