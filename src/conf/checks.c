/* Sections that have been read; listeners.c and redirects.c have the checks that need more. What was a
 * mistake already is passed over. */
#include "conf/checks.h"

#include "conf/paths.h"
#include "log/log_compression.h"
#include "proxy/server_url.h"
#include "sys/xdp.h"

/* RFC 9110 sections 15.3.5, 15.3.6 and 15.4.5: a client would take a body for the next response. */
void check_respond(struct loader *loader, const struct node *map)
{
    const struct route *route = loader->objects[OBJECT_ROUTE];
    const struct node *body = node_get(map, SLICE("body"));
    int status = route->respond.status;
    if ((status == 204 || status == 205 || status == 304) && body && route->respond.body.length > 0)
        diagnostics_add(loader->diagnostics, body->position,
                        "respond.body: a response with status %d has no content", status);
}

void check_early_hints(struct loader *loader, const struct node *map)
{
    const struct route *route = loader->objects[OBJECT_ROUTE];
    bool has_link = false;
    for (size_t i = 0; i < route->field_edit_count; i++) {
        const struct field_edit *edit = &route->field_edits[i];
        has_link |= edit->value.data && slice_equal_nocase(edit->name, SLICE("Link"));
    }
    if (route->early_hints && !has_link && loader->diagnostics->errors == 0)
        diagnostics_add(loader->diagnostics, node_get(map, SLICE("early_hints"))->position,
                        "early_hints: this route sets no Link header, which is what would be sent; write "
                        "headers: {set: {Link: \"</style.css>; rel=preload; as=style\"}}");
}

/* --- files --- */

/* A command line serves a folder in which somebody may be at work: there, what is not there yet is a warning.
 */
static void check_file(struct loader *loader, const char *option, const struct node *node, struct slice path)
{
    const struct route *route = loader->objects[OBJECT_ROUTE];
    const char *fault = path_check_served(loader->arena, route->files.root.data, path);
    bool is_in_file = node->position.source && node->position.source->has_lines;
    if (node->position.source == NULL) /* a default: nobody asked for it */
        return;
    char shown[OPTION_TEXT_MAX];
    if (fault)
        (is_in_file ? diagnostics_add : diagnostics_warn)(loader->diagnostics, node->position,
                                                          "files.%s: %s: %s", option,
                                                          loader_found(node, shown), fault);
}

static void check_error_pages(struct loader *loader, const struct node *pages)
{
    const struct route *route = loader->objects[OBJECT_ROUTE];
    const struct error_page *page = route->files.error_pages;
    if (pages == NULL || pages->kind != NODE_MAP || route->files.error_page_count != pages->entry_count)
        return;
    NODE_FOREACH(entry, pages)
    {
        if (page->path.data)
            check_file(loader, "error_pages", entry->value, page->path);
        page++;
    }
}

void check_files(struct loader *loader, const struct node *map)
{
    const struct files_settings *files = &((struct route *)loader->objects[OBJECT_ROUTE])->files;
    const struct node *root = node_get(map, SLICE("root"));
    const struct node *fallback = node_get(map, SLICE("fallback"));
    const char *fault = NULL;
    if (root == NULL || files->root.data == NULL)
        return;
    if (files->listing)
        fault = path_check_folder(loader->arena, files->root.data, true);
    if (fault)
        diagnostics_add(loader->diagnostics, root->position, "files.listing: \"%.*s\" cannot be listed: %s",
                        SLICE_ARGS(files->root), fault);
    if (fallback && files->fallback.length > 0)
        check_file(loader, "fallback", fallback, files->fallback);
    check_error_pages(loader, node_get(map, SLICE("error_pages")));
}

/* --- access logs --- */

static bool log_is_same(const struct access_log_settings *a, const struct access_log_settings *b)
{
    bool is_same_file = a->path.length > 0 && slice_equal(a->path, b->path);
    return !is_same_file || (slice_equal(a->template, b->template) &&
                             (a->template.length > 0 || a->format == b->format) && a->sample == b->sample);
}

void check_site_logs(struct loader *loader, const struct node *sites)
{
    const struct config *config = loader->objects[OBJECT_CONFIG];
    const struct settings *settings = config->settings;
    for (size_t i = 0; i < settings->site_count && loader->diagnostics->errors == 0; i++) {
        const struct access_log_settings *log = &settings->sites[i].log;
        bool is_good = log_is_same(log, &config->access_log);
        for (size_t j = 0; j < i; j++)
            is_good &= log_is_same(log, &settings->sites[j].log);
        if (!is_good)
            diagnostics_add(loader->diagnostics, node_position_of(node_item(sites, i), SLICE("log")),
                            "log: \"%.*s\" is also the log of others, in another format",
                            SLICE_ARGS(log->path));
    }
}

/* --- rotation --- */

