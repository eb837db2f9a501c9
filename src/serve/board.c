/* Entries are found by open addressing. An entry never becomes free again, only another server's; so whoever
 * comes to a free one knows that what it looks for is not there. */
#include "serve/board.h"

#include "base/log.h"

#include "sys/clock.h"
#include "sys/process.h"

#include <stdio.h>
#include <stdlib.h>

enum board_state { BOARD_FREE, BOARD_CLAIMED, BOARD_USED };

#define LEASE_TIME_BITS 48

#define BOARD_STATE_BITS 2
#define BOARD_STATE_MASK ((1u << BOARD_STATE_BITS) - 1)

/* All processes must get the same hash of a name. */
static const struct hash_key board_name_key = {0};

/* ---- the memory ---- */

static size_t board_bytes(size_t worker_count)
{
    return sizeof(struct board_memory) +
           BOARD_SERVERS_MAX * worker_count * (sizeof(struct board_share) + sizeof(struct board_hold)) +
           worker_count * sizeof(atomic_ullong);
}

struct board *board_create(size_t worker_count)
{
    struct board *board = calloc(1, sizeof(*board));
    if (board == NULL)
        return NULL;
    sys_random(&board->key, sizeof(board->key));
    board->worker_count = worker_count;
    board->shared = sys_shared_memory(board_bytes(worker_count));
    if (board->shared)
        return board;
    free(board);
    return NULL;
}

void board_destroy(struct board *board)
{
    if (board == NULL)
        return;
    sys_shared_memory_free(board->shared, board_bytes(board->worker_count));
    free(board);
}

struct board_share *board_share(const struct board *board, size_t server, size_t worker)
{
    assert(server < BOARD_SERVERS_MAX && worker < board->worker_count);
    return (struct board_share *)(board->shared + 1) + server * board->worker_count + worker;
}

/* Of worker 0; those of the others follow. */
static struct board_hold *holds_of_server(const struct board *board, const struct board_server *server)
{
    struct board_share *shares = (struct board_share *)(board->shared + 1);
    struct board_hold *holds = (struct board_hold *)(shares + BOARD_SERVERS_MAX * board->worker_count);
    return holds + (size_t)(server - board->shared->servers) * board->worker_count;
}

atomic_ullong *board_waiting_since(const struct board *board, size_t worker)
{
    assert(worker < board->worker_count);
    return (atomic_ullong *)holds_of_server(board, board->shared->servers + BOARD_SERVERS_MAX) + worker;
}

/* ---- workers ---- */

size_t board_workers(const struct board *board)
{
    size_t entered = atomic_load_explicit(&board->shared->entered, memory_order_relaxed);
    return MIN(entered, board->worker_count);
}

void board_enter(struct board *board, size_t worker)
{
    if (board == NULL)
        return;
    unsigned entered = board->shared->entered;
    while (entered < worker + 1 &&
           !atomic_compare_exchange_weak(&board->shared->entered, &entered, (unsigned)worker + 1))
        continue;
}

static unsigned state_of(const struct board_server *server)
{
    return server->state & BOARD_STATE_MASK;
}

static unsigned claimed_by(size_t worker)
{
    return BOARD_CLAIMED | (unsigned)worker << BOARD_STATE_BITS;
}

void board_clear_worker(struct board *board, size_t worker)
{
    unsigned long long lease = board->shared->lease;
    *board_waiting_since(board, worker) = 0;
    if (lease >> LEASE_TIME_BITS == worker)
        atomic_compare_exchange_strong(&board->shared->lease, &lease, 0);
    for (size_t i = 0; i < BOARD_SERVERS_MAX; i++) {
        struct board_server *server = &board->shared->servers[i];
        struct board_hold *hold = holds_of_server(board, server) + worker;
        if (server->state == BOARD_FREE)
            continue;
        hold->in_use = hold->references = 0;
        if (server->state == claimed_by(worker)) /* not free: see above; its name is right: see write_entry */
            server->state = BOARD_USED;
    }
}

/* ---- sums ---- */

uint32_t board_in_use(const struct board *board, const struct board_server *server)
{
    const struct board_hold *holds = server ? holds_of_server(board, server) : NULL;
    uint32_t sum = 0;
    for (size_t i = 0, count = server ? board_workers(board) : 0; i < count; i++)
        sum += atomic_load_explicit(&holds[i].in_use, memory_order_relaxed);
    return sum;
}

