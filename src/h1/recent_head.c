/* The recent head. Storing one takes some time, which is wasted if no two heads are the same; so only one
 * of several is stored. The slices of its request are moved only when the head comes to another place: most
 * requests are read into the same buffer. */
#include "h1/recent_head.h"

#include "base/word.h"

/* The number of other heads parsed before one replaces the recent one. */
#define OTHERS_MAX 16

/* Copies the request except for its array of headers and the array's capacity. */
static void copy_request(struct http_request *to, const struct http_request *from)
{
    memcpy(to, from, offsetof(struct http_request, fields_max));
    memcpy(to->fields, from->fields, from->field_count * sizeof(struct http_field));
}

/* The byte of the head that a slice points to. */
static const char *kept_byte(const struct h1_recent_head *recent, const char *at)
{
    return recent->bytes + (at - recent->place);
}

bool h1_recent_head_take(struct h1_recent_head *recent, struct h1 *engine, struct slice *input,
                         struct http_request *request)
{
    size_t length = recent->length;
    if (length == 0 || input->length < length || memcmp(input->data, recent->bytes, length) != 0)
        return false;
    if (recent->request.field_count > request->fields_max ||
        !h1_limits_equal(&recent->limits, engine->limits))
        return false;
    if (UNLIKELY(recent->place != input->data)) {
        http_request_move(&recent->request, recent->place, length, input->data);
        recent->place = input->data;
    }
    copy_request(request, &recent->request);
    h1_take_head(engine, input, length, request);
    return true;
}

void h1_recent_head_note(struct h1_recent_head *recent, const struct h1 *engine,
                         const struct http_request *request, const char *end)
{
    struct slice head = slice_make(request->method_text.data, (size_t)(end - request->method_text.data));
    if (head.length > H1_RECENT_BYTES || request->field_count > H1_RECENT_FIELDS)
        return;
    if (recent->length > 0 && ++recent->others < OTHERS_MAX)
        return;
    recent->length = head.length;
    recent->limits = *engine->limits;
    recent->others = 0;
    recent->request.fields = recent->fields;
    memcpy(recent->bytes, head.data, head.length);
    recent->place = head.data;
    copy_request(&recent->request, request);
}

/* The end of a header's line in `bytes`. Lines are adjacent, and an empty line follows the last one. */
static const char *line_end(const struct h1_recent_head *recent, unsigned index)
{
    return index + 1u < recent->request.field_count
               ? kept_byte(recent, recent->fields[index + 1].name_text.data)
               : recent->bytes + recent->length - 2;
}

/* The length of the common prefix. */
static size_t common_length(const char *a, const char *b, size_t length)
{
    size_t at = 0;
    while (at + sizeof(uint64_t) <= length && word_load(a + at) == word_load(b + at))
        at += sizeof(uint64_t);
    while (at < length && a[at] == b[at])
        at++;
    return at;
}

/* Takes lines beginning with that of the header `index`. */
static unsigned take_from(struct h1_recent_lines *lines, unsigned index, struct slice *rest,
                          struct http_field *fields, unsigned fields_max)
{
    const struct h1_recent_head *recent = lines->recent;
    const char *at = recent->fields[index].name_text.data;
    const char *begin = kept_byte(recent, at);
    const char *end = recent->bytes + recent->length - 2;
    const char *same_end = begin + common_length(rest->data, begin, MIN((size_t)(end - begin), rest->length));
    const char *taken_end = begin;
    unsigned count = 0;
    while (index < recent->request.field_count && count < fields_max && line_end(recent, index) <= same_end) {
        const struct http_field *field = &recent->fields[index];
        fields[count++] = (struct http_field){
            .name = field->name,
            .name_text = slice_make(rest->data + (field->name_text.data - at), field->name_text.length),
            .value = slice_make(rest->data + (field->value.data - at), field->value.length),
        };
        taken_end = line_end(recent, index++);
    }
    if (count > 0)
        lines->next = index;
    *rest = slice_skip(*rest, (size_t)(taken_end - begin));
    return count;
}

/* Skips a header of the recent head that this head does not have. */
unsigned h1_recent_lines_take(struct h1_recent_lines *lines, struct slice *rest, struct http_field *fields,
                              unsigned fields_max)
{
    unsigned field_count = lines->recent ? lines->recent->request.field_count : 0;
    unsigned count = 0;
    if (lines->next < field_count)
        count = take_from(lines, lines->next, rest, fields, fields_max);
    if (count == 0 && lines->next + 1 < field_count)
        count = take_from(lines, lines->next + 1, rest, fields, fields_max);
    return count;
}

void h1_recent_lines_pass(struct h1_recent_lines *lines, const struct http_field *field)
{
    const struct h1_recent_head *recent = lines->recent;
    if (recent == NULL || lines->next >= recent->request.field_count)
        return;
    struct slice expected = recent->fields[lines->next].name_text;
    expected.data = kept_byte(recent, expected.data);
    if (slice_equal_nocase(expected, field->name_text))
        lines->next++;
    else if (field->name != HTTP_FIELD_OTHER && recent->request.first[field->name] > lines->next)
        lines->next = recent->request.first[field->name];
}
