/* A head that was parsed a moment ago, in case the next ones are the same: clients that ask for one thing
 * again and again send the same bytes each time. To compare these takes a tenth of the time that parsing
 * takes.
 *
 * What a head means follows from its bytes and the limits alone. So one of the same bytes under the same
 * limits is given the same request, with slices into its own bytes, and nobody can tell the difference.
 *
 * Of a head that is another one most lines may still be the same: a browser asks for one path after the other
 * with the same fields. So each line is compared, too, before it is parsed. */
#ifndef H1_RECENT_HEAD_H
#define H1_RECENT_HEAD_H

#include "h1/h1.h"

/* That of a browser fits. Longer ones are parsed each time. */
#define H1_RECENT_BYTES  1024
#define H1_RECENT_FIELDS 24

struct h1_recent_head {
    size_t length; /* 0: there is none */
    struct h1_limits limits;
    struct http_request request; /* its slices point into `bytes`, its fields are these: */
    struct http_field fields[H1_RECENT_FIELDS];
    unsigned others; /* heads that came since then and were others */
    char bytes[H1_RECENT_BYTES];
};

/* Takes the head from the front of the input, as the engine would, which is between two requests. False, with
 * nothing changed, where it is not the recent one, or not complete. */
bool h1_recent_head_take(const struct h1_recent_head *recent, struct h1 *engine, struct slice *input,
                         struct http_request *request);

/* The engine has parsed `request`, whose head ends at `end`: it may become the recent one. */
void h1_recent_head_note(struct h1_recent_head *recent, const struct h1 *engine,
                         const struct http_request *request, const char *end);

/* How far a head that is being parsed has come beside the recent one. */
struct h1_recent_lines {
    const struct h1_recent_head *recent; /* NULL: there is none */
    unsigned next;                       /* the field of it that is expected now */
};

/* Takes whole field lines from the front of `rest` that the recent head has about there, too, into `fields`,
 * at most `fields_max`. Returns how many. */
unsigned h1_recent_lines_take(struct h1_recent_lines *lines, struct slice *rest, struct http_field *fields,
                              unsigned fields_max);

/* `field` was parsed, as it is not in the recent head: what follows is expected behind the one of its name.
 */
void h1_recent_lines_pass(struct h1_recent_lines *lines, const struct http_field *field);

#endif
