/* Exchanges: life cycle, jobs, and building the response. */
#include "serve/exchange.h"

#include "http/status.h"
#include "serve/client_counts.h"
#include "serve/request_id.h"
#include "serve/service.h"
#include "serve/timing.h"
#include "serve/tunnel.h"

#include <errno.h>

static void come_back(struct exchange *exchange);

/* Creates one from the service's pool, with an empty request without an array of headers; NULL if out of
 * memory. */
static struct exchange *exchange_create(struct service *service)
{
    struct exchange *exchange = pool_get(&service->exchanges);
    if (exchange == NULL)
        return NULL;
    memset(exchange, 0, offsetof(struct exchange, source_room));
    list_init(&exchange->link);
    exchange->service = service;
    arena_init(&exchange->arena, EXCHANGE_ARENA_BYTES_MAX);
    exchange->arena.shelf = &service->shelf;
    http_response_init(&exchange->response, &exchange->arena);
    return exchange;
}

static struct exchange *create_spare(struct service *service)
{
    struct http_field *fields = pool_get(&service->field_rooms);
    struct exchange *exchange = fields ? exchange_create(service) : NULL;
    if (exchange == NULL) {
        pool_put(&service->field_rooms, fields);
        return NULL;
    }
    exchange->request.fields = fields;
    exchange->request.fields_max = (uint16_t)service->fields_max;
    return exchange;
}

bool exchange_has_spare(struct service *service)
{
    if (service->spare == NULL)
        service->spare = create_spare(service);
    return service->spare != NULL;
}

/* `fields` are those of the request from here on, in place of the room that they were read into. */
static void set_kept(struct exchange *exchange, struct http_field *fields)
{
    pool_put(&exchange->service->field_rooms, exchange->request.fields);
    exchange->request.fields = fields;
    exchange->request.fields_max = exchange->request.field_count;
    exchange->is_kept = true;
}

static void exchange_init(struct exchange *exchange, void *owner, const struct exchange_events *events,
                          const struct peer *peer, struct list *exchanges)
{
    exchange->owner = owner;
    exchange->events = events;
    exchange->peer = exchange->client = peer;
    exchange->is_early = peer->is_early;
    exchange->snapshot = snapshot_ref(exchange->service->snapshot);
    list_append(exchanges, &exchange->link);
}

struct exchange *exchange_begin(struct service *service, void *owner, const struct exchange_events *events,
                                const struct peer *peer, struct list *exchanges)
{
    struct exchange *exchange = service->spare;
    service->spare = NULL;
    exchange_init(exchange, owner, events, peer, exchanges);
    /* A request that could not be parsed has nothing to keep. */
    if (UNLIKELY(exchange->request.method_text.data == NULL))
        set_kept(exchange, NULL);
    return exchange;
}

/* The job's result is not needed any more. In the pool the job can only be cut short; in a queue it is
 * removed. */
static void abandon_job(struct exchange *exchange)
{
    atomic_store_explicit(&exchange->is_abandoned, true, memory_order_relaxed);
    if (!job_queue_withdraw(&exchange->queued))
        return;
    come_back(exchange);
}

/* Tells the handler that its work is not needed any more. */
static void tell_gone(struct exchange *exchange)
{
    if (exchange->sink)
        exchange_abort_content(exchange, (enum outcome)exchange->outcome);
    if (exchange->on_gone)
        exchange->on_gone(exchange);
}

/* That of a tunnel is its end, and its sink goes with it. */
static void exchange_close_source(struct exchange *exchange)
{
    struct source *source = exchange->source;
    if (UNLIKELY(exchange->tunnel != NULL)) {
        source = &exchange->tunnel->source;
        exchange->tunnel = NULL;
        exchange->sink = NULL;
    }
    exchange->source = NULL;
    source_close(source);
}

