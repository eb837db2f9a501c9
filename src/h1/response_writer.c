/* Response heads. The order is fixed: status line, Date, headers, framing, Connection; so a kept head can
 * get a new date in place and another Connection header at its end. */
#include "h1/response_writer.h"

#include "base/buffer.h"
#include "http/status.h"

#define DATE_NAME   "Date: "
#define LENGTH_NAME "Content-Length: "
#define CHUNKED     "Transfer-Encoding: chunked\r\n"

size_t h1_response_date_offset(int status)
{
    char line[HTTP_STATUS_LINE_MAX];
    return http_status_line(line, status) + sizeof(DATE_NAME) - 1;
}

struct slice h1_response_connection(enum h1_persistence persistence)
{
    switch (persistence) {
    case H1_PERSIST: return SLICE("");
    case H1_PERSIST_KEEP_ALIVE: return SLICE("Connection: keep-alive\r\n");
    case H1_PERSIST_UPGRADE: return SLICE("Connection: Upgrade\r\n");
    case H1_PERSIST_CLOSE: return SLICE("Connection: close\r\n");
    }
    UNREACHABLE();
}

/* At most. */
static size_t fields_size(const struct http_response *response)
{
    size_t size = 0;
    for (unsigned i = 0; i < response->field_count; i++)
        size += response->fields[i].name.length + response->fields[i].value.length + sizeof(": \r\n");
    return size;
}

size_t h1_response_size(const struct http_response *response)
{
    size_t size = HTTP_STATUS_LINE_MAX + sizeof(DATE_NAME) + HTTP_DATE_LENGTH + 2 + sizeof(LENGTH_NAME) +
                  U64_DIGITS_MAX + 2 + response->date.length +
                  h1_response_connection(H1_PERSIST_KEEP_ALIVE).length + 2;
    return size + fields_size(response);
}

static char *h1_response_writer_put(char *out, struct slice bytes)
{
    if (bytes.length)
        memcpy(out, bytes.data, bytes.length);
    return out + bytes.length;
}

/* A known content length is always sent, whether the connection persists or not. */
static char *put_framing(char *out, const struct http_response *response)
{
    if (response->no_length)
        return out;
    if (response->content_length == HTTP_LENGTH_UNKNOWN)
        return h1_response_writer_put(out, SLICE(CHUNKED));
    out = h1_response_writer_put(out, SLICE(LENGTH_NAME));
    out += format_u64(out, response->content_length);
    return h1_response_writer_put(out, SLICE("\r\n"));
}

static char *h1_response_put_fields(char *out, const struct http_response *response)
{
    for (unsigned i = 0; i < response->field_count; i++) {
        out = h1_response_writer_put(out, response->fields[i].name);
        out = h1_response_writer_put(out, SLICE(": "));
        out = h1_response_writer_put(out, response->fields[i].value);
        out = h1_response_writer_put(out, SLICE("\r\n"));
    }
    return out;
}

size_t h1_response_write(char *out, const struct http_response *response, const char date[HTTP_DATE_LENGTH],
                         enum h1_persistence persistence)
{
    char *end = out + http_status_line(out, response->status);
    end = h1_response_writer_put(end, SLICE(DATE_NAME));
    end = h1_response_writer_put(end,
                                 response->date.data ? response->date : slice_make(date, HTTP_DATE_LENGTH));
    end = h1_response_writer_put(end, SLICE("\r\n"));
    end = h1_response_put_fields(end, response);
    end = put_framing(end, response);
    end = h1_response_writer_put(end, h1_response_connection(persistence));
    end = h1_response_writer_put(end, SLICE("\r\n"));
    return (size_t)(end - out);
}

size_t h1_last_chunk_size(const struct http_response *trailers)
{
    return sizeof("0\r\n\r\n") + fields_size(trailers);
}

size_t h1_last_chunk_write(char *out, const struct http_response *trailers)
{
    char *end = h1_response_writer_put(out, SLICE("0\r\n"));
    end = h1_response_put_fields(end, trailers);
    end = h1_response_writer_put(end, SLICE("\r\n"));
    return (size_t)(end - out);
}
