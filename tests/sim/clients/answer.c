/* Line by line, byte by byte, in the order of RFC 9112 section 4 and RFC 9110 section 5. */
#include "answer.h"

#include <strings.h>

/* vif's own heads are far smaller. */
#define HEAD_BYTES_MAX 16384

/* Fields that say something once or not at all. */
static const char *const single_fields[] = {
    "Accept-Ranges", "Allow",        "Connection", "Content-Encoding", "Content-Length", "Content-Range",
    "Content-Type",  "Date",         "ETag",       "Last-Modified",    "Location",       "Retry-After",
    "Server",        "Cache-Control"};

static bool is_token_byte(unsigned char byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
           (byte != 0 && strchr("!#$%&'*+-.^_`|~", byte) != NULL);
}

static bool is_name(struct slice slice, const char *name)
{
    return slice.length == strlen(name) && strncasecmp(slice.data, name, slice.length) == 0;
}

bool answer_number(struct slice text, uint64_t *ret_value)
{
    uint64_t value = 0;
    if (text.length == 0 || text.length > 19)
        return false;
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        value = value * 10 + (uint64_t)(text.data[i] - '0');
    }
    *ret_value = value;
    return true;
}

struct slice answer_field(const struct answer *answer, const char *name)
{
    for (size_t i = 0; i < answer->field_count; i++) {
        if (is_name(answer->fields[i].name, name))
            return answer->fields[i].value;
    }
    return (struct slice){0};
}

static unsigned count_fields(const struct answer *answer, const char *name)
{
    unsigned count = 0;
    for (size_t i = 0; i < answer->field_count; i++)
        count += is_name(answer->fields[i].name, name);
    return count;
}

/* A line without its CRLF; false where none has ended yet. A bare CR or LF makes the verdict bad. */
static bool take_line(struct slice *rest, struct slice *ret_line, struct verdict *verdict)
{
    size_t end = slice_find(*rest, '\n');
    if (end == rest->length)
        return false;
    if (end == 0 || rest->data[end - 1] != '\r')
        return blame(verdict, "a line ends in a bare LF");
    *ret_line = slice_take(*rest, end - 1);
    *rest = slice_skip(*rest, end + 1);
    if (slice_find(*ret_line, '\r') < ret_line->length)
        return blame(verdict, "a bare CR in \"%.*s\"", SLICE_ARGS(*ret_line));
    return true;
}

/* "HTTP/1.1 200 OK", to the byte. */
static bool read_status_line(struct slice line, struct answer *answer, struct verdict *verdict)
{
    uint64_t status;
    if (line.length < 14 || memcmp(line.data, "HTTP/1.1 ", 9) != 0 || line.data[12] != ' ' ||
        !answer_number(slice_make(line.data + 9, 3), &status) || status < 100 || status > 599)
        return blame(verdict, "the status line is \"%.*s\"", SLICE_ARGS(line));
    for (size_t i = 13; i < line.length; i++) {
        if (line.data[i] < ' ' || line.data[i] > '~')
            return blame(verdict, "a strange byte in the reason phrase");
    }
    answer->status = (int)status;
    return true;
}

static bool read_field(struct slice line, struct answer *answer, struct verdict *verdict)
{
    size_t colon = 0;
    while (colon < line.length && is_token_byte((unsigned char)line.data[colon]))
        colon++;
    bool is_good = colon > 0 && colon + 2 < line.length && line.data[colon] == ':' &&
                   line.data[colon + 1] == ' ' && line.data[colon + 2] != ' ' &&
                   line.data[line.length - 1] != ' ';
    for (size_t i = colon; i < line.length; i++)
        is_good = is_good && (unsigned char)line.data[i] >= ' ' && line.data[i] != 0x7f;
    if (!is_good)
        return blame(verdict, "the field line \"%.*s\"", SLICE_ARGS(line));
    if (answer->field_count == ANSWER_FIELDS_MAX)
        return blame(verdict, "too many fields");
    answer->fields[answer->field_count++] =
        (struct answer_field){slice_take(line, colon), slice_skip(line, colon + 2)};
    return true;
}

