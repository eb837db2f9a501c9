/* What is known of entity tags: each is opaque, and belongs to the version that it came with. */
#ifndef SIM_CLIENTS_TAGS_H
#define SIM_CLIENTS_TAGS_H

#include "verdict.h"
#include "website.h"

/* Copies the tag of an ETag field out; false where it is none. */
bool tag_read(struct slice field, char out[ETAG_TEXT_MAX]);

bool tag_is_weak(const char *tag);

/* Whether two tags are the same, by the strong or by the weak comparison of RFC 9110 section 8.8.3.2. */
bool tags_match(const char *a, const char *b, bool is_strong);

/* The tag that the version, or another one with its bytes, came with; "" where none has. */
const char *tag_known(const struct form *form, const struct version *version);

/* A strong tag must be the one that the version has had before, and no other content may have had it. */
bool judge_tag(const struct form *form, const struct version *version, const char *tag,
               struct verdict *verdict);

/* The version came with this tag. */
void tag_note(struct version *version, const char *tag);

#endif
