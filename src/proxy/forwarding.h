/* Forwarding: one request on its way to a server, and the response on its way back.
 *
 * It lives in the exchange's arena, from proxy_handle until the exchange ends. The upload
 * (forwarding_upload.c) moves the request's content from the exchange's sink to the connection, the download
 * (forwarding_download.c) the response from the connection to the exchange's source. Each has a ring of
 * bytes; when a ring is full, its sender has to wait: the client by the sink's credit, the server by its
 * socket.
 *
 * A request is sent again, to the same server over a new connection or to another one, if that cannot do
 * harm:
 *  - no connection was opened, or none of the request was sent;
 *  - or nothing was answered, and repeating the method changes nothing (RFC 9110 section 9.2.2).
 * Its content must still be in the ring. */
#ifndef PROXY_FORWARDING_H
#define PROXY_FORWARDING_H

#include "base/byte_ring.h"
#include "proxy/affinity.h"
#include "proxy/proxy.h"
#include "proxy/upgrade.h"
#include "proxy/upstream_connection.h"

struct forwarding {
    struct upstream_user user; /* first */
    struct exchange *exchange;
    struct proxy *proxy;
    struct upstream_group *group;
    struct upstream *upstream; /* of the current attempt */
    struct upstream_wish wish; /* what counts for the choice of a server */
    unsigned index;            /* of the current one, in the group */
    unsigned attempts;
    bool has_place; /* at that server: see upstream_group_leave */
    struct place_waiter waiter;
    struct timer total_timer;
    struct slice upgrade; /* the protocol that the request wants to change to; empty: none */
    struct slice key;     /* Sec-WebSocket-Key, where the client has none */
    struct slice head;    /* of the request, as sent to this server; of HTTP/2: a list */
    const struct http_response_field *head_list;
    unsigned head_count;
    bool is_for_h2;                 /* it is written so */
    bool is_head_given;             /* it was passed to the carrier */
    char chunk[20];                 /* the line before content that is on its way */
    struct http_response *trailers; /* of the request; NULL: none */
    struct slice tail;              /* behind the content: the last chunk, with them; empty without chunks */
    bool is_tail_given;             /* it was passed to the carrier */
    struct sink sink;
    struct source source;
    struct byte_ring upload;
    struct byte_ring download;
    struct task wake;            /* the source can go on */
    struct timer continue_timer; /* the server should have sent "100 Continue" */
    bool is_chunked;             /* the request's content */
    bool awaits_continue;        /* from the server */
    bool is_content_whole;       /* all content of the request is in the ring, or was sent */
    bool is_replayable;          /* and none of it was released */
    bool is_answering;           /* the head of the response was given to the exchange */
    bool is_answered;            /* the response is complete */
    bool is_broken;              /* the rest of the response will not come */
    bool is_waited_for;          /* the source has returned SOURCE_WAIT */
    bool is_source_closed;
    bool is_responding; /* inside exchange_respond */
    bool must_wake;     /* the exchange, at the end of the callback */
    bool is_released;
    struct access_log_upstream log;
    uint64_t began_us;         /* of the attempt; 0: not measured */
    uint64_t began_waiting_us; /* for a server; 0: it has not waited */
    uint64_t head_us;          /* when the head of the response was complete; 0: not measured */
};

/* Answers the exchange, which has been kept, by one of the group's servers. */
void forwarding_begin(struct proxy *proxy, struct upstream_group *group, struct exchange *exchange);

/* No more of the response will come: tells the client so, by an error or by a response that is cut. */
void forwarding_fail(struct forwarding *forwarding, enum proxy_fault fault, const char *detail);

/* The server has done its part: the next request may have its place. */
void forwarding_leave_server(struct forwarding *forwarding);

/* Lets go of everything: the connection is closed unless the response is complete. */
void forwarding_release(struct forwarding *forwarding);

/* ---- upload ---- */

void upload_init(struct forwarding *forwarding);

/* Takes the request's content from the exchange. */
void upload_begin(struct forwarding *forwarding);

/* Sends the request from its beginning. */
void upload_restart(struct forwarding *forwarding);

/* Sends what there is, as far as the server takes it. */
void upload_pump(struct forwarding *forwarding);

/* The server wants the content. */
void upload_allow_content(struct forwarding *forwarding);

size_t upload_take(struct upstream_user *user, struct segment segments[UPSTREAM_SEGMENTS_MAX]);
void upload_on_sent(struct upstream_user *user);
void upload_request(struct upstream_user *user, struct h2_request *ret_request);
bool upload_pull(struct upstream_user *user, char *room, size_t bytes_max, struct h2_piece *ret_piece);

/* The server has answered: what was sent is not needed again. */
void upload_forget(struct forwarding *forwarding);

/* Whether the request can be sent once more. */
bool upload_can_restart(const struct forwarding *forwarding);

/* ---- download ---- */

void download_init(struct forwarding *forwarding);

void download_on_interim(struct upstream_user *user, const struct http_response_head *head);
bool download_on_upgrade(struct upstream_user *user, const struct http_response_head *head);
void download_on_head(struct upstream_user *user, const struct http_response_head *head);
void download_on_content(struct upstream_user *user, struct slice bytes);
void download_on_end(struct upstream_user *user, const struct http_field *trailers, unsigned count);

static inline struct forwarding *forwarding_of(struct upstream_user *user)
{
    return CONTAINER_OF(user, struct forwarding, user);
}

#endif
