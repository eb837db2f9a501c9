/* A request as a client of the simulator sends it: its bytes, and what they ask, in terms that the oracle
 * judges the answer by. The one is made from the other and never parsed back. */
#ifndef SIM_CLIENTS_ASK_H
#define SIM_CLIENTS_ASK_H

#include "base/buffer.h"
#include "dates.h"
#include "website.h"

#include <limits.h>

#define ASK_RANGES_MAX 260
#define ASK_TAGS_MAX   3
#define ASK_PATH_MAX   200
#define ASK_BYTES_MAX  (4u << 20)

/* One spec of a Range field. */
struct ask_range {
    enum { RANGE_BETWEEN, RANGE_FROM, RANGE_LAST } kind;
    uint64_t first; /* of RANGE_LAST: how many */
    uint64_t last;
};

/* If-Match or If-None-Match. */
struct ask_tags {
    bool is_there;
    bool is_star;
    size_t count;
    char tags[ASK_TAGS_MAX][ETAG_TEXT_MAX];
};

/* A field with a date. */
struct ask_date {
    bool is_there;
    int64_t seconds;
};

/* What Accept-Encoding says of each form, in thousandths; ASK_UNSAID where nothing. */
#define ASK_UNSAID (-1)
struct ask_codings {
    bool is_there;
    int weights[FORM_COUNT];
    int others; /* "*" */
};

enum ask_end {
    ASK_ENDS,       /* the whole of it is sent */
    ASK_NEVER_ENDS, /* less content is sent than was announced, or no end of the head */
};

struct ask {
    unsigned number;             /* of all requests of the run, from 1, in its User-Agent; 0: it has none */
    const struct target *target; /* NULL: what is asked makes no sense, and is refused */
    const char *method;          /* "" where there is none to speak of */
    bool is_head;                /* the answer has no content */
    bool is_old;                 /* HTTP/1.0 */
    bool is_https;               /* it asks for a URL of https */
    bool says_close;
    bool says_keep_open; /* Connection: keep-alive */
    bool expects;        /* Expect: 100-continue, in a request that has content to go on with */
    bool has_content;

    /* The head or the framing is refused with this status, and the connection ends with it; 0: it is good. */
    int refused;
    int refused_instead; /* another status that is as right, where it depends on how bytes arrive; 0: none */
    /* This status, whatever the target is; the connection goes on. 0: as the target has it. */
    int status;
    const char *allow;         /* what a 405 must say */
    char path[ASK_PATH_MAX];   /* as it is written, but for dots and slashes that mean nothing */
    const char *query;         /* with '?'; "" where there is none */
    const char *query_escaped; /* the same, as it may stand in a URI */
    enum ask_end end;

    struct ask_tags match, none_match;
    struct ask_date modified_since, unmodified_since;
    struct ask_codings codings;
    bool wants_json;
    const char *origin;       /* NULL: none */
    bool asks_what_it_may;    /* a preflight */
    const char *asks_headers; /* of a preflight, "" where it asks for none */
    bool has_range;
    bool range_is_odd;  /* it is to be ignored: two of them, another unit */
    bool range_is_none; /* it is of bytes, but says no range */
    size_t range_count;
    struct ask_range ranges[ASK_RANGES_MAX];
    char if_range_tag[ETAG_TEXT_MAX]; /* "" where there is none */
    struct ask_date if_range_date;

    struct buffer bytes; /* head and content */
    size_t head_bytes;   /* of these */

    /* Filled in while it is sent. */
    uint64_t began_us;     /* its first byte was given to the network */
    uint64_t head_sent_us; /* the last one of its head; 0: not yet */
    uint64_t completed_us; /* its last one; 0: not yet */
    uint64_t last_sent_us; /* the last one up to now */
    bool is_over;          /* answered, or will not be */
    int answer_status;     /* of the whole answer; 0: none has come */
    uint64_t answer_bytes; /* its content */
};

/* Forgets everything, keeps nothing. */
void ask_init(struct ask *ask);
void ask_finish(struct ask *ask);

/* It will be sent over TLS: there is no fault in what asks for https. */
void ask_over_tls(struct ask *ask);

/* The request's first byte is sent; it is answered, or will not be. */
void ask_note_begin(struct ask *ask);
void ask_note_end(struct ask *ask);

/* A request that vif answers, by chance. */
void ask_make(struct ask *ask, const struct website *website, struct sim_chance *chance);

/* The same for this target. */
void ask_make_for(struct ask *ask, const struct target *target, const struct website *website,
                  struct sim_chance *chance);

/* One with content for it, which does not come to its end. */
void ask_make_half(struct ask *ask, const struct target *target, const struct website *website,
                   struct sim_chance *chance);

/* One that vif refuses, and closes behind. */
void ask_make_bad(struct ask *ask, const struct website *website, struct sim_chance *chance);

/* One whose content or head does not come to its end. */
void ask_make_endless(struct ask *ask, const struct website *website, struct sim_chance *chance);

/* One line for the trace. */
void ask_describe(const struct ask *ask, char *out, size_t size);

/* One of the texts, at random. */
const char *ask_one_of(struct sim_chance *chance, const char *const *texts, size_t count);
#define ASK_ONE_OF(chance, ...)                            \
    ask_one_of(chance, (const char *const[]){__VA_ARGS__}, \
               sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

/* A name for the Host field that is answered for. */
const char *ask_host(const struct website *website, struct sim_chance *chance);

#endif
