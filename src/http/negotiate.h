/* Content negotiation: which coding and which media type a client prefers. RFC 9110 section 12. */
#ifndef HTTP_NEGOTIATE_H
#define HTTP_NEGOTIATE_H

#include "http/request.h"

/* enum member, name on the wire; later ones are preferred if the client weighs them equally. Files are
 * compressed ahead of time at the highest level: then br is the smallest, zstd the second smallest. */
#define HTTP_CODING_TABLE(X) \
    X(IDENTITY, "identity")  \
    X(GZIP, "gzip")          \
    X(ZSTD, "zstd")          \
    X(BR, "br")

enum http_coding {
#define X(member, name) HTTP_CODING_##member,
    HTTP_CODING_TABLE(X)
#undef X
        HTTP_CODING_COUNT
};

/* The bit of a coding in a set of codings. */
#define HTTP_CODING_BIT(coding) (1u << (coding))

/* The coding's name for Content-Encoding. */
struct slice http_coding_name(enum http_coding coding);

/* Chooses one of the `available` codings (a set; identity is always in it) by the request's
 * Accept-Encoding headers: the highest weight wins, then the order of the table. Weight 0 forbids, "*"
 * stands for all that are not named, identity is allowed but last unless it is mentioned. If everything is
 * forbidden, identity is chosen: RFC 9110 section 12.5.3 permits it, and a response is more useful than
 * 406. Malformed elements are skipped. */
enum http_coding http_coding_choose(const struct http_request *request, unsigned available);

/* Whether the client prefers application/json to text/html by its Accept headers. If both have the same
 * weight, the one named more specifically wins; otherwise HTML does, also if there is no such header. */
bool http_prefers_json(const struct http_request *request);

/* Whether the client asks for a page to display, rather than for a resource used by a page: decided by
 * Sec-Fetch-Dest, otherwise by Accept, which may name HTML or leave it open. */
enum http_page_wish { HTTP_PAGE_WANTED, HTTP_PAGE_NOT_WANTED, HTTP_PAGE_UNSAID };
enum http_page_wish http_page_wish(const struct http_request *request);

#endif
