/* A request that does not comply with RFC 7540 does not change the protocol and is answered as HTTP/1.1. */
#include "front/h2_upgrade.h"

#include "http/field_list.h"

#define SETTING_BYTES 6 /* in a frame: RFC 9113 section 6.5.1 */

/* Finds the value of HTTP2-Settings, which must occur exactly once. */
static bool find_settings(const struct http_request *request, struct slice *ret_value)
{
    unsigned count = 0;
    for (size_t i = 0; i < request->field_count; i++) {
        const struct http_field *field = &request->fields[i];
        if (field->name != HTTP_FIELD_OTHER || !slice_equal_nocase(field->name_text, SLICE("HTTP2-Settings")))
            continue;
        *ret_value = field->value;
        count++;
    }
    return count == 1;
}

/* base64url (RFC 4648 section 5); negative for other characters. */
static int digit_value(char digit)
{
    if (digit >= 'A' && digit <= 'Z')
        return digit - 'A';
    if (digit >= 'a' && digit <= 'z')
        return digit - 'a' + 26;
    if (digit >= '0' && digit <= '9')
        return digit - '0' + 52;
    return digit == '-' ? 62 : digit == '_' ? 63 : -1;
}

/* base64url without its padding. */
static bool decode(struct slice text, struct h2_upgrade *ret_upgrade)
{
    uint32_t bits = 0;
    unsigned bit_count = 0;
    ret_upgrade->length = 0;
    for (size_t i = 0; i < text.length; i++) {
        int value = digit_value(text.data[i]);
        if (value < 0)
            return false;
        bits = bits << 6 | (uint32_t)value;
        bit_count += 6;
        if (bit_count < 8)
            continue;
        if (ret_upgrade->length == H2_UPGRADE_SETTINGS_MAX)
            return false;
        bit_count -= 8;
        ret_upgrade->settings[ret_upgrade->length++] = (char)(bits >> bit_count);
    }
    return bit_count < 6 && (bits & ((1u << bit_count) - 1)) == 0 && ret_upgrade->length % SETTING_BYTES == 0;
}

static bool names(const struct http_request *request, enum http_field_name name, struct slice element)
{
    return http_field_list_has(http_request_list(request, name), element);
}

bool h2_upgrade_read(const struct http_request *request, struct h2_upgrade *ret_upgrade)
{
    struct slice settings;
    return request->body == HTTP_BODY_NONE && request->version_minor > 0 &&
           names(request, HTTP_FIELD_UPGRADE, SLICE("h2c")) &&
           names(request, HTTP_FIELD_CONNECTION, SLICE("Upgrade")) &&
           names(request, HTTP_FIELD_CONNECTION, SLICE("HTTP2-Settings")) &&
           find_settings(request, &settings) && decode(settings, ret_upgrade);
}
