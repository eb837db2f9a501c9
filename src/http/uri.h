/* The request target, the Host field and the path: RFC 9112 section 3.2, RFC 9110 section 7.2, RFC 3986.
 *
 * A target goes through two steps. http_uri_parse cuts it into pieces that are still encoded and borrowed;
 * http_path_normalize decodes the path and takes out its dots, which is what a file system may be asked for.
 */
#ifndef HTTP_URI_H
#define HTTP_URI_H

#include "base/buffer.h"
#include "http/method.h"

enum http_uri_result {
    HTTP_URI_OK,
    HTTP_URI_BAD,         /* 400: not a request target, or not one for this method */
    HTTP_URI_MISDIRECTED, /* 421: an absolute URI whose scheme is neither http nor https */
};

enum http_scheme {
    HTTP_SCHEME_NONE, /* the target names none: it is that of the connection */
    HTTP_SCHEME_HTTP,
    HTTP_SCHEME_HTTPS, /* to be refused with 421 on a connection without TLS: RFC 9110 section 7.4 */
};

/* All slices are borrowed from the target, but for a path that the target leaves out. */
struct http_uri {
    enum http_scheme scheme;
    struct slice
        host; /* absolute-form and authority-form only, else empty; an IPv6 address keeps its brackets */
    struct slice port;  /* digits behind the host's colon; may be empty */
    struct slice path;  /* still encoded, begins with '/'; "*" for OPTIONS of the server; empty for CONNECT */
    struct slice query; /* behind '?', still encoded; data is NULL where there is no '?' */
};

/* Cuts a request target. The asterisk is for OPTIONS, authority-form for CONNECT, the others for every other
 * method. An absolute-form target's host is never empty and never has user information (RFC 9110
 * section 4.2.4); it takes the place of the Host field. Every '%' in the path begins a valid escape; in the
 * query it may not, as nothing here decodes queries. `ret_uri` is left alone unless the result is
 * HTTP_URI_OK. */
MUST_CHECK enum http_uri_result http_uri_parse(struct slice target, enum http_method method,
                                               struct http_uri *ret_uri);

/* Cuts a Host field's value into host and port: a registered name, an IPv4 address or a bracketed IPv6
 * address, and an optional port up to 65535. The empty value is valid and gives both empty (RFC 9110
 * section 7.2). No case is changed, a final dot of a name stays. Returns false, and leaves the results alone,
 * for anything else. */
MUST_CHECK bool http_host_parse(struct slice value, struct slice *ret_host, struct slice *ret_port);

enum http_path_result {
    HTTP_PATH_OK,
    HTTP_PATH_BAD,      /* 400: no leading '/', a broken escape, a NUL, or an encoded '/' */
    HTTP_PATH_TOO_LONG, /* 414: not plainly in order, and longer than `out` */
};

/* Decodes the escapes of a path once, then removes its "." and ".." segments (RFC 3986 section 5.2.4), where
 * ".." at the root stays at the root, and merges slashes: the result begins with '/', has no empty segment
 * but the last, and never climbs. Other bytes than NUL and '/' may come out of an escape, line ends among
 * them.
 *
 * A path that is in order already is given back as it is; else the result lies in `out`, which must not
 * overlap the input and never needs more bytes than the input has. `ret_path` is left alone unless the result
 * is HTTP_PATH_OK. */
MUST_CHECK enum http_path_result http_path_normalize(struct slice encoded, char *out, size_t out_size,
                                                     struct slice *ret_path);

/* Appends a decoded path with everything escaped that is not unreserved (RFC 3986 section 2.3) or '/'. What
 * comes out may stand in a Location, in quoted HTML and in JSON without more escaping. A path that begins
 * with "//" would name a host there: give only what http_path_normalize could have returned. A failure stays
 * in the buffer. */
void http_path_encode(struct buffer *buffer, struct slice path);

#endif