static bool is_referenced(const struct board *board, const struct board_server *server)
{
    const struct board_hold *holds = holds_of_server(board, server);
    for (size_t i = 0, count = board_workers(board); i < count; i++) {
        if (holds[i].references > 0)
            return true;
    }
    return false;
}

/* The attempts, each of which fails only if another worker wants the last place at the same moment. */
#define BEGIN_TRIES_MAX 100

/* Two workers that want the last place may both see one request too many, and step back. Whoever steps back
 * last sees that there is room, and tries again. */
bool board_begin_limited(struct board_place place, uint32_t limit)
{
    for (int i = 0; i < BEGIN_TRIES_MAX; i++) {
        board_hold_add(&place.hold->in_use, 1);
        atomic_thread_fence(memory_order_seq_cst);
        if (board_in_use(place.board, place.server) <= limit)
            return true;
        board_hold_add(&place.hold->in_use, -1u);
        atomic_thread_fence(memory_order_seq_cst);
        if (board_in_use(place.board, place.server) >= limit)
            return false;
    }
    return false;
}

/* ---- entries ---- */

static struct digest name_of_server(struct slice route, struct slice url)
{
    struct digest first = hash_digest(&board_name_key, route);
    struct hash_key key = {first.first, first.second};
    return hash_digest(&key, url);
}

static bool is_entry_of(const struct board_server *server, const struct digest *name)
{
    return state_of(server) == BOARD_USED && digest_equal(&server->name, name);
}

static void copy_text(char *out, size_t size, struct slice text)
{
    snprintf(out, size, "%.*s", SLICE_ARGS(slice_take(text, MIN(text.length, size - 1))));
}

/* The caller has claimed it, and may be killed at any point. Until the entry is complete its name is that of
 * nobody; before that, it is that of the former server, which others may use. */
static void write_entry(struct board *board, struct board_server *server, const struct digest *name,
                        struct slice route, struct slice url)
{
    size_t index = (size_t)(server - board->shared->servers);
    server->name = (struct digest){0};
    server->touched_ms = 0;
    atomic_thread_fence(memory_order_seq_cst);
    for (size_t i = 0, count = board_workers(board); i < count && server->url[0] != '\0'; i++)
        *board_share(board, index, i) = (struct board_share){0};
    server->hash = hash_bytes(&board_name_key, url);
    copy_text(server->route, sizeof(server->route), route);
    copy_text(server->url, sizeof(server->url), url);
    server->time_us = server->failures = server->ejections = server->health = 0;
    server->timed_ms = server->ejected_ms = server->since_ms = server->checks = server->failed_checks = 0;
    server->reason[0] = '\0';
    atomic_thread_fence(memory_order_seq_cst);
    server->name = *name;
    server->state = BOARD_USED;
}

static bool try_claim(struct board_server *server, unsigned state, size_t worker)
{
    return atomic_compare_exchange_strong(&server->state, &state, claimed_by(worker));
}

/* The entry of that name, or a free or claimed one where it may be soon; NULL: there is none. Claimed ones
 * are `passed` if their process has been killed: nobody claims for long. */
static struct board_server *board_find_entry(struct board *board, const struct digest *name,
                                             bool passes_claimed)
{
    for (size_t i = 0; i < BOARD_SERVERS_MAX; i++) {
        struct board_server *server = &board->shared->servers[(name->first + i) % BOARD_SERVERS_MAX];
        unsigned state = state_of(server);
        if (state == BOARD_FREE || (state == BOARD_CLAIMED && !passes_claimed) || is_entry_of(server, name))
            return server;
    }
    return NULL;
}

/* Of the entries that nobody uses, the one that was used longest ago. */
static struct board_server *oldest_unused(struct board *board)
{
    struct board_server *oldest = NULL;
    for (size_t i = 0; i < BOARD_SERVERS_MAX; i++) {
        struct board_server *server = &board->shared->servers[i];
        bool is_unused = server->state == BOARD_USED && !is_referenced(board, server);
        if (is_unused && (oldest == NULL || server->touched_ms < oldest->touched_ms))
            oldest = server;
    }
    return oldest;
}

/* Another worker may take a reference while this one claims the entry: then it is not replaced. */
static bool reclaim(const struct board *board, struct board_server *server, size_t worker)
{
    if (!try_claim(server, BOARD_USED, worker))
        return false;
    if (!is_referenced(board, server))
        return true;
    server->state = BOARD_USED;
    return false;
}

/* Returns the entry of that name, which another worker may have replaced meanwhile; NULL if all are in
 * use. */
