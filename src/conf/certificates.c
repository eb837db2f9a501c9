/* The plan of the server's contexts, each built and thrown away. */
#include "conf/certificates.h"

#include "server/tls_plan.h"
#include "sys/clock.h"
#include "tls/context.h"

#include <errno.h>

#define NS_PER_SECOND 1000000000

/* Routes are in the order of the file. */
static struct source_position position_in_route(const struct node *site,
                                                const struct planned_context *context)
{
    const struct node *routes = node_get(site, SLICE("routes"));
    const struct route *route = context->site->routes;
    const struct node *proxy = NULL;
    if (routes == NULL || routes->kind != NODE_MAP)
        return site->position;
    NODE_FOREACH(entry, routes)
    {
        if (route++ == context->route && entry->value->kind == NODE_MAP)
            proxy = node_get(entry->value, SLICE("proxy"));
    }
    return proxy ? node_position_of(proxy, SLICE("tls")) : routes->position;
}

/* The `tls` that a context was made for. */
static struct source_position config_certificates_position_of(const struct config *config,
                                                              const struct document *document,
                                                              const struct planned_context *context)
{
    bool is_of_site = context->site != NULL;
    const struct node *list = node_get(document->root, is_of_site ? SLICE("sites") : SLICE("listen"));
    size_t index = is_of_site ? (size_t)(context->site - config->settings->sites) : context->listener;
    const struct node *item = list ? node_item(list, index) : NULL;
    if (item && context->route)
        return position_in_route(item, context);
    return item ? node_position_of(item, SLICE("tls")) : (struct source_position){0};
}

static void config_certificates_tell(struct diagnostics *diagnostics, struct source_position position,
                                     bool is_client, const struct tls_report *report)
{
    for (size_t i = 0; i < report->count; i++) {
        const struct tls_finding *finding = &report->findings[i];
        if (finding->level == TLS_LEVEL_ERROR)
            diagnostics_add(diagnostics, position, "tls: %s", finding->text);
        else
            diagnostics_warn(diagnostics, position, "tls: %s%s", finding->text,
                             finding->level != TLS_LEVEL_DOUBT ? ""
                             : is_client                       ? "; servers will refuse it"
                                                               : "; clients will refuse it");
    }
}

static int check_context(const struct planned_context *planned, struct source_position position,
                         struct diagnostics *diagnostics)
{
    struct tls_report report = {0};
    struct tls_context *context = NULL;
    int error = tls_context_create(&planned->settings, sys_realtime_ns() / NS_PER_SECOND, &report, &context);
    config_certificates_tell(diagnostics, position, planned->settings.is_client, &report);
    tls_context_unref(context);
    return error == -ENOMEM ? error : 0;
}

int config_check_certificates(const struct config *config, const struct document *document,
                              struct diagnostics *diagnostics)
{
    struct tls_plan plan;
    int error = tls_plan_make(&plan, config->settings, NULL);
    if (error < 0)
        return error;
    for (size_t i = 0; i < plan.context_count && error == 0; i++)
        error =
            check_context(&plan.contexts[i],
                          config_certificates_position_of(config, document, &plan.contexts[i]), diagnostics);
    tls_plan_finish(&plan);
    return error;
}
