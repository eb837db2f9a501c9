/* Read response_read first. */
#include "response_reader.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* ---- bytes ---- */

static bool is_name_byte(unsigned char byte)
{
    return byte > 32 && byte < 127 && strchr("\"(),/:;<=>?@[\\]{}", byte) == NULL;
}

static bool is_text_byte(unsigned char byte)
{
    return byte == '\t' || (byte >= 32 && byte != 127);
}

static bool is_digit_byte(char byte)
{
    return byte >= '0' && byte <= '9';
}

static bool is_text(struct slice bytes)
{
    for (size_t i = 0; i < bytes.length; i++) {
        if (!is_text_byte((unsigned char)bytes.data[i]))
            return false;
    }
    return true;
}

static bool is_name(struct slice bytes)
{
    for (size_t i = 0; i < bytes.length; i++) {
        if (!is_name_byte((unsigned char)bytes.data[i]))
            return false;
    }
    return bytes.length > 0;
}

static struct slice without_blanks(struct slice bytes)
{
    while (bytes.length > 0 && (bytes.data[0] == ' ' || bytes.data[0] == '\t'))
        bytes = slice_skip(bytes, 1);
    while (bytes.length > 0 && (bytes.data[bytes.length - 1] == ' ' || bytes.data[bytes.length - 1] == '\t'))
        bytes.length--;
    return bytes;
}

/* Takes a line that ends with CRLF. Returns false if there is none. */
static bool take_line(struct slice *rest, struct slice *ret_line)
{
    for (size_t i = 0; i + 1 < rest->length; i++) {
        if (rest->data[i] == '\r' && rest->data[i + 1] == '\n') {
            *ret_line = slice_take(*rest, i);
            *rest = slice_skip(*rest, i + 2);
            return true;
        }
    }
    return false;
}

/* ---- heads ---- */

static bool read_status_line(struct read_head *head, struct slice line)
{
    if (line.length < 13 || memcmp(line.data, "HTTP/1.", 7) != 0 || !is_digit_byte(line.data[7]) ||
        line.data[8] != ' ' || line.data[12] != ' ' || !is_text(line))
        return false;
    head->status = 0;
    for (size_t i = 9; i < 12; i++) {
        if (!is_digit_byte(line.data[i]))
            return false;
        head->status = head->status * 10 + (unsigned)(line.data[i] - '0');
    }
    head->version_minor = (unsigned)(line.data[7] - '0');
    return head->status >= 100 && head->status < 600;
}

/* Lines up to the empty one. Returns false if one is wrong, or the empty one is missing. */
static bool read_fields(struct read_fields *fields, struct slice *rest)
{
    struct slice line;
    fields->count = 0;
    while (take_line(rest, &line)) {
        size_t colon = slice_find(line, ':');
        if (line.length == 0)
            return true;
        if (colon == line.length || fields->count == READ_FIELDS_MAX)
            return false;
        struct read_field *field = &fields->fields[fields->count++];
        field->name = slice_take(line, colon);
        field->value = without_blanks(slice_skip(line, colon + 1));
        if (!is_name(field->name) || !is_text(field->value))
            return false;
    }
    return false;
}

static bool read_head(struct read_head *head, struct slice *rest)
{
    size_t before = rest->length;
    struct slice line;
    if (!take_line(rest, &line) || !read_status_line(head, line) || !read_fields(&head->fields, rest))
        return false;
    head->bytes = before - rest->length;
    return true;
}

/* ---- framing ---- */

static bool read_number(struct slice text, uint64_t *ret_number)
{
    uint64_t number = 0;
    for (size_t i = 0; i < text.length; i++) {
        if (!is_digit_byte(text.data[i]) || number > (UINT64_MAX - 9) / 10)
            return false;
        number = number * 10 + (uint64_t)(text.data[i] - '0');
    }
    *ret_number = number;
    return text.length > 0;
}

struct framing_facts {
    unsigned lengths; /* elements of all Content-Length lines */
    bool has_other_length;
    uint64_t length;
    unsigned codings; /* elements of all Transfer-Encoding lines */
    bool is_chunked;  /* the last one is */
};

/* Takes an element of a list, which may be empty, from the front of `rest`. */
static struct slice take_element(struct slice *rest)
{
    size_t comma = slice_find(*rest, ',');
    struct slice element = without_blanks(slice_take(*rest, comma));
    *rest = comma < rest->length ? slice_skip(*rest, comma + 1) : (struct slice){0};
    return element;
}

static bool take_lengths(struct framing_facts *facts, struct slice list)
{
    do {
        uint64_t length;
        if (!read_number(take_element(&list), &length))
            return false;
        facts->has_other_length |= facts->lengths > 0 && length != facts->length;
        facts->length = length;
        facts->lengths++;
    } while (list.data);
    return true;
}

/* Empty elements count: who looks only at the first finds another coding. */
static void take_codings(struct framing_facts *facts, struct slice list)
{
    do {
        facts->codings++;
        facts->is_chunked = slice_equal_nocase(take_element(&list), SLICE("chunked"));
    } while (list.data);
}