void exchange_end(struct exchange *exchange)
{
    assert(list_is_empty(&exchange->link));
    exchange->owner = NULL;
    if (exchange->is_busy) {
        abandon_job(exchange);
        return;
    }
    if (UNLIKELY(exchange->is_watched))
        tell_gone(exchange);
    if (UNLIKELY(exchange->is_counted))
        client_counts_remove_request(exchange->service, exchange->client);
    exchange_close_source(exchange);
    file_unref(exchange->file);
    snapshot_unref(exchange->snapshot);
    arena_finish(&exchange->arena);
    if (LIKELY(!exchange->is_kept))
        pool_put(&exchange->service->field_rooms, exchange->request.fields);
    pool_put(&exchange->service->exchanges, exchange);
}

struct exchange_record *exchange_record_of(struct exchange *exchange)
{
    if (exchange->record == NULL)
        exchange->record = arena_zalloc(&exchange->arena, sizeof(*exchange->record));
    return exchange->record;
}

enum http_path_result exchange_normalize_path(struct exchange *exchange, enum http_path_form form,
                                              struct slice *ret_path)
{
    struct slice encoded = exchange->request.path;
    if (LIKELY(exchange->request.path_is_normal)) {
        *ret_path = encoded;
        return HTTP_PATH_OK;
    }
    enum http_path_result result = http_path_normalize(encoded, form, NULL, 0, ret_path);
    if (LIKELY(result != HTTP_PATH_TOO_LONG))
        return result;
    char *out = arena_alloc(&exchange->arena, encoded.length);
    return out ? http_path_normalize(encoded, form, out, encoded.length, ret_path) : HTTP_PATH_TOO_LONG;
}

/* The bytes from the method to the end of the last header; of a rejected head, to the end of the last header
 * that was parsed. */
static struct slice head_bytes(const struct http_request *request)
{
    const char *begin = request->method_text.data;
    struct slice last = request->target;
    if (request->field_count > 0)
        last = request->fields[request->field_count - 1].value;
    return slice_make(begin, (size_t)(last.data + last.length - begin));
}

/* Copies fields and text into the arena; returns where the text is now, behind `*ret_fields`, or NULL. */
static char *copy_head(struct exchange *exchange, struct slice text, struct http_field **ret_fields)
{
    const struct http_request *request = &exchange->request;
    size_t fields_bytes = request->field_count * sizeof(struct http_field);
    /* One allocation: with two, the second might need another chunk of the arena. */
    char *room = arena_alloc(&exchange->arena, fields_bytes + text.length);
    if (room == NULL)
        return NULL;
    char *copy = room + fields_bytes;
    memcpy(room, request->fields, fields_bytes);
    memcpy(copy, text.data, text.length);
    *ret_fields = (struct http_field *)(void *)room;
    return copy;
}

int exchange_keep(struct exchange *exchange)
{
    struct http_request *request = &exchange->request;
    struct http_field *fields;
    if (exchange->is_kept)
        return 0;
    assert(request->method_text.data != NULL);
    struct slice head = head_bytes(request);
    char *copy = copy_head(exchange, head, &fields);
    if (copy == NULL)
        return -ENOMEM;
    set_kept(exchange, fields);
    if (exchange->path.data >= head.data && exchange->path.data < head.data + head.length)
        exchange->path.data = copy + (exchange->path.data - head.data);
    http_request_move(request, head.data, head.length, copy);
    return 0;
}

struct exchange *exchange_begin_copy(struct service *service, void *owner,
                                     const struct exchange_events *events, const struct peer *peer,
                                     struct list *exchanges, const struct http_request *request,
                                     struct slice text)
{
    struct exchange *exchange = exchange_create(service);
    if (exchange == NULL)
        return NULL;
    exchange->request = *request;
    char *copy = copy_head(exchange, text, &exchange->request.fields);
    if (copy == NULL) {
        pool_put(&service->exchanges, exchange);
        return NULL;
    }
    exchange->request.fields_max = exchange->request.field_count;
    exchange->is_kept = true;
    http_request_move(&exchange->request, text.data, text.length, copy);
    exchange_init(exchange, owner, events, peer, exchanges);
    return exchange;
}

