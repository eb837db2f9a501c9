/* The chain of addresses is read from the right, and no further than to the first stranger: nothing that
 * strangers wrote is looked at. */
#include "serve/forwarded.h"

#include "http/forwarded.h"
#include "serve/client_counts.h"
#include "serve/service.h"

struct forwarded_chain {
    const struct settings *settings;
    struct network_address client; /* AF_UNSPEC: not known */
    struct slice scheme;           /* by which the client came; empty: not said */
    bool is_over;
};

static void chain_add(struct forwarded_chain *chain, const struct http_forwarded *report)
{
    struct network_address address;
    if (!network_read_address(http_forwarded_host(report->client), &address)) {
        chain->is_over = true;
        return;
    }
    chain->client = address;
    chain->scheme = report->scheme;
    chain->is_over = !network_have(chain->settings->trusted.networks, chain->settings->trusted.network_count,
                                   address.family, address.bytes);
}

static void forwarded_read_element(struct forwarded_chain *chain, struct slice element)
{
    struct http_forwarded report = {.client = element};
    bool is_good = true;
    if (chain->settings->trusted.header == TRUSTED_FORWARDED)
        is_good = http_forwarded_read(element, &report);
    if (is_good)
        chain_add(chain, &report);
    else
        chain->is_over = true;
}

static bool is_named(const struct http_field *field, struct slice name)
{
    return field->name == HTTP_FIELD_OTHER && slice_equal_nocase(field->name_text, name);
}

static void read_chain(struct forwarded_chain *chain, const struct http_request *request, struct slice name)
{
    struct slice element;
    for (unsigned i = request->field_count; i > 0 && !chain->is_over; i--) {
        struct slice rest = request->fields[i - 1].value;
        while (is_named(&request->fields[i - 1], name) && !chain->is_over &&
               http_forwarded_last(&rest, &element))
            forwarded_read_element(chain, element);
    }
}

/* X-Forwarded-Proto need not have a scheme for each address: the last one is that of the nearest proxy. */
static struct slice last_scheme(const struct http_request *request)
{
    struct slice scheme = {0};
    for (unsigned i = request->field_count; i > 0; i--) {
        struct slice rest = request->fields[i - 1].value;
        if (is_named(&request->fields[i - 1], SLICE("X-Forwarded-Proto")) &&
            http_forwarded_last(&rest, &scheme))
            break;
    }
    return scheme;
}

/* A scheme that is neither leaves what is known of the connection. */
static bool scheme_is_secure(struct slice scheme, bool otherwise)
{
    if (slice_equal_nocase(scheme, SLICE("https")))
        return true;
    return slice_equal_nocase(scheme, SLICE("http")) ? false : otherwise;
}

void forwarded_find_client(struct exchange *exchange)
{
    const struct settings *settings = exchange->snapshot->settings;
    struct forwarded_chain chain = {.settings = settings};
    if (!peer_is_trusted(settings, exchange->peer))
        return;
    bool is_standard = settings->trusted.header == TRUSTED_FORWARDED;
    read_chain(&chain, &exchange->request, is_standard ? SLICE("Forwarded") : SLICE("X-Forwarded-For"));
    if (!is_standard)
        chain.scheme = last_scheme(&exchange->request);
    bool is_secure = scheme_is_secure(chain.scheme, exchange->peer->is_secure);
    if (chain.client.family == AF_UNSPEC && is_secure == exchange->peer->is_secure)
        return;
    struct peer *client = arena_alloc(&exchange->arena, sizeof(*client));
    if (client == NULL)
        return; /* the next allocation will fail, too */
    *client = *exchange->peer;
    client->is_secure = is_secure;
    if (chain.client.family != AF_UNSPEC) {
        client->family = chain.client.family;
        memcpy(client->bytes, chain.client.bytes, sizeof(client->bytes));
    }
    exchange->client = client;
}

bool forwarded_count(struct exchange *exchange)
{
    struct service *service = exchange->service;
    uint32_t count_max = service_settings(service)->limits.connections_per_address;
    bool is_forwarded = exchange->client != exchange->peer;
    if (count_max == 0 || !is_forwarded || peer_is_trusted(exchange->snapshot->settings, exchange->client))
        return true;
    exchange->is_counted = client_counts_add_request(service, exchange->client, count_max);
    return exchange->is_counted;
}
