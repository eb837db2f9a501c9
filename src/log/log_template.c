/* Templates: reading them, dividing the bytes of a line among their fields, and writing lines. */
#include "log/log_template.h"

#include "log/line_writer.h"

/* Of a header that is not in the table of fields. */
#define HEADER_BYTES_MAX 512

enum log_field_kind { LOG_FIELD_FIXED, LOG_FIELD_NUMBER, LOG_FIELD_TEXT };

static const struct log_field_row {
    struct slice name;
    enum log_field_kind kind;
    uint16_t bytes_max;
} rows[LOG_FIELD_COUNT] = {[LOG_FIELD_LITERAL] = {{0}, LOG_FIELD_FIXED, 0},
                           [LOG_FIELD_HEADER] = {{0}, LOG_FIELD_TEXT, HEADER_BYTES_MAX},
#define X(member, name, kind, bytes) [LOG_FIELD_##member] = {SLICE(name), LOG_FIELD_##kind, bytes},
                           LOG_FIELD_TABLE(X)
#undef X
};

const char *const log_field_names[] = {
#define X(member, name, kind, bytes) name,
    LOG_FIELD_TABLE(X)
#undef X
        NULL,
};

/* ---- reading ---- */

static const struct slice header_begin = {.data = "header.", .length = 7};

static bool template_fail(struct log_template_fault *fault, const char *text)
{
    *fault = (struct log_template_fault){.text = text};
    return false;
}

static bool template_add(struct log_template *template, enum log_field field, size_t begin, size_t length)
{
    if (template->item_count == LOG_TEMPLATE_ITEMS_MAX)
        return false;
    template->items[template->item_count++] = (struct log_template_item){
        .field = (uint16_t)field,
        .bytes_max = rows[field].bytes_max,
        .begin = (uint16_t)begin,
        .length = (uint16_t)length,
    };
    return true;
}

/* LOG_FIELD_LITERAL: there is none of this name. */
static enum log_field find_field(struct slice name)
{
    for (enum log_field field = LOG_FIELD_HEADER + 1; field < LOG_FIELD_COUNT; field++) {
        if (slice_equal(rows[field].name, name))
            return field;
    }
    bool is_header = slice_starts_with(name, header_begin) && name.length > header_begin.length;
    return is_header ? LOG_FIELD_HEADER : LOG_FIELD_LITERAL;
}

/* `rest` begins with the brace. */
static bool read_field(struct log_template *template, struct slice *rest, struct log_template_fault *fault)
{
    size_t begin = (size_t)(rest->data - template->text) + 1, end = slice_find(*rest, '}');
    if (end == rest->length)
        return template_fail(fault, "a \"{\" has no \"}\"; a brace by itself is written \"{{\"");
    struct slice name = slice_make(rest->data + 1, end - 1);
    enum log_field field = find_field(name);
    *rest = slice_skip(*rest, end + 1);
    if (field == LOG_FIELD_LITERAL) {
        *fault = (struct log_template_fault){.field = name};
        return false;
    }
    size_t skipped = field == LOG_FIELD_HEADER ? header_begin.length : 0;
    return template_add(template, field, begin + skipped, name.length - skipped) ||
           template_fail(fault, "it has more than 64 parts");
}

/* Up to the next field; of "{{" the first brace, and the other one is skipped. */
static bool read_literal(struct log_template *template, struct slice *rest, struct log_template_fault *fault)
{
    size_t begin = (size_t)(rest->data - template->text), length = slice_find(*rest, '{');
    bool is_brace = slice_starts_with(slice_skip(*rest, length), SLICE("{{"));
    length += is_brace;
    *rest = slice_skip(*rest, length + is_brace);
    return length == 0 || template_add(template, LOG_FIELD_LITERAL, begin, length) ||
           template_fail(fault, "it has more than 64 parts");
}

static bool template_has_control_byte(struct slice text)
{
    for (size_t i = 0; i < text.length; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        if ((byte < 0x20 && byte != '\t') || byte == 0x7f)
            return true;
    }
    return false;
}

/* What all texts may have together, beside LINE_TEXT_BYTES_MIN for each, is shared out in proportion. */
static void share_line(struct log_template *template)
{
    size_t fixed = 1, wanted = 0; /* one for the newline */
    for (size_t i = 0; i < template->item_count; i++) {
        const struct log_template_item *item = &template->items[i];
        bool is_text = rows[item->field].kind == LOG_FIELD_TEXT;
        fixed += is_text                            ? LINE_TEXT_BYTES_MIN
                 : item->field == LOG_FIELD_LITERAL ? item->length
                                                    : item->bytes_max;
        wanted += is_text ? item->bytes_max - LINE_TEXT_BYTES_MIN : 0;
    }
    assert(fixed < LINE_BYTES_MAX);
    size_t left = LINE_BYTES_MAX - fixed;
    for (size_t i = 0; i < template->item_count && wanted > left; i++) {
        struct log_template_item *item = &template->items[i];
        if (rows[item->field].kind == LOG_FIELD_TEXT)
            item->bytes_max =
                (uint16_t)(LINE_TEXT_BYTES_MIN + (item->bytes_max - LINE_TEXT_BYTES_MIN) * left / wanted);
    }
}