void check_rotation(struct loader *loader, const struct node *map)
{
    const struct log_rotation_rules *rules = &((struct config *)loader->objects[OBJECT_CONFIG])->rotation;
    const struct node *size = node_get(map, SLICE("size"));
    if (size && rules->size == 0 && rules->age_ms == 0 && loader->diagnostics->errors == 0)
        diagnostics_add(
            loader->diagnostics, size->position,
            "log.rotate: with neither a size nor an age no log is ever rotated; write, for example, age: "
            "1d, or rotate: false");
    if (rules->compress == LOG_COMPRESSOR_ZSTD && !log_compression_exists())
        diagnostics_add(loader->diagnostics, node_get(map, SLICE("compress"))->position,
                        "log.rotate.compress: this vif was built without zstd; write compress: none");
}

/* ---- the shield ---- */

void check_shield(struct loader *loader, const struct node *map)
{
    const struct settings *settings = loader->objects[OBJECT_SETTINGS];
    struct slice interface = settings->shield.interface;
    const struct node *node = node_get(map, SLICE("interface"));
    if (interface.length == 0 || node == NULL)
        return;
    if (sys_interface_find(interface.data) == 0) /* it may come back, while vif runs */
        diagnostics_warn(loader->diagnostics, node->position,
                         "shield.interface: there is no interface \"%.*s\" (see: ip link)",
                         SLICE_ARGS(interface));
    else if (sys_interface_is_loopback(interface.data))
        diagnostics_add(
            loader->diagnostics, node->position,
            "shield.interface: \"%.*s\" is the loopback interface, whose clients are this machine",
            SLICE_ARGS(interface));
}

/* ---- servers ---- */

/* A mistake or a warning about `protocol` for one server; NULL: there is none. `ret_is_error`: it cannot be.
 */
static const char *proxy_http_fault(const struct server_url *url, enum proxy_http wanted, bool *ret_is_error)
{
    *ret_is_error = wanted == PROXY_HTTP_1;
    if (wanted == PROXY_HTTP_1 && url->is_h2)
        return "is HTTP/2 by its scheme; write http:// there, or protocol: h2 here";
    if (wanted == PROXY_HTTP_AUTO && !url->is_secure && !url->is_h2)
        return "gets HTTP/1.1: without TLS it cannot choose (ALPN); if it speaks HTTP/2, write h2c:// or "
               "https://";
    return NULL;
}

/* Whether a server could choose, now or when one is added at run time, or to the file. */
static void check_proxy_choice(struct loader *loader, const struct node *node,
                               const struct proxy_settings *proxy)
{
    bool is_listed = proxy->server_count > 0 && proxy->to_file.length == 0;
    if (proxy->http == PROXY_HTTP_AUTO && is_listed && !proxy_speaks_tls(proxy))
        diagnostics_add(
            loader->diagnostics, node->position,
            "proxy.protocol: no server is https://, and without TLS none can choose (ALPN); write "
            "h2 for HTTP/2, or leave it out for HTTP/1.1");
}

static void check_proxy_protocol_of(struct loader *loader, const struct node *node,
                                    const struct proxy_settings *proxy, struct slice text)
{
    struct server_url url;
    bool is_error;
    if (text.length == 0 || server_url_parse(text, &url) != NULL)
        return;
    const char *fault = proxy_http_fault(&url, (enum proxy_http)proxy->http, &is_error);
    if (fault)
        (is_error ? diagnostics_add : diagnostics_warn)(
            loader->diagnostics, node->position, "proxy.protocol: \"%.*s\" %s", SLICE_ARGS(text), fault);
}

void check_proxy_protocol(struct loader *loader, const struct node *map)
{
    const struct proxy_settings *proxy = &((struct route *)loader->objects[OBJECT_ROUTE])->proxy;
    const struct node *node = node_get(map, SLICE("protocol")), *upgrade = node_get(map, SLICE("upgrade"));
    size_t errors = loader->diagnostics->errors;
    if (node == NULL)
        return;
#ifndef HAVE_HTTP2
    if (proxy->http != PROXY_HTTP_1)
        diagnostics_add(loader->diagnostics, node->position,
                        "proxy.protocol: this vif was built without HTTP/2 (nghttp2)");
#endif
    check_proxy_choice(loader, node, proxy);
    for (size_t i = 0; i < proxy->server_count && loader->diagnostics->errors == errors; i++)
        check_proxy_protocol_of(loader, node, proxy, proxy->servers[i].url);
    if (proxy->http == PROXY_HTTP_2 && upgrade && proxy->upgrade_count > 0)
        diagnostics_warn(
            loader->diagnostics, upgrade->position,
            "proxy.upgrade: it has no effect, as servers are not asked for an upgrade over HTTP/2; "
            "with protocol: auto they are, over HTTP/1.1");
}
