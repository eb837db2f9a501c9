/* A client asks for a page by Sec-Fetch-Dest or Accept, as all browsers do. For other clients the path
 * decides: a name with a known extension is a file, unless the extension is that of a page. */
#include "files/fallback.h"

#include "http/mime.h"
#include "http/negotiate.h"

static bool is_page(struct slice path)
{
    struct slice type = http_mime_type(path);
    return slice_starts_with(type, SLICE("text/html")) ||
           slice_starts_with(type, SLICE("application/xhtml+xml"));
}

bool fallback_is_page(const struct files_settings *settings)
{
    return settings->fallback.length > 0 && is_page(settings->fallback);
}

bool fallback_is_wanted(const struct exchange *exchange)
{
    const struct files_settings *settings = &exchange->route_entry->route->files;
    if (!fallback_is_page(settings))
        return settings->fallback.length > 0;
    switch (http_page_wish(&exchange->request)) {
    case HTTP_PAGE_WANTED: return true;
    case HTTP_PAGE_NOT_WANTED: return false;
    case HTTP_PAGE_UNSAID: break;
    }
    return !http_mime_is_known(exchange->path) || is_page(exchange->path);
}