int exchange_keep_all(const struct list *exchanges)
{
    LIST_FOREACH(link, exchanges) {
        int error = exchange_keep(CONTAINER_OF(link, struct exchange, link));
        if (error < 0)
            return error;
    }
    return 0;
}

/* On a thread of the pool. */
static void job_work(struct job *job)
{
    struct exchange *exchange = CONTAINER_OF(job, struct exchange, queued.job);
    timing_note_job(exchange);
    if (!atomic_load_explicit(&exchange->is_abandoned, memory_order_relaxed))
        exchange->job_work(exchange->job_context);
}

/* The job is back on the loop. `done` is always called, so that the handler can release what it holds. */
static void come_back(struct exchange *exchange)
{
    void *owner = exchange->owner;
    exchange->is_busy = false;
    timing_note_return(exchange);
    exchange->job_done(exchange->job_context);
    if (owner)
        exchange->events->on_progress(owner);
    else
        exchange_end(exchange);
}

static struct exchange *exchange_of_job(struct queued_job *queued)
{
    return CONTAINER_OF(queued, struct exchange, queued);
}

static void job_done(struct job *job)
{
    struct exchange *exchange = exchange_of_job(CONTAINER_OF(job, struct queued_job, job));
    job_queue_leave(&exchange->queued);
    come_back(exchange);
}

/* Where the owner has ended the exchange, that waits for this. */
static bool job_is_wanted(struct queued_job *queued)
{
    struct exchange *exchange = exchange_of_job(queued);
    if (exchange->events->is_there == NULL || exchange->events->is_there(exchange->owner))
        return true;
    assert(exchange->owner == NULL);
    come_back(exchange);
    return false;
}

static void on_job_refused(struct queued_job *queued)
{
    come_back(exchange_of_job(queued));
}

static const struct queued_job_events job_events = {
    .is_wanted = job_is_wanted,
    .on_refused = on_job_refused,
};

static int prepare_job(struct exchange *exchange, void (*work)(void *context), void (*done)(void *context),
                       void *context)
{
    assert(!exchange->is_busy);
    exchange->queued =
        (struct queued_job){.job = {.work = job_work, .done = job_done}, .events = &job_events};
    list_init(&exchange->queued.link);
    exchange->job_work = work;
    exchange->job_done = done;
    exchange->job_context = context;
    atomic_init(&exchange->is_abandoned, false);
    return exchange_keep(exchange);
}

static uint64_t client_of(const struct exchange *exchange)
{
    struct peer part = peer_client(exchange->client);
    return hash_bytes(&exchange->service->client_key, slice_make((const char *)&part, sizeof(part)));
}

int exchange_offload(struct exchange *exchange, struct job_queue *queue, void (*work)(void *context),
                     void (*done)(void *context), void *context)
{
    int error = prepare_job(exchange, work, done, context);
    if (error < 0)
        return error;
    if (exchange->events->on_job) {
        exchange->is_busy = true;
        exchange->events->on_job(exchange->owner, exchange);
        return 0;
    }
    /* A RST can arrive together with the request, which is read all the same. */
    if (exchange->events->has_left && exchange->events->has_left(exchange->owner))
        return -ECONNRESET;
    timing_note_queued(exchange);
    error = job_queue_submit(queue, exchange->service->loop, &exchange->queued, client_of(exchange));
    exchange->is_busy = error == 0;
    return error;
}

void exchange_wake(struct exchange *exchange)
{
    if (exchange->owner)
        exchange->events->on_progress(exchange->owner);
}

void exchange_read_content(struct exchange *exchange, struct sink *sink)
{
    assert(exchange->sink == NULL && !exchange->is_responded);
    exchange->sink = sink;
    exchange->is_watched = true;
    if (!exchange->has_content_left)
        exchange_end_content(exchange);
}

