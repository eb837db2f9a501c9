/* A response's head as every protocol engine understands it: a status and fields, without the wire.
 *
 * All slices are borrowed and must live until the head was written. Framing and Date are the engine's and are
 * not among the fields. */
#ifndef HTTP_RESPONSE_H
#define HTTP_RESPONSE_H

#include "http/field.h"

#define HTTP_RESPONSE_FIELDS_MAX 48

struct http_response_field {
    struct slice name;
    struct slice value;
};

struct http_response {
    int status;
    uint64_t content_length; /* of the content, also where it is not sent (HEAD) */
    bool no_length;          /* say no Content-Length: 204, 304 without it, and interim responses */
    unsigned field_count;
    struct http_response_field fields[HTTP_RESPONSE_FIELDS_MAX];
};

/* Without fields. */
void http_response_init(struct http_response *response, int status);

/* Adds a field line behind the others. A response that is full stays as it is: the bound is far above what
 * vif itself adds, and the configuration is checked against it. */
void http_response_add(struct http_response *response, struct slice name, struct slice value);

/* Takes out every field with this name, whatever its case. */
void http_response_remove(struct http_response *response, struct slice name);

#endif
