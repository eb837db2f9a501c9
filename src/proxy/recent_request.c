/* The recent request. Storing one takes some time, which is wasted if no two are the same; so only one of
 * several is stored. Read recent_request_write first. */
#include "proxy/recent_request.h"

/* The number of other heads written before one replaces the recent one. */
#define OTHERS_MAX 16

/* The bytes of the client's head, from its method to its last value, if they and the client decide what is
 * written; otherwise empty. Without headers they would not tell the version. */
static struct slice deciding_text(const struct request_plan *plan)
{
    const struct http_request *request = plan->request;
    bool says_more = plan->id.length > 0 || plan->upgrade.length > 0 || plan->websocket_key.length > 0 ||
                     plan->expects_continue || plan->is_early || plan->certified;
    if (request->version_major != 1 || request->field_count == 0 || says_more)
        return (struct slice){0};
    struct slice last = request->fields[request->field_count - 1].value;
    const char *begin = request->method_text.data;
    return slice_make(begin, (size_t)(last.data + last.length - begin));
}

static bool recent_request_applies(const struct recent_request *recent, const struct request_plan *plan,
                                   struct slice text)
{
    return text.length > 0 && text.length == recent->text_length &&
           memcmp(text.data, recent->text, text.length) == 0 &&
           memcmp(plan->peer, &recent->peer, sizeof(recent->peer)) == 0 &&
           plan->server_authority.data == recent->server_authority.data;
}

static void recent_request_note(struct recent_request *recent, const struct request_plan *plan,
                                struct slice text, struct slice head)
{
    if (text.length == 0 || text.length > sizeof(recent->text) || head.length > sizeof(recent->head))
        return;
    if (recent->text_length > 0 && ++recent->others < OTHERS_MAX)
        return;
    recent->text_length = text.length;
    recent->head_length = head.length;
    recent->others = 0;
    recent->peer = *plan->peer;
    recent->server_authority = plan->server_authority;
    memcpy(recent->text, text.data, text.length);
    memcpy(recent->head, head.data, head.length);
}

int recent_request_write(struct recent_request *recent, const struct request_plan *plan, struct arena *arena,
                         struct slice *ret_head)
{
    struct slice text = deciding_text(plan);
    if (recent_request_applies(recent, plan, text)) {
        char *head = arena_alloc(arena, recent->head_length);
        if (head == NULL)
            return 503;
        memcpy(head, recent->head, recent->head_length);
        *ret_head = slice_make(head, recent->head_length);
        return 0;
    }
    int status = request_write(plan, arena, ret_head);
    if (status == 0)
        recent_request_note(recent, plan, text, *ret_head);
    return status;
}