void exchange_watch(struct exchange *exchange, void (*on_gone)(struct exchange *exchange))
{
    exchange->on_gone = on_gone;
    exchange->is_watched = true;
}

void exchange_unwatch(struct exchange *exchange)
{
    exchange->on_gone = NULL;
}

void exchange_stop_reading(struct exchange *exchange)
{
    exchange->sink = NULL;
    exchange->closes |= exchange->is_responded && exchange->has_content_left;
}

void exchange_abort_content(struct exchange *exchange, enum outcome why)
{
    struct sink *sink = exchange->sink;
    exchange_stop_reading(exchange);
    if (sink)
        sink->type->abort(sink, why);
}

void exchange_end_content(struct exchange *exchange)
{
    struct sink *sink = exchange->sink;
    exchange->has_content_left = false;
    exchange->sink = NULL;
    if (sink)
        sink->type->end(sink);
}

void exchange_send_interim(struct exchange *exchange)
{
    assert(exchange->response.status >= 100 && exchange->response.status < 200);
    if (exchange->events->on_interim && !exchange->response.lacks_fields)
        exchange->events->on_interim(exchange);
}

bool exchange_pool_is_low(const struct service *service)
{
    return service->exchanges.count + service_settings(service)->limits.connections >=
           service->exchanges.count_max;
}

void exchange_begin_response(struct exchange *exchange, int status)
{
    http_response_begin(&exchange->response, status);
    if (exchange->snapshot->settings->server_field)
        exchange_add_field(exchange, HTTP_FIELD_SERVER, SLICE("vif"));
}

void exchange_add_field(struct exchange *exchange, enum http_field_name name, struct slice value)
{
    http_response_add(&exchange->response, http_field_text(name), value);
}

void exchange_add_trailer(struct exchange *exchange, struct slice name, struct slice value)
{
    static struct http_response lacking = {.lacks_fields = true};
    struct http_response *trailers = exchange->response_trailers;
    if (!http_may_trail(name) || trailers == &lacking)
        return;
    if (trailers == NULL) {
        trailers = arena_alloc(&exchange->arena, sizeof(*trailers));
        exchange->response_trailers = trailers ? trailers : &lacking;
        if (trailers == NULL)
            return;
        http_response_init(trailers, &exchange->arena);
    }
    http_response_add(trailers, name, value);
}

/* Not without TLS, where an attacker could have inserted it (RFC 6797 section 7.2). */
static void add_hsts(struct exchange *exchange)
{
    const struct site *site = exchange->route_entry->site;
    if (site && site->hsts_value.length > 0)
        exchange_add_field(exchange, HTTP_FIELD_STRICT_TRANSPORT_SECURITY, site->hsts_value);
}

/* What every response has: the id of its request; and if there is a route: HSTS, the fields of CORS, then the
 * route's edits. Some of them are the request's: the head must be written before the request's bytes go. */
static void complete_fields(struct exchange *exchange)
{
    const struct request_id_settings *request_id = &exchange->snapshot->settings->request_id;
    if (UNLIKELY(request_id->is_sent_back) && request_id->is_on)
        http_response_add(&exchange->response, request_id->header, request_id_of(exchange));
    if (exchange->route_entry == NULL)
        return;
    if (exchange->route_entry->cors != CORS_OFF)
        cors_add_headers(exchange);
    if (exchange->client->is_secure)
        add_hsts(exchange);
    const struct route *route = exchange->route_entry->route;
    for (size_t i = 0; i < route->field_edit_count; i++) {
        const struct field_edit *edit = &route->field_edits[i];
        /* What vif itself varies by goes on to count: a cache that was not told would mix up representations.
         */
        bool is_added = edit->value.data && slice_equal_nocase(edit->name, SLICE("Vary"));
        if (!is_added)
            http_response_remove(&exchange->response, edit->name);
        if (edit->value.data)
            http_response_add(&exchange->response, edit->name, edit->value);
    }
}

