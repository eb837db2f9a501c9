/* Headers that are about one connection, and are not forwarded (RFC 9110 section 7.6.1). */
#ifndef PROXY_HOP_BY_HOP_H
#define PROXY_HOP_BY_HOP_H

#include "http/field.h"

/* The most names in Connection. Each header is compared with all of them, so there must be a limit. */
#define HOP_BY_HOP_NAMES_MAX 32

struct hop_by_hop {
    unsigned count;
    struct slice names[HOP_BY_HOP_NAMES_MAX]; /* that Connection has */
};

/* Collects what the Connection headers of a message name. Returns false if there are too many names. */
bool hop_by_hop_collect(struct hop_by_hop *named, const struct http_field *fields,
                        unsigned field_count) MUST_CHECK;

/* Whether the header is of its connection: one of those that always are, or one that is named. */
bool hop_by_hop_is(const struct hop_by_hop *named, const struct http_field *field);

/* Whether two names are equal, ignoring case, and after replacing '_' by '-': CGI and its relatives (WSGI,
 * PHP, Rack) cannot tell them apart. */
bool hop_by_hop_same_name(struct slice name, struct slice other);

#endif
