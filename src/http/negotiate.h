/* Content negotiation: which coding and which media type a client would rather have. RFC 9110 section 12. */
#ifndef HTTP_NEGOTIATE_H
#define HTTP_NEGOTIATE_H

#include "http/request.h"

/*  enum member, name on the wire; what stands later is the better choice where the client does not mind.
 * Files are compressed ahead of time as hard as each coding can: then br is the smallest, zstd the next. */
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

/* One bit for each coding, for sets of them. */
#define HTTP_CODING_BIT(coding) (1u << (coding))

/* The coding's name for Content-Encoding. */
struct slice http_coding_name(enum http_coding coding);

/* Chooses among the `available` codings (a set; identity counts as in it) by the request's Accept-Encoding
 * fields: the highest weight, then the order of the table. Weight 0 forbids, "*" speaks for all that are not
 * named, identity is allowed but last unless something is said of it. Identity is also what remains where all
 * is forbidden: RFC 9110 section 12.5.3 leaves the choice, and an answer serves better than 406. Malformed
 * elements are skipped. */
enum http_coding http_coding_choose(const struct http_request *request, unsigned available);

/* Whether the client, by its Accept fields, would rather have application/json than text/html. Where both
 * weigh the same, the one that is named more exactly wins; else it is HTML, as for no field at all. */
bool http_prefers_json(const struct http_request *request);

/* Whether the client asks for a page to show, rather than for something that a page needs: Sec-Fetch-Dest
 * says it, else Accept, which may name HTML, or leave it open. */
enum http_page_wish { HTTP_PAGE_WANTED, HTTP_PAGE_NOT_WANTED, HTTP_PAGE_UNSAID };
enum http_page_wish http_page_wish(const struct http_request *request);

#endif
