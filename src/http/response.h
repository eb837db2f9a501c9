/* A response's head as every protocol engine understands it: a status and fields, without the wire.
 *
 * All slices are borrowed and must live until the head was written. Framing and Date are the engine's and are
 * not among the fields. There may be as many of these as the arena has room for, which they are put into. */
#ifndef HTTP_RESPONSE_H
#define HTTP_RESPONSE_H

#include "base/arena.h"
#include "http/field.h"

/* Only its end will tell how long the content is. */
#define HTTP_LENGTH_UNKNOWN UINT64_MAX

struct http_response_field {
    struct slice name;
    struct slice value;
};

struct http_response {
    int status;
    uint64_t content_length; /* of the content, also where it is not sent (HEAD); HTTP_LENGTH_UNKNOWN */
    bool no_length;          /* say nothing of it: 204, 304 without it, and interim responses */
    bool lacks_fields;       /* there was no memory for one of them: what there is must not be sent */
    unsigned field_count;
    unsigned fields_max; /* that there is room for in `fields` */
    struct http_response_field *fields;
    struct arena *arena;
};

/* Room for the head of a response that is the same each time, but for its date. Whoever writes responses may
 * keep the head there, in one form for all protocols (front/kept_head.h), and use it for the next one. */
struct http_kept_head {
    char *end;            /* of the room */
    size_t content_bytes; /* of the response's content that begin right there; 0: it is elsewhere */
    uint16_t bytes_max;   /* of the room; 0: there is none */
    uint16_t length;      /* of the head, which ends with the room; 0: none is kept */
    uint16_t date_offset; /* from the head's beginning */
    int64_t date;         /* the second that it tells */
    /* Its fields but for the date, with names in lower case; NULL: there was no room for them. */
    const struct http_response_field *fields;
    unsigned field_count;
};

/* Its fields will lie in `arena`, which outlives it. Takes no memory. */
static inline void http_response_init(struct http_response *response, struct arena *arena)
{
    *response = (struct http_response){.arena = arena};
}

/* A status and no fields; what there was before is forgotten. */
void http_response_begin(struct http_response *response, int status);

/* Adds a field line behind the others. Without memory for it the response is marked: see lacks_fields. */
void http_response_add(struct http_response *response, struct slice name, struct slice value);

/* Takes out every field with this name, whatever its case. */
void http_response_remove(struct http_response *response, struct slice name);

#endif
