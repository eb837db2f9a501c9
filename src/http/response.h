/* The head of a response, independent of the protocol version: a status and headers.
 *
 * All slices are borrowed and must stay valid until the head is written. Framing headers and Date are
 * added by the protocol engine. The number of headers is limited only by the arena they are stored in. */
#ifndef HTTP_RESPONSE_H
#define HTTP_RESPONSE_H

#include "base/arena.h"
#include "http/field.h"

/* The length of the content is not known in advance. */
#define HTTP_LENGTH_UNKNOWN UINT64_MAX

struct http_response_field {
    struct slice name;
    struct slice value;
};

struct http_response {
    int status;
    unsigned field_count;
    uint64_t content_length; /* of the content, even if it is not sent (HEAD); or HTTP_LENGTH_UNKNOWN */
    bool no_length;          /* send no Content-Length: 204, some 304, and interim responses */
    bool lacks_fields;       /* memory ran out while adding a header: the response must not be sent */
    unsigned fields_max;     /* capacity of `fields` */
    struct http_response_field *fields;
    struct arena *arena;
    struct slice date; /* of a response that another server made; data is NULL: now */
};

/* Storage for the head of a response that is the same each time except for its date. The protocol writer
 * may keep the head here, in one format for all protocols (front/kept_head.h), and reuse it for the next
 * response. */
struct http_kept_head {
    char *end;            /* of the storage */
    size_t content_bytes; /* size of the response's content if it begins right at `end`; 0: it does not */
    uint16_t bytes_max;   /* size of the storage; 0: there is none */
    uint16_t length;      /* of the head, which is stored at the end of the storage; 0: none is kept */
    uint16_t date_offset; /* from the beginning of the head */
    int64_t date;         /* the second that it shows */
    /* The headers except for the date, with names in lower case; NULL: there was no memory for them. */
    const struct http_response_field *fields;
    unsigned field_count;
};

/* Initialises the response; its headers will be stored in `arena`, which must outlive it. Allocates
 * nothing. */
static inline void http_response_init(struct http_response *response, struct arena *arena)
{
    *response = (struct http_response){.arena = arena};
}

/* Begins a response with a status and without headers; discards the previous one. */
void http_response_begin(struct http_response *response, int status);

/* Appends a header. If memory runs out, lacks_fields is set. */
void http_response_add(struct http_response *response, struct slice name, struct slice value);

/* Removes every header with this name, ignoring case. */
void http_response_remove(struct http_response *response, struct slice name);

#endif
