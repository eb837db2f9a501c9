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
    case H1_PERSIST_CLOSE: return SLICE("Connection: close\r\n");
    }
    UNREACHABLE();
}

size_t h1_response_size(const struct http_response *response)
{
    size_t size = HTTP_STATUS_LINE_MAX + sizeof(DATE_NAME) + HTTP_DATE_LENGTH + 2 + sizeof(LENGTH_NAME) +
                  U64_DIGITS_MAX + 2 + h1_response_connection(H1_PERSIST_KEEP_ALIVE).length + 2;
    for (unsigned i = 0; i < response->field_count; i++)
        size += response->fields[i].name.length + response->fields[i].value.length + sizeof(": \r\n");
    return size;
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

size_t h1_response_write(char *out, const struct http_response *response, const char date[HTTP_DATE_LENGTH],
                         enum h1_persistence persistence)
{
    char *end = out + http_status_line(out, response->status);
    end = h1_response_writer_put(end, SLICE(DATE_NAME));
    end = h1_response_writer_put(end, slice_make(date, HTTP_DATE_LENGTH));
    end = h1_response_writer_put(end, SLICE("\r\n"));
    for (unsigned i = 0; i < response->field_count; i++) {
        end = h1_response_writer_put(end, response->fields[i].name);
        end = h1_response_writer_put(end, SLICE(": "));
        end = h1_response_writer_put(end, response->fields[i].value);
        end = h1_response_writer_put(end, SLICE("\r\n"));
    }
    end = put_framing(end, response);
    end = h1_response_writer_put(end, h1_response_connection(persistence));
    end = h1_response_writer_put(end, SLICE("\r\n"));
    return (size_t)(end - out);
}