bool log_template_read(struct slice text, struct log_template *ret_template,
                       struct log_template_fault *ret_fault)
{
    ret_template->item_count = 0;
    if (text.length > LOG_TEMPLATE_BYTES_MAX)
        return template_fail(ret_fault, "it is longer than 1024 bytes");
    if (template_has_control_byte(text))
        return template_fail(ret_fault, "it has a line break or another control character");
    if (text.length > 0)
        memcpy(ret_template->text, text.data, text.length);
    struct slice rest = slice_make(ret_template->text, text.length);
    while (rest.length > 0) {
        bool is_field = rest.data[0] == '{' && !slice_starts_with(rest, SLICE("{{"));
        if (!(is_field ? read_field : read_literal)(ret_template, &rest, ret_fault))
            return false;
    }
    share_line(ret_template);
    return true;
}

/* ---- writing ---- */

static struct slice template_header_value(const struct http_request *request, struct slice name)
{
    for (unsigned i = 0; i < request->field_count; i++) {
        if (slice_equal_nocase(request->fields[i].name_text, name))
            return request->fields[i].value;
    }
    return (struct slice){0};
}

static struct slice request_value(const struct http_request *request, enum log_field field)
{
    switch (field) {
    case LOG_FIELD_METHOD: return request->method_text;
    case LOG_FIELD_TARGET: return request->target;
    case LOG_FIELD_PATH: return request->path;
    case LOG_FIELD_QUERY: return request->query;
    case LOG_FIELD_VERSION: return access_log_version(request);
    case LOG_FIELD_HOST: return request->host;
    case LOG_FIELD_REFERER: return http_request_field(request, HTTP_FIELD_REFERER);
    case LOG_FIELD_USER_AGENT: return http_request_field(request, HTTP_FIELD_USER_AGENT);
    default: UNREACHABLE();
    }
}

static struct slice tls_value(const struct access_log_tls *tls, enum log_field field)
{
    switch (field) {
    case LOG_FIELD_TLS: return tls->version;
    case LOG_FIELD_CIPHER: return tls->cipher;
    case LOG_FIELD_SERVER_NAME: return tls->name;
    case LOG_FIELD_CLIENT_SUBJECT: return tls->client_subject;
    case LOG_FIELD_CLIENT_ISSUER: return tls->client_issuer;
    case LOG_FIELD_CLIENT_FINGERPRINT: return tls->client_fingerprint;
    default: UNREACHABLE();
    }
}

/* Empty where it is missing. */
static struct slice text_value(const struct log_template *template, const struct log_template_item *item,
                               const struct access_log_entry *entry)
{
    const struct slice none = {0};
    enum log_field field = (enum log_field)item->field;
    if (field >= LOG_FIELD_METHOD && field <= LOG_FIELD_USER_AGENT)
        return entry->request ? request_value(entry->request, field) : none;
    if (field >= LOG_FIELD_TLS && field <= LOG_FIELD_CLIENT_FINGERPRINT)
        return entry->tls ? tls_value(entry->tls, field) : none;
    switch (field) {
    case LOG_FIELD_HEADER:
        return entry->request ? template_header_value(entry->request,
                                                      slice_make(template->text + item->begin, item->length))
                              : none;
    case LOG_FIELD_CLIENT: return entry->client;
    case LOG_FIELD_OUTCOME: return access_log_outcome_word(entry->outcome);
    case LOG_FIELD_REQUEST_ID: return entry->request_id;
    case LOG_FIELD_UPSTREAM: return entry->upstream ? entry->upstream->server : none;
    case LOG_FIELD_UPSTREAM_CAUSE: return entry->upstream ? entry->upstream->cause : none;
    default: UNREACHABLE();
    }
}

/* Returns false where it is missing. */
static bool number_value(const struct access_log_entry *entry, enum log_field field, uint64_t *ret_value)
{
    switch (field) {
    case LOG_FIELD_STATUS: *ret_value = (uint64_t)entry->status; return true;
    case LOG_FIELD_BYTES: *ret_value = entry->body_bytes; return true;
    case LOG_FIELD_DURATION_US: *ret_value = entry->duration_us; return true;
    case LOG_FIELD_UPSTREAM_CONNECT_US:
        *ret_value = entry->upstream ? entry->upstream->connect_us : 0;
        return *ret_value > 0;
    case LOG_FIELD_UPSTREAM_HEAD_US:
        *ret_value = entry->upstream ? entry->upstream->head_us : 0;
        return *ret_value > 0;
    default: UNREACHABLE();
    }
}

static char *put_text_value(char *out, struct slice value, size_t bytes_max)
{
    return value.length > 0 ? line_text_put_escaped(out, value, SLICE("\\x"), bytes_max)
                            : line_text_put(out, SLICE("-"));
}

char *log_template_write(const struct log_template *template, struct line_clock *clock,
                         const struct log_moment *moment, const struct access_log_entry *entry, char *out)
{
    for (size_t i = 0; i < template->item_count; i++) {
        const struct log_template_item *item = &template->items[i];
        enum log_field field = (enum log_field)item->field;
        uint64_t number;
        if (field == LOG_FIELD_LITERAL)
            out = line_text_put(out, slice_make(template->text + item->begin, item->length));
        else if (field == LOG_FIELD_TIME)
            out = line_clock_put_json(clock, out, moment->seconds, moment->milliseconds);
        else if (field == LOG_FIELD_TIME_COMMON)
            out = line_clock_put_common(clock, out, moment->seconds);
        else if (rows[field].kind != LOG_FIELD_NUMBER)
            out = put_text_value(out, text_value(template, item, entry), item->bytes_max);
        else
            out = number_value(entry, field, &number) ? line_text_put_number(out, number)
                                                      : line_text_put(out, SLICE("-"));
    }
    return out;
}