static struct board_server *find_or_make(struct board *board, size_t worker, const struct digest *name,
                                         struct slice route, struct slice url, bool passes_claimed)
{
    struct board_server *server = board_find_entry(board, name, passes_claimed);
    if (server && state_of(server) != BOARD_FREE)
        return server;
    bool is_claimed = server != NULL && try_claim(server, BOARD_FREE, worker);
    if (server == NULL) {
        server = oldest_unused(board);
        is_claimed = server && reclaim(board, server, worker);
    }
    if (is_claimed)
        write_entry(board, server, name, route, url);
    return server;
}

#define BOARD_TRIES_MAX 1000

struct board_place board_get(struct board *board, size_t worker, struct slice route, struct slice url,
                             uint64_t now_ms)
{
    struct digest name = name_of_server(route, url);
    for (int i = 0; i < BOARD_TRIES_MAX; i++) {
        struct board_server *server = find_or_make(board, worker, &name, route, url, i > BOARD_TRIES_MAX / 2);
        if (server == NULL)
            break;
        struct board_hold *hold = holds_of_server(board, server) + worker;
        hold->references++;
        if (is_entry_of(server, &name)) {
            size_t index = (size_t)(server - board->shared->servers);
            server->touched_ms = now_ms;
            return (struct board_place){server, board_share(board, index, worker), hold, board};
        }
        hold->references--;
        sys_yield();
    }
    return (struct board_place){0};
}

void board_put(struct board_place place, uint64_t now_ms)
{
    if (place.server == NULL)
        return;
    assert(place.hold->references > 0);
    place.server->touched_ms = now_ms;
    place.hold->references--;
}

const struct board_server *board_find(const struct board *board, struct slice route, struct slice url)
{
    struct digest name = name_of_server(route, url);
    const struct board_server *server = board_find_entry((struct board *)board, &name, true);
    return server && is_entry_of(server, &name) ? server : NULL;
}

size_t board_next(const struct board *board, size_t from)
{
    const struct board_server *servers = board->shared->servers;
    while (from < BOARD_SERVERS_MAX &&
           (state_of(&servers[from]) != BOARD_USED || !is_referenced(board, &servers[from])))
        from++;
    return from;
}

/* ---- changes at run time ---- */