uint64_t exchange_content_bytes(const struct exchange *exchange)
{
    return exchange->given_bytes - MIN(exchange->given_bytes, (uint64_t)exchange->head_bytes);
}

void *exchange_source_room(struct exchange *exchange, size_t size)
{
    return size <= sizeof(exchange->source_room) ? exchange->source_room
                                                 : arena_alloc(&exchange->arena, size);
}

void exchange_drop_content(struct exchange *exchange)
{
    exchange_close_source(exchange);
    exchange->has_no_content = true;
}

static void take_source(struct exchange *exchange, struct source *source)
{
    struct http_response *response = &exchange->response;
    assert(!exchange->is_responded && exchange->source == NULL);
    response->content_length = source && !response->no_length ? source->length : 0;
    exchange->source = source;
    exchange->is_responded = true;
    if (UNLIKELY(exchange->is_kept))
        timing_note_response(exchange);
    exchange->closes |= exchange->has_content_left && exchange->sink == NULL;
    if (exchange->request.method == HTTP_METHOD_HEAD || http_status_has_no_content(response->status))
        exchange_drop_content(exchange);
}

void exchange_respond_and_keep(struct exchange *exchange, struct source *source, struct http_kept_head *keep)
{
    complete_fields(exchange);
    if (UNLIKELY(exchange->response.lacks_fields)) {
        /* A missing header may be essential, so the response becomes an error. */
        source_close(source);
        http_response_begin(&exchange->response, 503);
        source = NULL;
        keep = NULL;
    }
    take_source(exchange, source);
    exchange->events->on_respond(exchange, keep);
}

void exchange_respond(struct exchange *exchange, struct source *source)
{
    exchange_respond_and_keep(exchange, source, NULL);
}

bool exchange_respond_kept(struct exchange *exchange, int status, struct source *source,
                           struct http_kept_head *kept, bool is_sole)
{
    if (UNLIKELY(kept->length == 0) || exchange->events->on_respond_kept == NULL)
        return false;
    assert(!exchange->is_responded && exchange->source == NULL);
    exchange->response.status = status;
    exchange->response.content_length = source ? source->length : kept->content_bytes;
    exchange->source = source;
    exchange->is_responded = true;
    if (UNLIKELY(exchange->is_kept))
        timing_note_response(exchange);
    if (UNLIKELY(exchange->request.method == HTTP_METHOD_HEAD))
        exchange_drop_content(exchange);
    exchange->events->on_respond_kept(exchange, kept, is_sole);
    return true;
}

/* With an extended CONNECT the tunnel is the content of request and response; with 101 it is what follows. */
static void exchange_take_tunnel(struct exchange *exchange, struct tunnel *tunnel)
{
    bool is_content = exchange->request.method == HTTP_METHOD_CONNECT;
    exchange->response.no_length = true;
    exchange->response.status = is_content ? 200 : 101;
    if (is_content) {
        exchange->sink = &tunnel->sink;
        exchange->is_watched = true;
    }
    take_source(exchange, is_content ? &tunnel->source : NULL);
    exchange->tunnel = tunnel;
    if (is_content && !exchange->has_content_left)
        exchange_end_content(exchange);
}

void exchange_respond_tunnel(struct exchange *exchange, struct tunnel *tunnel)
{
    complete_fields(exchange);
    if (UNLIKELY(exchange->response.lacks_fields)) {
        source_close(&tunnel->source);
        http_response_begin(&exchange->response, 503);
        take_source(exchange, NULL);
    } else {
        exchange_take_tunnel(exchange, tunnel);
    }
    exchange->events->on_respond(exchange, NULL);
}

void exchange_respond_bytes(struct exchange *exchange, struct slice type, struct slice content)
{
    if (type.length)
        exchange_add_field(exchange, HTTP_FIELD_CONTENT_TYPE, type);
    exchange_respond(exchange, content.length ? source_of_memory(exchange, content) : NULL);
}
