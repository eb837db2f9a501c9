/* The site of a run, and what is known of it: which version of which file was there when.
 *
 * The files are made by the seed, and some are replaced, written over, removed and put back while the server
 * runs. What is the right answer to a request therefore depends on time; the oracle asks here for what was
 * there in a span of it. */
#ifndef SIM_CLIENTS_WEBSITE_H
#define SIM_CLIENTS_WEBSITE_H

#include "edition.h"

#define WEBSITE_VERSIONS_MAX 48
#define WEBSITE_NEVER        UINT64_MAX

#define ETAG_TEXT_MAX 64

/* The bytes of one form of a file (itself, or compressed) from one moment to another. */
struct version {
    uint64_t key; /* of content.h */
    uint64_t size;
    int64_t modified_ns;
    uint64_t changed_us;        /* the file itself: it may come to be seen later, when a volume goes */
    uint64_t from_us, until_us; /* both included: what happens in the same microsecond has no order */
    char tag[ETAG_TEXT_MAX];    /* strong, as the server gave it; "": it has not yet */
};

/* In the order of vif's preference, the least first. */
enum form_kind { FORM_PLAIN, FORM_GZIP, FORM_ZSTD, FORM_BR, FORM_COUNT };

extern const char *const form_suffixes[FORM_COUNT]; /* ".gz" */
extern const char *const form_codings[FORM_COUNT];  /* "gzip"; "" of the file itself */

struct form {
    struct version versions[WEBSITE_VERSIONS_MAX];
    size_t count;
};

/* How a file changes while the server runs. */
enum change_kind {
    CHANGE_NEVER,
    CHANGE_REPLACE, /* another file is put in its place */
    CHANGE_WRITE,   /* it is written over as it is, the length staying */
    CHANGE_APPEND,  /* bytes are added behind its end */
    CHANGE_VANISH,  /* it goes, and comes back later */
};

struct site_file {
    const char *path; /* on the disk */
    const char *type;
    const char *cache_control; /* NULL: none */
    const struct area *area;
    enum change_kind change;
    bool is_negotiated; /* there may be compressed forms beside it */
    struct form forms[FORM_COUNT];
    struct site_file
        *moved;         /* what is there instead in editions that have moved its area; NULL: nothing is */
    unsigned readers;   /* requests for it that are under way */
    uint64_t read_us;   /* when one of them was over */
    uint64_t hit_us;    /* when a call for it failed, and 1 more; 0: never */
    uint64_t unseen_us; /* when it last changed and the server was not told, and 1 more; 0: never */
    uint64_t first_unseen_us; /* the first of such changes that followed each other closely */
};

/* Whose pages may read what some areas answer. */
#define WEBSITE_ORIGIN       "https://app.example"
#define WEBSITE_WILD_ORIGINS "https://*.wild.example:8443"

/* A route of files. */
struct area {
    const char *prefix; /* of the URL */
    const char *root;   /* on the disk */
    bool listing;
    bool hidden;
    struct site_file *fallback;   /* NULL: none */
    struct site_file *error_page; /* NULL: none */
    bool has_page_for[200];       /* by status, from 400: the error page is for that one, too */
    enum { CORS_NONE, CORS_OF_ALL, CORS_OF_SOME } cors;
};

enum target_kind {
    TARGET_FILE,     /* `file`; where that is not there, whatever `area` says to that */
    TARGET_LISTING,  /* of `members` */
    TARGET_NOTHING,  /* 404 of the area */
    TARGET_REDIRECT, /* `status`, `location` */
    TARGET_FIXED,    /* `status`, `type`, `body` */
    TARGET_SERVER,   /* "OPTIONS *" */
};

/* What a path leads to. */
struct target {
    enum target_kind kind;
    const char *url; /* in its shortest form, no byte escaped that need not be */
    const struct area *area;
    struct site_file *file;
    int status;
    const char *location; /* of a redirect: what stands before the path as it was asked for */
    unsigned left_out;    /* segments at the front of the path that the location leaves out */
    bool adds_slash;      /* at the end of the path */
    bool takes_query;
    bool is_bare_prefix; /* of a route of files */
    const char *type;    /* of the content */
    const char *body;
    bool takes_edition;         /* its body is that of the edition */
    const char *const *members; /* names, NULL behind the last */
};

#define WEBSITE_FILES_MAX   32
#define WEBSITE_TARGETS_MAX 64

struct website {
    struct area areas[2];
    struct site_file files[WEBSITE_FILES_MAX];
    size_t file_count;
    struct target targets[WEBSITE_TARGETS_MAX];
    size_t target_count;
    const struct limits *limits;     /* the least of those that may be in force */
    const struct timeouts *timeouts; /* the least, and the longest: */
    const struct timeouts *longest;
    struct editions editions;
    const char *host; /* the only one that is answered for; NULL: any */
    struct sim_event change;
    struct sim_chance chance;
    struct sim_event mount; /* or unmount: a volume comes late over a folder, and goes */
    struct sim_chance mount_chance;
    bool is_mounted;
    struct version covered[2]; /* what is beneath the volume: see website.c */
    bool is_changing;
    const struct target *favourite; /* a file that is asked for and changes more often than others; or NULL */
};

/* Makes the files on the simulated disk, and the routes in `settings`. */
void website_prepare(struct website *website, struct settings *settings);

/* The routes of an edition in settings of its own. */
void website_prepare_edition(struct website *website, size_t edition, struct settings *settings);

/* From now on files change, until website_stop. */
void website_start(struct website *website);
void website_stop(struct website *website);

/* The version was there at some time in [from_us, until_us]. */
static inline bool version_was_in(const struct version *version, uint64_t from_us, uint64_t until_us)
{
    return version->from_us <= until_us && version->until_us >= from_us;
}

/* What is not told is believed for so long: FILE_TRUST_MS, and FILE_OLD_MS while somebody looks. */
#define WEBSITE_BELIEVED_US (2 * SIM_S)

/* When the oldest version may be from that an answer to a request of `began_us` shows. */
static inline uint64_t website_oldest_us(const struct site_file *file, uint64_t began_us)
{
    if (file == NULL || file->unseen_us == 0 || began_us >= file->unseen_us + WEBSITE_BELIEVED_US)
        return began_us;
    uint64_t oldest_us = began_us - MIN(began_us, WEBSITE_BELIEVED_US);
    return MIN(began_us, MAX(oldest_us, file->first_unseen_us - 1));
}

/* There was a time in that span when the form was not there. */
bool form_was_absent(const struct form *form, uint64_t from_us, uint64_t until_us);

/* The newest version, or NULL where there is none right now. */
struct version *form_now(struct form *form);

#endif
