/* First what needs no check: no password, none named, one that is known. Then a job checks the password, and
 * guard_checked decides. guard_pass is the function to read first.
 *
 * For a name that does not exist the hash of the first one is checked, so that the time of an answer does not
 * show which names there are. The log says neither the password nor a name that is not in the file: people
 * type passwords into the wrong field. */
#include "admin/guard.h"

#include "http/basic.h"
#include "serve/exchange.h"
#include "serve/service.h"
#include "sys/address.h"
#include "sys/password.h"

#include <stdio.h>

/* A header that is longer has no good credentials. */
#define CREDENTIALS_BYTES_MAX 1024

/* A password to be checked; in the exchange's arena. */
struct check {
    struct guard *guard;
    struct exchange *exchange;
    void (*respond)(struct exchange *exchange);
    struct peer client;            /* a copy: the connection may end before the check */
    const struct admin_user *user; /* NULL: there is no such name */
    const char *hash;              /* ends with NUL */
    struct digest digest;
    bool is_done;
    bool is_right;
    char password[PASSWORD_BYTES_MAX + 1];
};

void guard_init(struct guard *guard)
{
    *guard = (struct guard){0};
    job_queue_init(&guard->checks, 1);
}

void guard_finish(struct guard *guard)
{
    job_queue_finish(&guard->checks);
    explicit_bzero(&guard->known, sizeof(guard->known));
}

/* ---- answers ---- */

static void guard_refuse(struct exchange *exchange, int status, struct slice name, struct slice value)
{
    exchange_begin_response(exchange, status);
    exchange_add_field(exchange, HTTP_FIELD_CACHE_CONTROL, SLICE("no-store"));
    http_response_add(&exchange->response, name, value);
    exchange_respond_error(exchange);
}

/* RFC 7617 section 2.1: names and passwords are UTF-8. */
static void guard_answer_unnamed(struct exchange *exchange)
{
    guard_refuse(exchange, 401, SLICE("WWW-Authenticate"), SLICE("Basic realm=\"vif\", charset=\"UTF-8\""));
}

static void guard_answer_busy(struct exchange *exchange)
{
    guard_refuse(exchange, 503, SLICE("Retry-After"), SLICE("1"));
}

static void guard_answer_limited(struct exchange *exchange, unsigned seconds)
{
    char digits[16];
    int length = snprintf(digits, sizeof(digits), "%u", seconds);
    struct slice value = arena_copy(&exchange->arena, slice_make(digits, (size_t)length));
    if (value.data == NULL)
        exchange_fail(exchange, 503);
    else
        guard_refuse(exchange, 429, SLICE("Retry-After"), value);
}

/* ---- wrong passwords ---- */

static void guard_tell_wrong(const struct check *check)
{
    const struct service *service = check->exchange->service;
    char client[ADDRESS_TEXT_BYTES_MAX];
    struct address address = peer_address(&check->client);
    size_t length = address_format_host(&address, client);
    const struct attempts *attempts = &check->guard->attempts;
    unsigned count = attempts_of(attempts, &check->client);
    const char *limit = attempts->all.count >= ATTEMPTS_OF_ALL_MAX ? "; further ones of any client get 429"
                        : count >= PASSWORD_ATTEMPTS_MAX           ? "; further ones get 429"
                                                                   : "";
    service->counters->admin_passwords_wrong++;
    log_warning(service->log, "administration: %.*s named %s%.*s%s: attempt %u of %u in a minute%s",
                (int)length, client, check->user ? "a wrong password for \"" : "a name that does not exist",
                check->user ? (int)check->user->name.length : 0, check->user ? check->user->name.data : "",
                check->user ? "\"" : "", count, PASSWORD_ATTEMPTS_MAX, limit);
}

/* ---- checks ---- */

/* On a thread of the pool. */
static void guard_check(void *context)
{
    struct check *check = context;
    bool matches = password_matches(check->password, check->hash);
    check->is_right = matches && check->user;
    check->is_done = true;
}

