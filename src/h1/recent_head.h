/* Remembers a recently parsed head, in case the next ones are identical: a client that repeats a request
 * sends the same bytes each time. Comparing takes a tenth of the time of parsing.
 *
 * The meaning of a head depends only on its bytes and the limits. So for identical bytes under the same
 * limits the same request is returned, with slices into the new bytes; the result cannot be distinguished
 * from parsing.
 *
 * If a head differs, most of its lines may still be the same: a browser requests one path after the other
 * with the same headers. So each line, too, is compared before it is parsed. */
#ifndef H1_RECENT_HEAD_H
#define H1_RECENT_HEAD_H

#include "h1/h1.h"

/* Enough for a browser's head. Longer ones are parsed each time. */
#define H1_RECENT_BYTES  1024
#define H1_RECENT_FIELDS 24

struct h1_recent_head {
    size_t length; /* 0: nothing is remembered */
    struct h1_limits limits;
    const char
        *place; /* where the head was last: the slices point there, though other bytes may be there now */
    struct http_request request; /* its headers are `fields` */
    struct http_field fields[H1_RECENT_FIELDS];
    unsigned others; /* number of different heads since then */
    char bytes[H1_RECENT_BYTES];
};

/* If the input begins with the recent head, takes it as the engine would; the engine must be between two
 * requests. Otherwise, also if the head is incomplete, returns false and changes nothing. */
bool h1_recent_head_take(struct h1_recent_head *recent, struct h1 *engine, struct slice *input,
                         struct http_request *request);

/* The engine has parsed `request`, whose head ends at `end`: it may be remembered. */
void h1_recent_head_note(struct h1_recent_head *recent, const struct h1 *engine,
                         const struct http_request *request, const char *end);

/* The position in the recent head while another head is being parsed. */
struct h1_recent_lines {
    const struct h1_recent_head *recent; /* NULL: none */
    unsigned next;                       /* index of its header that is expected next */
};

/* Takes header lines from the front of `rest` that equal those of the recent head near the expected
 * position, and stores them in `fields`, at most `fields_max`. Returns their number. */
unsigned h1_recent_lines_take(struct h1_recent_lines *lines, struct slice *rest, struct http_field *fields,
                              unsigned fields_max);

/* `field` had to be parsed, because the recent head does not have it: the next lines are expected after
 * its header of the same name. */
void h1_recent_lines_pass(struct h1_recent_lines *lines, const struct http_field *field);

#endif
