/* Upgrades. One protocol is forwarded, the first in the client's list that the route allows: so the server
 * cannot change to one that nobody has looked at. */
#include "proxy/upgrade.h"

#include "http/field_list.h"
#include "sys/clock.h"

static bool upgrade_is_allowed(struct slice protocol, const struct proxy_settings *settings)
{
    for (size_t i = 0; i < settings->upgrade_count; i++) {
        if (slice_equal_nocase(protocol, settings->upgrades[i]))
            return true;
    }
    return false;
}

static bool upgrade_is_possible(const struct http_request *request)
{
    return http_request_is_extended(request) ||
           (request->version_minor > 0 && request->body == HTTP_BODY_NONE &&
            http_field_list_has(http_request_list(request, HTTP_FIELD_CONNECTION), SLICE("upgrade")));
}

struct slice upgrade_wanted(const struct http_request *request, const struct proxy_settings *settings)
{
    const struct slice none = {0};
    struct slice protocol;
    if (LIKELY(!http_request_has(request, HTTP_FIELD_UPGRADE)) || !upgrade_is_possible(request))
        return none;
    struct http_field_list list = http_request_list(request, HTTP_FIELD_UPGRADE);
    while (http_field_list_next(&list, &protocol)) {
        if (upgrade_is_allowed(protocol, settings))
            return protocol;
    }
    return none;
}

bool upgrade_is_granted(const struct http_response_head *head, struct slice protocol)
{
    struct http_field_list list = http_field_list(head->fields, head->field_count, HTTP_FIELD_UPGRADE);
    struct slice granted, second;
    return http_field_list_next(&list, &granted) && slice_equal_nocase(granted, protocol) &&
           !http_field_list_next(&list, &second);
}

void upgrade_make_key(char key[WEBSOCKET_KEY_LENGTH])
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint8_t random[18] = {0};
    sys_random(random, 16);
    for (size_t i = 0; i < sizeof(random); i += 3) {
        unsigned group = (unsigned)random[i] << 16 | (unsigned)random[i + 1] << 8 | random[i + 2];
        for (size_t j = 0; j < 4; j++)
            *key++ = digits[group >> (18 - 6 * j) & 63];
    }
    key[-1] = key[-2] = '='; /* 16 bytes are 22 digits */
}