/* The client may have left; what is known is worth knowing all the same. */
static void guard_checked(void *context)
{
    struct check *check = context;
    struct exchange *exchange = check->exchange;
    struct guard *guard = check->guard;
    bool has_failed = check->is_done && !check->is_right;
    explicit_bzero(check->password, sizeof(check->password));
    if (check->is_right)
        known_passwords_add(&guard->known, &check->digest, loop_now_ms(exchange->service->loop));
    if (has_failed)
        guard_tell_wrong(check);
    else
        attempts_give_back(&guard->attempts, &check->client);
    if (exchange->owner == NULL)
        return;
    if (has_failed)
        guard_answer_unnamed(exchange);
    else if (check->is_right)
        check->respond(exchange);
    else
        guard_answer_busy(exchange);
}

static const struct admin_user *guard_find_user(const struct admin_settings *settings, struct slice name)
{
    for (size_t i = 0; i < settings->user_count; i++) {
        if (slice_equal(settings->users[i].name, name))
            return &settings->users[i];
    }
    return NULL;
}

/* Returns NULL if out of memory. */
static struct check *check_create(struct exchange *exchange, const struct http_basic *basic)
{
    const struct admin_settings *settings = &exchange->route_entry->route->admin;
    struct check *check = arena_zalloc(&exchange->arena, sizeof(*check));
    if (check == NULL)
        return NULL;
    check->exchange = exchange;
    check->client = *exchange->client;
    check->user = guard_find_user(settings, basic->name);
    check->hash = (check->user ? check->user : &settings->users[0])->hash.data;
    memcpy(check->password, basic->password.data, basic->password.length);
    return check;
}

/* Returns whether the check is under way; otherwise the exchange is answered. */
static bool guard_begin_check(struct check *check)
{
    struct exchange *exchange = check->exchange;
    struct guard *guard = check->guard;
    unsigned wait_seconds =
        attempts_take(&guard->attempts, &check->client, loop_now_ms(exchange->service->loop));
    if (wait_seconds > 0) {
        guard_answer_limited(exchange, wait_seconds);
        return false;
    }
    if (exchange_offload(exchange, &guard->checks, guard_check, guard_checked, check) == 0)
        return true;
    attempts_give_back(&guard->attempts, &check->client);
    guard_answer_busy(exchange);
    return false;
}

static void guard_compare(struct guard *guard, struct exchange *exchange, const struct http_basic *basic,
                          void (*respond)(struct exchange *exchange))
{
    struct check *check = check_create(exchange, basic);
    if (check == NULL) {
        exchange_fail(exchange, 503);
        return;
    }
    check->guard = guard;
    check->respond = respond;
    check->digest =
        known_passwords_digest(&guard->known, basic->name, basic->password, slice_from(check->hash));
    bool is_known = check->user != NULL && /* not one that was removed, with a copy of the first one's hash */
                    known_passwords_have(&guard->known, &check->digest, loop_now_ms(exchange->service->loop));
    if (!is_known && guard_begin_check(check))
        return;
    explicit_bzero(check->password, sizeof(check->password));
    if (is_known)
        respond(exchange);
}

/* The value of the only such header; empty if there is none, or more than one. It is not among the names that
 * are known by number, since nobody else looks at it. */
static struct slice authorization_of(const struct http_request *request)
{
    struct slice value = {0};
    unsigned count = 0;
    for (unsigned i = 0; i < request->field_count; i++) {
        if (!slice_equal_nocase(request->fields[i].name_text, SLICE("Authorization")))
            continue;
        value = request->fields[i].value;
        count++;
    }
    return count == 1 ? value : (struct slice){0};
}

void guard_pass(struct guard *guard, struct exchange *exchange, void (*respond)(struct exchange *exchange))
{
    struct http_basic basic;
    char room[CREDENTIALS_BYTES_MAX];
    struct slice value = authorization_of(&exchange->request);
    if (exchange->route_entry->route->admin.user_count == 0)
        respond(exchange);
    else if (!http_basic_parse(value, room, sizeof(room), &basic) ||
             basic.password.length > PASSWORD_BYTES_MAX)
        guard_answer_unnamed(exchange);
    else
        guard_compare(guard, exchange, &basic, respond);
    explicit_bzero(room, sizeof(room));
}
