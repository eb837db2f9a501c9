/* Which answers are right to a request. The model is written from the RFCs and vif's documentation, and
 * shares no code with what it judges.
 *
 * Where several answers are right, because a file changed between the request's first byte and the answer's
 * last, each is tried; an answer that mixes two of them fits none. */
#ifndef SIM_CLIENTS_JUDGE_H
#define SIM_CLIENTS_JUDGE_H

#include "answer.h"
#include "ask.h"

/* What else must be known to judge. */
struct circumstances {
    const struct website *website;
    const struct edition *edition; /* that the answer must be by; set by judge, and judge_editions */
    uint64_t began_from_us;        /* when the server can have seen the end of the request's head, */
    uint64_t began_until_us;       /* and when it must have, where it had the time to */
    uint64_t from_us;              /* the request's first byte */
    uint64_t files_from_us; /* the same, or before it where what is known of files is believed for a while */
    uint64_t until_us;      /* the answer's last byte */
    int64_t until_ns;       /* the same by the server's wall clock */
    bool has_fault;         /* a system call failed meanwhile: an error page may stand for the answer */
    bool has_page_fault;    /* the same for the page of an error: the standard one may stand for it */
    uint64_t fs_unknown_us; /* when a file system could not be asked the last time, and 1 more; 0: never */
    bool is_busy;           /* the server is short of something: 503 where it was needed */
    bool is_cut;            /* the answer's content ended too early: what there is of it must be right */
};

/* False, and the verdict says why, where the answer is wrong. */
bool judge(const struct ask *ask, const struct answer *answer, const struct circumstances *circumstances,
           struct verdict *verdict);

/* Whether `judges`, which is given an edition of settings in the circumstances, finds the answer right by one
 * that can have been in force when the request began. */
typedef bool judge_one(const struct ask *ask, const struct answer *answer,
                       const struct circumstances *circumstances, struct verdict *verdict);
bool judge_editions(judge_one *judges, const struct ask *ask, const struct answer *answer,
                    const struct circumstances *circumstances, struct verdict *verdict);

/* The same for what every answer must be like, and for errors: with the page of the area that the request's
 * path lies in, or the standard one, as HTML or JSON. */
bool judge_common(const struct answer *answer, const struct circumstances *circumstances,
                  struct verdict *verdict);
bool judge_error(const struct ask *ask, const struct answer *answer, int status,
                 const struct circumstances *circumstances, struct verdict *verdict);

/* The same for 408; to be given to judge_editions. */
bool judge_timeout(const struct ask *ask, const struct answer *answer,
                   const struct circumstances *circumstances, struct verdict *verdict);

/* The fields of CORS, which are those of the route, whatever the status. */
bool judge_cors(const struct ask *ask, const struct answer *answer, struct verdict *verdict);

/* A preflight to an area that says something to it. */
bool is_answered_preflight(const struct ask *ask);
bool judge_preflight(const struct ask *ask, const struct answer *answer, struct verdict *verdict);

/* The Vary fields together name these and no others, besides Origin, which is judge_cors's. */
enum vary { VARY_ACCEPT = 1, VARY_CODING = 2, VARY_PREFLIGHT = 4, VARY_ORIGIN = 8, VARY_FETCH = 16 };
bool judge_vary(const struct answer *answer, unsigned expected, struct verdict *verdict);
unsigned vary_of(const struct answer *answer, struct verdict *verdict);

/* An answer from a file of the site that may have any of its versions, or not be there. `type` is of its
 * content. */
bool judge_file(const struct ask *ask, const struct answer *answer, struct site_file *file, const char *type,
                const struct circumstances *circumstances, struct verdict *verdict);

/* The field must have that value, or must not be there where `value` is NULL. */
bool judge_field(const struct answer *answer, const char *name, const char *value, struct verdict *verdict);

bool judge_status(const struct answer *answer, int status, struct verdict *verdict);

/* The content is the version's bytes from `first` on, `length` of them. */
bool judge_bytes(struct slice content, const struct version *version, uint64_t first, uint64_t length,
                 bool is_cut, struct verdict *verdict);

/* A multipart/byteranges message that has these ranges of the version, in this order. */
struct judged_range {
    uint64_t first, last;
};
bool judge_multipart(const struct answer *answer, const struct version *version,
                     const struct judged_range *ranges, size_t count, const char *type, bool is_cut,
                     struct verdict *verdict);

#endif
