/* Ready heads. A file is served by one route, so its 200 has the same fields every time, but for the date and
 * the Connection field. The whole head stands in the file's block, right before the content where that is in
 * memory: the answer is one piece of memory and one send(2).
 *
 * The date is written over once a second; only while no response is on its way out of the block, since half a
 * date of one second and half of another would be neither. Then, and where a Connection field is due, the
 * head is sent in pieces around the old one. */
#include "files/file_head.h"

#include "http/mime.h"
#include "http/status.h"
#include "server/server_internal.h"

#include <fnmatch.h>
#include <limits.h>
#include <stdlib.h>

/* The first rule that matches; see struct cache_rule. */
static struct slice cache_control(const struct files_settings *settings, struct slice path)
{
    char text[PATH_MAX + 1];
    text[0] = '/';
    memcpy(text + 1, path.data, path.length);
    text[path.length + 1] = '\0';
    const char *name = strrchr(text, '/') + 1;
    for (size_t i = 0; i < settings->cache_rule_count; i++) {
        const struct cache_rule *rule = &settings->cache_rules[i];
        bool is_about_path = slice_find(rule->pattern, '/') < rule->pattern.length;
        if (fnmatch(rule->pattern.data, is_about_path ? text : name, 0) == 0)
            return rule->value;
    }
    return (struct slice){0};
}

/* Negotiation goes on as soon as there is a second form of the file, whichever is sent. */
static bool is_negotiated(const struct file *file)
{
    return file->siblings != 0 || file->coding != HTTP_CODING_IDENTITY;
}

void file_add_validators(struct exchange *exchange, struct file *file, char date[HTTP_DATE_LENGTH])
{
    const struct files_settings *settings = file->root->settings;
    exchange_add_field(exchange, HTTP_FIELD_ETAG, file_etag(file));
    /* Never in the future: RFC 9110 section 8.8.2.1. */
    int64_t now = loop_wall_seconds(server_loop(exchange->server));
    http_date_format(date, MIN(file->status.modified_seconds, now));
    exchange_add_field(exchange, HTTP_FIELD_LAST_MODIFIED, slice_make(date, HTTP_DATE_LENGTH));
    struct slice control = cache_control(settings, file_path(file));
    if (control.length > 0)
        exchange_add_field(exchange, HTTP_FIELD_CACHE_CONTROL, control);
    if (is_negotiated(file))
        exchange_add_field(exchange, HTTP_FIELD_VARY, SLICE("Accept-Encoding"));
}

void file_add_fields(struct exchange *exchange, struct file *file, char date[HTTP_DATE_LENGTH])
{
    exchange_add_field(exchange, HTTP_FIELD_CONTENT_TYPE, http_mime_type(file_path(file)));
    if (file->coding != HTTP_CODING_IDENTITY)
        exchange_add_field(exchange, HTTP_FIELD_CONTENT_ENCODING,
                           http_coding_name((enum http_coding)file->coding));
    exchange_add_field(exchange, HTTP_FIELD_ACCEPT_RANGES, SLICE("bytes"));
    file_add_validators(exchange, file, date);
}

static struct segment content_of(const struct file *file)
{
    return file->in_memory ? segment_memory(file_content(file))
                           : segment_file(file->fd, 0, (size_t)file->status.size);
}

/* The long way, for a head that does not fit before the content or has no place to be kept in. */
static void respond_unready(struct exchange *exchange)
{
    struct segment content = content_of(exchange->file);
    char date[HTTP_DATE_LENGTH];
    exchange_begin_response(exchange, 200);
    file_add_fields(exchange, exchange->file, date);
    exchange_respond(exchange, &content, content.length > 0);
}