/* A sequence lock with one writer. */
static void begin_writing(struct board *board)
{
    atomic_store_explicit(&board->shared->version, board->shared->version + 1, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
}

static void end_writing(struct board *board)
{
    atomic_store_explicit(&board->shared->version, board->shared->version + 1, memory_order_release);
}

static bool is_change_of(const struct board_change *change, const struct board_change *other)
{
    return strncmp(change->route, other->route, sizeof(change->route)) == 0 &&
           strncmp(change->url, other->url, sizeof(change->url)) == 0;
}

static void drop_change(struct board_changes *changes, size_t count, size_t index)
{
    memmove(&changes->list[index], &changes->list[index + 1], (count - index - 1) * sizeof(changes->list[0]));
    changes->count = count - 1;
}

/* A server that was added and is removed again leaves nothing: so any number may come and go. */
bool board_change(struct board *board, const struct board_change *change)
{
    struct board_changes *changes = &board->shared->changes;
    size_t i = 0, count = MIN(changes->count, (size_t)BOARD_CHANGES_MAX); /* workers can write to it */
    bool is_gone = change->is_added && change->is_removed;
    while (i < count && !is_change_of(&changes->list[i], change))
        i++;
    if (i == count && (is_gone || count == BOARD_CHANGES_MAX))
        return is_gone;
    begin_writing(board);
    if (is_gone) {
        drop_change(changes, count, i);
    } else {
        changes->list[i] = *change;
        changes->count = MAX(count, i + 1);
    }
    end_writing(board);
    return true;
}

bool board_forget_changes(struct board *board)
{
    if (board->shared->changes.count == 0)
        return false;
    begin_writing(board);
    board->shared->changes.count = 0;
    end_writing(board);
    return true;
}

bool board_read_changes(const struct board *board, struct board_changes *ret_changes)
{
    unsigned version = atomic_load_explicit(&board->shared->version, memory_order_acquire);
    ret_changes->count = MIN(board->shared->changes.count, (size_t)BOARD_CHANGES_MAX);
    memcpy(ret_changes->list, board->shared->changes.list, ret_changes->count * sizeof(ret_changes->list[0]));
    atomic_thread_fence(memory_order_acquire);
    for (size_t i = 0; i < ret_changes->count; i++) { /* workers can write to it */
        ret_changes->list[i].route[BOARD_ROUTE_BYTES - 1] = '\0';
        ret_changes->list[i].url[BOARD_URL_BYTES - 1] = '\0';
    }
    return version % 2 == 0 && version == board_version(board);
}

/* ---- lists of servers ---- */

struct digest board_list_name(struct slice path)
{
    return hash_digest(&board_name_key, path);
}

static bool is_list_of(const struct board_list *list, const struct digest *name)
{
    return list->number != 0 && digest_equal(&list->name, name);
}

/* That of the name, or the one that is given up for it. */
static struct board_list *room_for_list(struct board *board, const struct digest *name)
{
    struct board_list *oldest = &board->shared->lists[0];
    for (size_t i = 0; i < BOARD_LISTS_MAX; i++) {
        struct board_list *list = &board->shared->lists[i];
        if (is_list_of(list, name))
            return list;
        if (list->number < oldest->number)
            oldest = list;
    }
    return oldest;
}

static void end_changes(struct board_changes *changes,
                        bool (*ends)(void *context, const struct board_change *change), void *context)
{
    size_t count = MIN(changes->count, (size_t)BOARD_CHANGES_MAX); /* workers can write to it */
    for (size_t i = count; i > 0; i--) {
        if (ends(context, &changes->list[i - 1]))
            drop_change(changes, count--, i - 1);
    }
}

void board_put_list(struct board *board, const struct board_list *list,
                    bool (*ends)(void *context, const struct board_change *change), void *context)
{
    struct board_list *room = room_for_list(board, &list->name);
    assert(list->count <= BOARD_LISTED_MAX);
    begin_writing(board);
    *room = *list;
    room->number = ++board->lists_put;
    end_changes(&board->shared->changes, ends, context);
    end_writing(board);
}

void board_note_list(struct board *board, const struct digest *name, bool is_named, bool is_wrong)
{
    struct board_list *list = room_for_list(board, name);
    if (!is_list_of(list, name))
        return;
    list->is_named = is_named;
    list->is_wrong = is_wrong;
}

bool board_read_list(const struct board *board, const struct digest *name, struct board_list *ret_list)
{
    unsigned version = atomic_load_explicit(&board->shared->version, memory_order_acquire);
    ret_list->number = 0;
    ret_list->count = 0;
    for (size_t i = 0; i < BOARD_LISTS_MAX && ret_list->number == 0; i++) {
        if (is_list_of(&board->shared->lists[i], name))
            *ret_list = board->shared->lists[i];
    }
    ret_list->count = MIN(ret_list->count, (size_t)BOARD_LISTED_MAX); /* workers can write to it */
    for (size_t i = 0; i < ret_list->count; i++)
        ret_list->servers[i].url[BOARD_LISTED_URL_BYTES - 1] = '\0';
    atomic_thread_fence(memory_order_acquire);
    return version % 2 == 0 && version == board_version(board);
}

/* ---- the one for all ---- */

bool board_take_lease(struct board *board, size_t worker, uint64_t now_ms)
{
    unsigned long long held = board->shared->lease;
    uint64_t holder = held >> LEASE_TIME_BITS, end_ms = held & ((UINT64_C(1) << LEASE_TIME_BITS) - 1);
    if (held != 0 && holder != worker && end_ms > now_ms)
        return false;
    unsigned long long mine = (uint64_t)worker << LEASE_TIME_BITS | (now_ms + BOARD_LEASE_MS);
    return atomic_compare_exchange_strong(&board->shared->lease, &held, mine);
}

/* ---- health ---- */

void board_set_health(struct board_server *server, enum board_health health, const char *reason,
                      uint64_t now_ms)
{
    bool is_back = health == BOARD_UP && server->health == BOARD_DOWN;
    snprintf(server->reason, sizeof(server->reason), "%s", reason);
    if (is_back) {
        server->failures = server->ejections = 0;
        server->ejected_ms = 0;
        server->since_ms = now_ms;
    }
    server->health = health;
}

/* The last byte is NUL whatever is being written, and a terminal may show the text. */
void board_reason(const struct board_server *server, char ret_reason[BOARD_REASON_BYTES])
{
    memcpy(ret_reason, server->reason, BOARD_REASON_BYTES);
    ret_reason[BOARD_REASON_BYTES - 1] = '\0';
    log_clean(ret_reason, strlen(ret_reason));
}
