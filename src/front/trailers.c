/* Trailers between the wire and handlers. All copies are in the exchange's arena. */
#include "front/trailers.h"

#include "h1/line.h"
#include "h1/response_writer.h"
#include "http/field_list.h"
#include "http/trailer.h"

#include <errno.h>

/* ---- of requests ---- */

static bool copy_trailer(struct exchange *exchange, const struct http_field *field, struct http_field *out)
{
    out->name = field->name;
    out->name_text = arena_copy(&exchange->arena, field->name_text);
    out->value = arena_copy(&exchange->arena, field->value);
    return out->name_text.data && out->value.data;
}

int trailers_keep(struct exchange *exchange, const struct http_field *fields, unsigned count)
{
    unsigned kept = 0;
    if (exchange->sink == NULL || count == 0)
        return 0;
    struct http_field *copies = arena_alloc(&exchange->arena, count * sizeof(*copies));
    if (copies == NULL)
        return -ENOMEM;
    for (unsigned i = 0; i < count; i++) {
        if (!http_may_trail(fields[i].name_text))
            continue;
        if (!copy_trailer(exchange, &fields[i], &copies[kept++]))
            return -ENOMEM;
    }
    exchange->trailers = (struct http_trailers){.fields = copies, .count = kept};
    return 0;
}

static unsigned trailers_count_lines(struct slice section)
{
    unsigned count = 0;
    struct slice line;
    while (h1_take_line(&section, &line) == H1_HEAD_DONE && line.length > 0)
        count++;
    return count;
}

int trailers_keep_section(struct exchange *exchange, struct slice section, unsigned count_max)
{
    unsigned count = trailers_count_lines(section), at = 0;
    struct slice line;
    if (count > count_max)
        return 431;
    if (exchange->sink == NULL || count == 0)
        return 0;
    struct http_field *fields = arena_alloc(&exchange->arena, count * sizeof(*fields));
    if (fields == NULL)
        return 503;
    while (at < count && h1_take_line(&section, &line) == H1_HEAD_DONE &&
           h1_parse_field_line(line, false, &fields[at]))
        at++;
    assert(at == count); /* the parser of the content has checked them */
    return trailers_keep(exchange, fields, count) < 0 ? 503 : 0;
}

/* ---- of responses ---- */

static bool client_accepts_trailers(const struct exchange *exchange)
{
    return http_field_list_has(http_request_list(&exchange->request, HTTP_FIELD_TE), SLICE("trailers"));
}

struct slice trailers_last_chunk(struct exchange *exchange)
{
    const struct http_response *trailers = exchange->response_trailers;
    if (!client_accepts_trailers(exchange))
        return SLICE("0\r\n\r\n");
    char *out = trailers->lacks_fields ? NULL : arena_alloc(&exchange->arena, h1_last_chunk_size(trailers));
    return out ? slice_make(out, h1_last_chunk_write(out, trailers)) : (struct slice){0};
}
