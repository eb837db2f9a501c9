/* The headers of a file, and its plain 200 response. For one route its head is the same every time except
 * for the date, and the protocol writer may keep it with the file. Another route, or other settings,
 * replaces it by its own head when that is needed. */
#include "files/file_head.h"

#include "files/fallback.h"
#include "files/file_source.h"
#include "files/file_type.h"
#include "files/files.h"
#include "serve/service.h"

#include <fnmatch.h>
#include <limits.h>
#include <stdlib.h>

/* The first matching rule decides; see struct cache_rule. */
static struct slice cache_control(const struct files_settings *settings, struct slice path)
{
    char text[PATH_MAX + 1];
    text[0] = '/';
    memcpy(text + 1, path.data, path.length);
    text[path.length + 1] = '\0';
    const char *name = strrchr(text, '/') + 1;
    for (size_t i = 0; i < settings->cache_rule_count; i++) {
        const struct cache_rule *rule = &settings->cache_rules[i];
        bool is_about_path = slice_find(rule->pattern, '/') < rule->pattern.length;
        if (fnmatch(rule->pattern.data, is_about_path ? text : name, 0) == 0)
            return rule->value;
    }
    return (struct slice){0};
}

static bool is_fallback_page(const struct files_settings *settings, const struct file *file)
{
    return fallback_is_page(settings) && slice_equal(file_path(file), settings->fallback);
}

void file_add_validators(struct exchange *exchange, struct file *file, char date[HTTP_DATE_LENGTH])
{
    const struct files_settings *settings = files_settings_of(exchange);
    exchange_add_field(exchange, HTTP_FIELD_ETAG, file_etag(file));
    /* Never in the future: RFC 9110 section 8.8.2.1. */
    int64_t now = loop_wall_seconds(exchange->service->loop);
    http_date_format(date, MIN(file->status.modified_seconds, now));
    exchange_add_field(exchange, HTTP_FIELD_LAST_MODIFIED, slice_make(date, HTTP_DATE_LENGTH));
    bool is_fallback = is_fallback_page(settings, file);
    struct slice control = cache_control(settings, file_path(file));
    /* A single-page app's page names the current scripts: a browser that keeps an old page requests
     * scripts that no longer exist. */
    if (is_fallback && control.length == 0)
        control = SLICE("no-cache");
    if (control.length > 0)
        exchange_add_field(exchange, HTTP_FIELD_CACHE_CONTROL, control);
    if (file_is_negotiated(file))
        exchange_add_field(exchange, HTTP_FIELD_VARY, SLICE("Accept-Encoding"));
    if (is_fallback)
        exchange_add_field(exchange, HTTP_FIELD_VARY, SLICE("Accept, Sec-Fetch-Dest"));
}

void file_add_type(struct exchange *exchange, const struct file *file)
{
    struct slice path = file_path(file);
    enum http_coding coding = (enum http_coding)file->coding;
    if (coding == HTTP_CODING_IDENTITY)
        coding = file_type_coding(path);
    exchange_add_field(exchange, HTTP_FIELD_CONTENT_TYPE,
                       file_type_of(files_settings_of(exchange), path, &exchange->arena));
    if (coding != HTTP_CODING_IDENTITY)
        exchange_add_field(exchange, HTTP_FIELD_CONTENT_ENCODING, http_coding_name(coding));
}

void file_add_fields(struct exchange *exchange, struct file *file, char date[HTTP_DATE_LENGTH])
{
    file_add_type(exchange, file);
    exchange_add_field(exchange, HTTP_FIELD_ACCEPT_RANGES, SLICE("bytes"));
    file_add_validators(exchange, file, date);
}

/* Only the cache (if the file is in it) and the exchange hold the file: no response that uses the kept
 * head is in progress. */
static bool is_sole_holder(const struct file *file)
{
    return file->references <= 1u + file->is_cached;
}

/* A kept head is the same for all clients, so it must not have the id of a request, nor an
 * Access-Control-Allow-Origin that depends on Origin. */
static bool needs_own_head(const struct exchange *exchange)
{
    if (exchange->snapshot->settings->request_id.is_sent_back)
        return true;
    return http_request_has(&exchange->request, HTTP_FIELD_ORIGIN) &&
           exchange->route_entry->cors == CORS_BY_ORIGIN;
}

/* Where the head for the exchange's route is kept, or may be; NULL while a response still uses the kept
 * head of another route. */
static struct http_kept_head *kept_head_for(const struct exchange *exchange, struct file *file)
{
    struct http_kept_head *kept = &file->kept_head;
    uint64_t id = exchange->route_entry->head_ids[exchange->client->is_secure];
    if (UNLIKELY(needs_own_head(exchange)))
        return NULL;
    if (LIKELY(file->kept_head_id == id))
        return kept;
    if (kept->length > 0 && !is_sole_holder(file))
        return NULL;
    kept->length = 0;
    file->kept_head_id = id;
    return kept;
}

void file_respond_plain(struct exchange *exchange)
{
    struct file *file = exchange->file;
    struct http_kept_head *kept = kept_head_for(exchange, file);
    struct source *source = file->in_memory ? NULL : source_of_file(exchange, 0, file->status.size);
    if (LIKELY(kept && exchange_respond_kept(exchange, 200, source, kept, is_sole_holder(file))))
        return;
    if (source == NULL)
        source = source_of_file(exchange, 0, file->status.size);
    char date[HTTP_DATE_LENGTH];
    exchange_begin_response(exchange, 200);
    file_add_fields(exchange, file, date);
    /* For a file modified in the future, the current time is sent as Last-Modified, so its head is not
     * constant. */
    bool is_constant = file->status.modified_seconds <= loop_wall_seconds(exchange->service->loop);
    exchange_respond_and_keep(exchange, source, is_constant ? kept : NULL);
}
