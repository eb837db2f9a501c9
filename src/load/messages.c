/* Requests with only the necessary headers: any further one would cost the server parsing time, which
 * would be measured, too. */
#include "load/messages.h"

#include <errno.h>

/* The limit for method, path, host and headers together; the command line bounds them. */
#define HEAD_BYTES_MAX ((size_t)1 << 20)

/* For large requests a batch would not save system calls, and would need much more memory. */
#define BATCH_BYTES_MAX ((size_t)256 << 10)

/* RFC 9110 section 8.6: methods that define a meaning for content send Content-Length even without
 * content. */
static bool has_length(const struct load_target *target, struct slice method)
{
    return target->body.data || slice_equal(method, SLICE("POST")) || slice_equal(method, SLICE("PUT")) ||
           slice_equal(method, SLICE("PATCH"));
}

static void append_request(struct buffer *out, const struct load_plan *plan, const struct load_target *target)
{
    struct slice method = load_target_method(target);
    buffer_printf(out, "%.*s %.*s HTTP/1.1\r\nHost: %.*s\r\n", SLICE_ARGS(method), SLICE_ARGS(target->path),
                  SLICE_ARGS(plan->host));
    if (plan->closes)
        buffer_append(out, SLICE("Connection: close\r\n"));
    if (has_length(target, method))
        buffer_printf(out, "Content-Length: %zu\r\n", target->body.length);
    buffer_append(out, plan->fields);
    buffer_append(out, SLICE("\r\n"));
    buffer_append(out, target->body);
}

/* Only for a plan with one target, and not if the batch would be large. */
static void append_batch(struct buffer *out, const struct load_plan *plan)
{
    if (plan->target_count > 1 || out->length * plan->pipeline > BATCH_BYTES_MAX)
        return;
    for (unsigned i = 1; i < plan->pipeline; i++)
        append_request(out, plan, &plan->targets[0]);
}

int messages_init(struct messages *messages, const struct load_plan *plan, uint64_t seed)
{
    size_t ends[LOAD_TARGETS_MAX];
    unsigned weight = 0;
    assert(plan->target_count > 0 && plan->target_count <= LOAD_TARGETS_MAX);
    *messages = (struct messages){.target_count = plan->target_count, .random = seed | 1};
    struct buffer *bytes = &messages->bytes;
    buffer_init(bytes, LOAD_TARGETS_MAX * (LOAD_BODY_BYTES_MAX + HEAD_BYTES_MAX));
    for (size_t i = 0; i < plan->target_count; i++) {
        const struct load_target *target = &plan->targets[i];
        messages->methods[i] = http_method_parse(load_target_method(target));
        weight += MAX(target->weight, 1u);
        messages->weight_end[i] = weight;
        append_request(bytes, plan, target);
        ends[i] = bytes->length;
    }
    append_batch(bytes, plan);
    if (plan->target_count == 1 && bytes->length == ends[0] * plan->pipeline)
        messages->batch = buffer_slice(bytes);
    for (size_t i = 0; i < plan->target_count; i++) {
        size_t begin = i == 0 ? 0 : ends[i - 1];
        messages->requests[i] = slice_make(bytes->data + begin, ends[i] - begin);
    }
    return bytes->failed ? -ENOMEM : 0;
}

void messages_finish(struct messages *messages)
{
    buffer_finish(&messages->bytes);
}

unsigned messages_draw(struct messages *messages)
{
    if (messages->target_count == 1)
        return 0;
    /* xorshift64*: sufficiently random, and the same in every run. */
    uint64_t random = messages->random;
    random ^= random >> 12;
    random ^= random << 25;
    random ^= random >> 27;
    messages->random = random;
    unsigned weight = messages->weight_end[messages->target_count - 1];
    unsigned drawn = (unsigned)((random * UINT64_C(0x2545f4914f6cdd1d) >> 33) % weight);
    unsigned target = 0;
    while (drawn >= messages->weight_end[target])
        target++;
    return target;
}

void messages_learn(struct messages *messages, unsigned target, struct slice bytes,
                    const struct http_response_head *head)
{
    struct known_head *known = &messages->known[target];
    if (bytes.length > sizeof(known->bytes))
        return;
    known->length = (uint16_t)bytes.length;
    known->status = head->status;
    known->keep_alive = head->keep_alive;
    known->body = head->body;
    known->content_length = head->content_length;
    memcpy(known->bytes, bytes.data, bytes.length);
}