static bool make_head(struct exchange *exchange, struct file *file)
{
    struct http_response *response = &exchange->response;
    if (file->block == NULL)
        return false;
    char date[HTTP_DATE_LENGTH];
    exchange_begin_response(exchange, 200);
    file_add_fields(exchange, file, date);
    exchange_complete_fields(exchange);
    response->content_length = file->status.size;
    if (h1_response_size(response) > FILE_HEAD_BYTES_MAX)
        return false;
    char head[FILE_HEAD_BYTES_MAX];
    size_t length = h1_response_write(head, response, server_date(exchange->server), H1_PERSIST);
    file->head_length = (uint16_t)length;
    file->head_date = loop_wall_seconds(server_loop(exchange->server));
    memcpy(file->block + FILE_HEAD_BYTES_MAX - length, head, length);
    return true;
}

static size_t date_offset(void)
{
    static size_t offset;
    if (offset == 0)
        offset = h1_response_date_offset(200);
    return offset;
}

/* This exchange, and the cache if the file is in it, are the only holders: nothing is on its way out. */
static bool may_write_date(const struct file *file)
{
    return file->references <= 1u + file->is_cached;
}

/* The head as it stands, or in pieces with another date and a Connection field; returns the count of pieces.
 */
static size_t head_pieces(struct exchange *exchange, struct slice head, struct segment *out)
{
    struct file *file = exchange->file;
    int64_t now = loop_wall_seconds(server_loop(exchange->server));
    struct slice connection = h1_response_connection(exchange_persistence(exchange));
    size_t count = 0;
    if (UNLIKELY(file->head_date != now) && may_write_date(file)) {
        memcpy((char *)head.data + date_offset(), server_date(exchange->server), HTTP_DATE_LENGTH);
        file->head_date = now;
    }
    if (UNLIKELY(file->head_date != now)) {
        struct slice date =
            arena_copy(&exchange->arena, slice_make(server_date(exchange->server), HTTP_DATE_LENGTH));
        if (date.data) {
            out[count++] = segment_memory(slice_take(head, date_offset()));
            out[count++] = segment_memory(date);
            head = slice_skip(head, date_offset() + HTTP_DATE_LENGTH);
        }
    }
    if (connection.length == 0) {
        out[count++] = segment_memory(head);
        return count;
    }
    out[count++] = segment_memory(slice_take(head, head.length - 2));
    out[count++] = segment_memory(connection);
    out[count++] = segment_memory(SLICE("\r\n"));
    return count;
}

static_assert(EXCHANGE_PIECES_INLINE >= 6, "a ready head in pieces, and the content");

/* The ready head is the same for everybody: it has no Access-Control-Allow-Origin that depends on Origin. */
static bool needs_own_head(const struct exchange *exchange)
{
    return http_request_has(&exchange->request, HTTP_FIELD_ORIGIN) &&
           exchange->route_entry->cors == CORS_BY_ORIGIN;
}

void file_respond_plain(struct exchange *exchange)
{
    struct file *file = exchange->file;
    if (UNLIKELY(needs_own_head(exchange)) ||
        (UNLIKELY(file->head_length == 0) && !make_head(exchange, file))) {
        respond_unready(exchange);
        return;
    }
    struct slice head = slice_make(file->block + FILE_HEAD_BYTES_MAX - file->head_length, file->head_length);
    exchange->response.status = 200;
    exchange->response.content_length = file->status.size;
    exchange->has_no_content = exchange->request.method == HTTP_METHOD_HEAD;
    size_t count = head_pieces(exchange, head, exchange->pieces_inline);
    for (size_t i = 0; i < count; i++)
        exchange->head_bytes += (uint32_t)exchange->pieces_inline[i].length;
    if (!exchange->has_no_content && file->status.size > 0) {
        struct segment *last = &exchange->pieces_inline[count - 1];
        if (file->in_memory && last->data + last->length == file_content(file).data)
            last->length += (size_t)file->status.size;
        else
            exchange->pieces_inline[count++] = content_of(file);
    }
    exchange->piece_count = count;
    exchange->is_responded = true;
}