static bool find_facts(struct framing_facts *facts, const struct read_fields *fields)
{
    *facts = (struct framing_facts){0};
    for (unsigned i = 0; i < fields->count; i++) {
        const struct read_field *field = &fields->fields[i];
        if (slice_equal_nocase(field->name, SLICE("Content-Length")) && !take_lengths(facts, field->value))
            return false;
        if (slice_equal_nocase(field->name, SLICE("Transfer-Encoding")))
            take_codings(facts, field->value);
    }
    return true;
}

/* Returns false if there are two ways to understand it, or none. */
static bool find_framing(struct read_response *response, const struct read_head *head, bool is_head,
                         bool allows_tunnel)
{
    struct framing_facts facts;
    if (!find_facts(&facts, &head->fields) || facts.has_other_length)
        return false;
    bool is_coded = facts.codings > 0, is_interim = head->status < 200;
    bool is_plain = facts.codings == 1 && facts.is_chunked && facts.lengths == 0 && head->version_minor > 0;
    if (is_coded && !is_plain)
        return false;
    response->may_be_refused |= facts.lengths > 1 || (is_interim && facts.lengths + facts.codings > 0);
    response->length = facts.length;
    if (head->status == 101)
        response->framing = READ_TUNNEL;
    else if (is_head || is_interim || head->status == 204 || head->status == 304)
        response->framing = READ_NONE;
    else if (is_coded)
        response->framing = READ_CHUNKED;
    else
        response->framing = facts.lengths > 0 ? READ_LENGTH : READ_UNTIL_CLOSE;
    return response->framing != READ_TUNNEL || allows_tunnel;
}

/* ---- content ---- */

static void add_content(struct read_response *response, struct slice bytes)
{
    if (bytes.length > 0)
        memcpy(response->content + response->content_length, bytes.data, bytes.length);
    response->content_length += bytes.length;
}

static int hex_value(char byte)
{
    const char *digits = "0123456789abcdef", *found = byte ? strchr(digits, byte | 0x20) : NULL;
    return found && (is_digit_byte(byte) || (byte | 0x20) >= 'a') ? (int)(found - digits) : -1;
}

/* The rest of the line is a chunk extension, or nothing. */
static bool read_chunk_size(struct read_response *response, struct slice line, uint64_t *ret_size)
{
    size_t digits = 0;
    uint64_t size = 0;
    for (; digits < line.length && hex_value(line.data[digits]) >= 0; digits++) {
        if (size >> 56)
            return false;
        size = size << 4 | (unsigned)hex_value(line.data[digits]);
    }
    *ret_size = size;
    response->may_be_refused |= digits < line.length || digits > 15;
    struct slice rest = without_blanks(slice_skip(line, digits));
    return digits > 0 && is_text(line) && (digits == line.length || (rest.length > 1 && rest.data[0] == ';'));
}

static enum read_end read_chunks(struct read_response *response, struct slice *rest)
{
    struct slice line;
    uint64_t size;
    while (take_line(rest, &line)) {
        if (!read_chunk_size(response, line, &size))
            return READ_BAD_CONTENT;
        if (size == 0)
            return read_fields(&response->trailers, rest) ? READ_WHOLE : READ_BAD_CONTENT;
        add_content(response, slice_take(*rest, (size_t)MIN(size, (uint64_t)rest->length)));
        if (size >= rest->length)
            return READ_CUT;
        *rest = slice_skip(*rest, (size_t)size);
        if (rest->length < 2 || memcmp(rest->data, "\r\n", 2) != 0)
            return READ_BAD_CONTENT;
        *rest = slice_skip(*rest, 2);
    }
    return READ_BAD_CONTENT;
}

static void read_up_to(struct read_response *response, struct slice *rest, uint64_t length)
{
    size_t taken = (size_t)MIN(length, (uint64_t)rest->length);
    add_content(response, slice_take(*rest, taken));
    *rest = slice_skip(*rest, taken);
}

static enum read_end read_content(struct read_response *response, struct slice *rest)
{
    switch (response->framing) {
    case READ_NONE: return READ_WHOLE;
    case READ_CHUNKED: return read_chunks(response, rest);
    case READ_LENGTH:
        read_up_to(response, rest, response->length);
        return response->content_length < response->length ? READ_CUT : READ_WHOLE;
    case READ_UNTIL_CLOSE:
    case READ_TUNNEL: read_up_to(response, rest, UINT64_MAX); return READ_WHOLE;
    }
    UNREACHABLE();
}

/* ---- all of it ---- */

bool response_read(struct read_response *response, struct slice bytes, bool is_head, bool allows_tunnel)
{
    size_t all = bytes.length;
    response->interim_count = 0;
    response->content_length = 0;
    response->trailers.count = 0;
    response->may_be_refused = false;
    response->content = malloc(bytes.length + 1);
    assert(response->content != NULL);
    while (read_head(&response->head, &bytes)) {
        if (!find_framing(response, &response->head, is_head, allows_tunnel))
            return false;
        if (response->head.status >= 200 || response->head.status == 101) {
            response->end = read_content(response, &bytes);
            response->bytes = all - bytes.length;
            return true;
        }
        if (response->interim_count == READ_INTERIMS_MAX)
            return false;
        struct read_head *kept = malloc(sizeof(*kept));
        assert(kept != NULL);
        *kept = response->head;
        response->interims[response->interim_count++] = kept;
    }
    return false;
}

void response_release(struct read_response *response)
{
    for (unsigned i = 0; i < response->interim_count; i++)
        free(response->interims[i]);
    free(response->content);
}
