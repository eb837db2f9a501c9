/* What proxies say about the client of a request: Forwarded (RFC 7239) and X-Forwarded-For.
 *
 * Only the grammar; whom to believe is decided in serve/forwarded.h. */
#ifndef HTTP_FORWARDED_H
#define HTTP_FORWARDED_H

#include "base/compiler.h"
#include "base/slice.h"

/* Part of a proxy's report: values without quotes; data is NULL where the parameter is missing. */
struct http_forwarded {
    struct slice client; /* "for": see http_forwarded_host */
    struct slice scheme; /* "proto" */
};

/* Takes the last element, trimmed and not empty, from the end of a list whose elements are separated by
 * commas outside of quoted strings. Returns false if nothing is left. Read from its end, a list is the same
 * whatever stands before: a proxy appends to what others may have written. */
bool http_forwarded_last(struct slice *rest, struct slice *ret_element) MUST_CHECK;

/* Reads one element of Forwarded. Returns false if it is malformed: a parameter without a value, a repeated
 * one, or a broken quoted string. Escapes in quoted strings are not supported, as no address needs them:
 * a value with one is malformed. */
bool http_forwarded_read(struct slice element, struct http_forwarded *ret_forwarded) MUST_CHECK;

/* The address of a node ("192.0.2.1", "192.0.2.1:80", "[2001:db8::1]:80", "2001:db8::1"), without its
 * brackets and port. Names such as "unknown" and "_hidden" are returned as they are. */
struct slice http_forwarded_host(struct slice node);

#endif
