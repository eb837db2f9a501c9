/* The request target, the Host header and the path: RFC 9112 section 3.2, RFC 9110 section 7.2, RFC 3986.
 *
 * A target is processed in two steps. http_uri_parse splits it into parts, still encoded and borrowed.
 * http_path_normalize removes dot segments from the path and either decodes it, for access to the file
 * system, or keeps its escapes, for building another URI. */
#ifndef HTTP_URI_H
#define HTTP_URI_H

#include "base/buffer.h"
#include "http/method.h"

enum http_uri_result {
    HTTP_URI_OK,
    HTTP_URI_BAD,         /* 400: not a valid request target, or not for this method */
    HTTP_URI_MISDIRECTED, /* 421: an absolute URI whose scheme is neither http nor https */
};

enum http_scheme {
    HTTP_SCHEME_NONE, /* not named in the target: that of the connection */
    HTTP_SCHEME_HTTP,
    HTTP_SCHEME_HTTPS, /* answer 421 on a connection without TLS: RFC 9110 section 7.4 */
};

/* All slices are borrowed from the target, except for a path that the target omits. */
struct http_uri {
    enum http_scheme scheme;
    struct slice
        host; /* for absolute-form and authority-form, otherwise empty; an IPv6 address keeps its brackets */
    struct slice port;  /* digits after the host's colon; may be empty */
    struct slice path;  /* still encoded, begins with '/'; "*" for OPTIONS of the server; empty for CONNECT */
    struct slice query; /* after '?', still encoded; data is NULL if there is no '?' */
    bool path_is_normal; /* http_path_normalize returns the path as it is, in both forms */
};

/* Parses a request target. Asterisk-form is for OPTIONS, authority-form for CONNECT, the other forms for
 * all other methods. The host of an absolute-form target is never empty and never has user information
 * (RFC 9110 section 4.2.4); it replaces the Host header. Every '%' in the path must begin a valid escape.
 * In the query it need not, since vif does not decode queries; a query may contain all visible ASCII
 * except '#'. `ret_uri` is left alone unless the result is HTTP_URI_OK. */
MUST_CHECK enum http_uri_result http_uri_parse(struct slice target, enum http_method method,
                                               struct http_uri *ret_uri);

/* Splits a Host header's value into host and port: a registered name, an IPv4 address or a bracketed IPv6
 * address, and an optional port up to 65535. The empty value is valid: both are empty then (RFC 9110
 * section 7.2). Case and a trailing dot are kept. Returns false, and leaves the results alone, for
 * anything else. */
MUST_CHECK bool http_host_parse(struct slice value, struct slice *ret_host, struct slice *ret_port);

enum http_path_form {
    HTTP_PATH_DECODED, /* for file systems: escapes are decoded once */
    HTTP_PATH_ENCODED, /* for another URI: escapes are kept as the client wrote them */
};

enum http_path_result {
    HTTP_PATH_OK,
    HTTP_PATH_NO_FILE,  /* valid, but with an encoded '/', which is kept in `ret_path`: no file can have that
                           name */
    HTTP_PATH_BAD,      /* 400: no leading '/', a broken escape, or a NUL */
    HTTP_PATH_TOO_LONG, /* needs rewriting, and is longer than `out` */
};

/* Removes "." and ".." segments from a path, encoded ones too (RFC 3986 section 5.2.4; ".." at the root
 * stays at the root), and merges slashes: the result begins with '/', has no empty segment except the
 * last, and never leaves the root. Both forms have the same segments. In the decoded form, an escape may
 * yield any byte except NUL and '/', including line breaks. The encoded form contains only bytes of the
 * input, and cannot name a host ("//").
 *
 * A path that is already normalised is returned as it is; otherwise the result is in `out`, which must not
 * overlap the input and never needs more bytes than the input. `ret_path` is left alone unless the result
 * is HTTP_PATH_OK or HTTP_PATH_NO_FILE. */
MUST_CHECK enum http_path_result http_path_normalize(struct slice encoded, enum http_path_form form,
                                                     char *out, size_t out_size, struct slice *ret_path);

/* Appends a decoded path, escaping everything except unreserved characters (RFC 3986 section 2.3) and '/'.
 * The output is safe in quoted HTML and in JSON without further escaping. */
void http_path_encode(struct buffer *buffer, struct slice path);

/* Appends a query of http_uri_parse with '"', '<' and '>' escaped: an equivalent query (RFC 3986 section
 * 2.4) that cannot break out of quotes. On failure the buffer is marked as failed. */
void http_query_append(struct buffer *buffer, struct slice query);

#endif
