/* "Did you mean …?": finds the known word closest to a mistyped one. */
#ifndef CONF_NEAREST_H
#define CONF_NEAREST_H

#include "base/slice.h"

/* Keeps the best of the words offered to it. `word` is what was typed. */
struct nearest {
    struct slice word;
    struct slice best; /* data is NULL until a word is close enough */
    unsigned distance; /* of the best */
};

/* Begins a search. Only words within an edit distance of a third of the length (at least one) are close
 * enough. */
struct nearest nearest_begin(struct slice word);

/* Offers a word. The distance counts insertions, deletions, replacements and swaps of adjacent characters,
 * ignoring case. Of equally close words the first is kept. `known` must outlive the search. */
void nearest_offer(struct nearest *nearest, struct slice known);

/* Size of the longest hint. */
#define NEAREST_HINT_MAX 96

/* `; did you mean "best"?`, or nothing. */
const char *nearest_hint(const struct nearest *nearest, char buffer[NEAREST_HINT_MAX]);

#endif
