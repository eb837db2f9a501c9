/* An id that is made is a number of the worker and a number of the request, so that no two are equal and none
 * needs a system call. */
#include "serve/request_id.h"

#include "serve/forwarded.h"
#include "serve/service.h"

#include <stdio.h>

#define MADE_LENGTH 32

/* Bytes that need no escaping anywhere, in a URL, a log or a header. */
static bool request_id_is_good(struct slice id)
{
    for (size_t i = 0; i < id.length; i++) {
        char byte = id.data[i], lower = ascii_lower(byte);
        bool is_alphanumeric = (lower >= 'a' && lower <= 'z') || (byte >= '0' && byte <= '9');
        if (!is_alphanumeric && memchr("-_.~:/+=@", byte, 9) == NULL)
            return false;
    }
    return id.length > 0 && id.length <= REQUEST_ID_LENGTH_MAX;
}

/* Data is NULL if there is none. */
static struct slice received_id(const struct exchange *exchange)
{
    const struct settings *settings = exchange->snapshot->settings;
    const struct http_request *request = &exchange->request;
    if (!peer_is_trusted(settings, exchange->peer))
        return (struct slice){0};
    for (unsigned i = 0; i < request->field_count; i++) {
        const struct http_field *field = &request->fields[i];
        if (slice_equal_nocase(field->name_text, settings->request_id.header) &&
            request_id_is_good(field->value))
            return field->value;
    }
    return (struct slice){0};
}

static char *request_id_put_hex(char *out, uint64_t number)
{
    static const char digits[] = "0123456789abcdef";
    for (int shift = 60; shift >= 0; shift -= 4)
        *out++ = digits[number >> shift & 15];
    return out;
}

static struct slice make_id(struct exchange *exchange)
{
    struct service *service = exchange->service;
    char *text = arena_alloc(&exchange->arena, MADE_LENGTH);
    if (text == NULL)
        return (struct slice){0};
    /* The factor is odd, so different counts give different numbers; they do not look like a count. */
    uint64_t number = ++service->request_id_count * UINT64_C(0x9e3779b97f4a7c15);
    request_id_put_hex(request_id_put_hex(text, service->request_id_base), number);
    return slice_make(text, MADE_LENGTH);
}

struct slice request_id_of(struct exchange *exchange)
{
    bool is_on = exchange->snapshot->settings->request_id.is_on;
    struct exchange_record *record = is_on ? exchange_record_of(exchange) : NULL;
    if (record == NULL)
        return (struct slice){0};
    if (record->request_id.data)
        return record->request_id;
    struct slice received = received_id(exchange);
    record->request_id = received.data ? arena_copy(&exchange->arena, received) : make_id(exchange);
    return record->request_id;
}

const char *request_id_text(struct exchange *exchange, char buffer[REQUEST_ID_TEXT_BYTES])
{
    struct slice id = request_id_of(exchange);
    buffer[0] = '\0';
    if (id.length > 0)
        snprintf(buffer, REQUEST_ID_TEXT_BYTES, " [%.*s]", SLICE_ARGS(id));
    return buffer;
}