size_t answer_read_fields(struct slice input, struct answer *answer, struct verdict *verdict)
{
    struct slice rest = input, line;
    answer->field_count = 0;
    while (take_line(&rest, &line, verdict)) {
        if (line.length == 0)
            return input.length - rest.length;
        if (!read_field(line, answer, verdict))
            return 0;
    }
    return 0;
}

static bool settle_connection(struct answer *answer, struct verdict *verdict)
{
    struct slice value = answer_field(answer, "Connection");
    answer->says_close = is_name(value, "close");
    answer->says_keep_open = is_name(value, "keep-alive");
    if (value.data && !answer->says_close && !answer->says_keep_open)
        return blame(verdict, "Connection: %.*s", SLICE_ARGS(value));
    return true;
}

/* What the fields say about the framing, and that they say it once. */
static bool settle(struct answer *answer, bool to_head, struct verdict *verdict)
{
    for (size_t i = 0; i < ARRAY_LENGTH(single_fields); i++) {
        if (count_fields(answer, single_fields[i]) > 1)
            return blame(verdict, "more than one %s", single_fields[i]);
    }
    if (answer_field(answer, "Transfer-Encoding").data)
        return blame(verdict, "a Transfer-Encoding");
    struct slice length = answer_field(answer, "Content-Length");
    bool has_none = answer->status < 200 || answer->status == 204 || answer->status == 304;
    answer->has_length = length.data != NULL;
    answer->is_bare = to_head || has_none;
    if (has_none && answer->has_length)
        return blame(verdict, "a Content-Length with status %d", answer->status);
    if (!has_none && !answer->has_length)
        return blame(verdict, "no Content-Length with status %d", answer->status);
    if (answer->has_length && !answer_number(length, &answer->length))
        return blame(verdict, "Content-Length: %.*s", SLICE_ARGS(length));
    if (answer->status < 200 && answer->field_count > 0)
        return blame(verdict, "fields with status %d", answer->status);
    return settle_connection(answer, verdict);
}

/* Bytes that cannot begin an answer are told at once. */
static bool may_begin(struct slice input, struct verdict *verdict)
{
    static const char begin[] = "HTTP/1.1 ";
    size_t length = MIN(input.length, sizeof(begin) - 1);
    if (memcmp(input.data, begin, length) != 0)
        return blame(verdict, "\"%.*s\" is where an answer should begin", (int)MIN(input.length, (size_t)60),
                     input.data);
    return true;
}

static enum answer_result read_head(struct slice input, bool to_head, struct answer *answer,
                                    struct verdict *verdict)
{
    struct slice rest = input, line;
    if (!take_line(&rest, &line, verdict))
        return verdict->is_bad ? ANSWER_BAD : ANSWER_MORE;
    if (!read_status_line(line, answer, verdict))
        return ANSWER_BAD;
    size_t fields = answer_read_fields(rest, answer, verdict);
    if (fields == 0)
        return verdict->is_bad ? ANSWER_BAD : ANSWER_MORE;
    answer->head_bytes = input.length - rest.length + fields;
    return settle(answer, to_head, verdict) ? ANSWER_HEAD : ANSWER_BAD;
}

enum answer_result answer_read(struct slice input, bool to_head, struct answer *answer,
                               struct verdict *verdict)
{
    *answer = (struct answer){0};
    if (input.length == 0)
        return ANSWER_MORE;
    if (!may_begin(input, verdict))
        return ANSWER_BAD;
    enum answer_result result = read_head(input, to_head, answer, verdict);
    if (result == ANSWER_MORE && input.length > HEAD_BYTES_MAX) {
        blame(verdict, "a head without end");
        return ANSWER_BAD;
    }
    if (result != ANSWER_HEAD)
        return result;
    struct slice rest = slice_skip(input, answer->head_bytes);
    uint64_t length = answer->is_bare ? 0 : answer->length;
    answer->content = slice_take(rest, (size_t)MIN(length, (uint64_t)rest.length));
    return answer->content.length == length ? ANSWER_WHOLE : ANSWER_HEAD;
}
