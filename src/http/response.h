/* A response's head as every protocol engine understands it: a status and fields, without the wire.
 *
 * All slices are borrowed and must live until the head was written. Framing and Date are the engine's and are
 * not among the fields. */
#ifndef HTTP_RESPONSE_H
#define HTTP_RESPONSE_H

#include "http/field.h"

#define HTTP_RESPONSE_FIELDS_MAX 48

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
    unsigned field_count;
    struct http_response_field fields[HTTP_RESPONSE_FIELDS_MAX];
};

/* Room for the head of a response that is the same each time, but for its date. Whoever writes responses may
 * keep the head there, in the form of its protocol, and use it for the next one. */
struct http_kept_head {
    char *end;            /* of the room */
    size_t content_bytes; /* of the response's content that begin right there; 0: it is elsewhere */
    uint16_t bytes_max;   /* of the room; 0: there is none */
    uint16_t length;      /* of the head, which ends with the room; 0: none is kept */
    uint16_t date_offset; /* from the head's beginning */
    int64_t date;         /* the second that it tells */
};

/* Without fields. */
void http_response_init(struct http_response *response, int status);

/* Adds a field line behind the others. A response that is full stays as it is: the bound is far above what
 * vif itself adds, and the configuration is checked against it. */
void http_response_add(struct http_response *response, struct slice name, struct slice value);

/* Takes out every field with this name, whatever its case. */
void http_response_remove(struct http_response *response, struct slice name);

#endif
