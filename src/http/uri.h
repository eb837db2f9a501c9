/* The request target, the Host field and the path: RFC 9112 section 3.2, RFC 9110 section 7.2, RFC 3986.
 *
 * A target goes through two steps. http_uri_parse cuts it into pieces that are still encoded and borrowed;
 * http_path_normalize takes out the path's dots and decodes it, which is what a file system may be asked for,
 * or leaves its escapes alone, which is what another URI may be made of. */
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
 * query it may not, as nothing here decodes queries, which may be of all visible ASCII but '#'. `ret_uri` is
 * left alone unless the result is HTTP_URI_OK. */
MUST_CHECK enum http_uri_result http_uri_parse(struct slice target, enum http_method method,
                                               struct http_uri *ret_uri);

/* Cuts a Host field's value into host and port: a registered name, an IPv4 address or a bracketed IPv6
 * address, and an optional port up to 65535. The empty value is valid and gives both empty (RFC 9110
 * section 7.2). No case is changed, a final dot of a name stays. Returns false, and leaves the results alone,
 * for anything else. */
MUST_CHECK bool http_host_parse(struct slice value, struct slice *ret_host, struct slice *ret_port);

enum http_path_form {
    HTTP_PATH_DECODED, /* for file systems: escapes are decoded, once */
    HTTP_PATH_ENCODED, /* for another URI: what the client wrote, escapes and all */
};

enum http_path_result {
    HTTP_PATH_OK,
    HTTP_PATH_NO_FILE,  /* in order, but with an encoded '/', which stands in `ret_path` as it came: no file
                           can  have that name */
    HTTP_PATH_BAD,      /* 400: no leading '/', a broken escape, or a NUL */
    HTTP_PATH_TOO_LONG, /* not plainly in order, and longer than `out` */
};

/* Removes a path's "." and ".." segments, encoded ones too (RFC 3986 section 5.2.4), where ".." at the root
 * stays at the root, and merges slashes: the result begins with '/', has no empty segment but the last, and
 * never climbs. Both forms have the same segments. In the decoded one other bytes than NUL and '/' may come
 * out of an escape, line ends among them; the encoded one has no other bytes than the input, and cannot name
 * a host ("//").
 *
 * A path that is in order already is given back as it is; else the result lies in `out`, which must not
 * overlap the input and never needs more bytes than the input has. `ret_path` is left alone unless the result
 * is HTTP_PATH_OK or HTTP_PATH_NO_FILE. */
MUST_CHECK enum http_path_result http_path_normalize(struct slice encoded, enum http_path_form form,
                                                     char *out, size_t out_size, struct slice *ret_path);

/* Appends a decoded path with everything escaped that is not unreserved (RFC 3986 section 2.3) or '/'. What
 * comes out may stand in quoted HTML and in JSON without more escaping. */
void http_path_encode(struct buffer *buffer, struct slice path);

/* Appends a query as http_uri_parse cut it, with '"', '<' and '>' escaped: it is the same query (RFC 3986
 * section 2.4), and can leave no place that it is quoted in. A failure stays in the buffer. */
void http_query_append(struct buffer *buffer, struct slice query);

#endif
