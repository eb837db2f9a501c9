/* "Did you mean …?": the known word that a mistyped one is closest to. */
#ifndef CONF_NEAREST_H
#define CONF_NEAREST_H

#include "base/slice.h"

/* Keeps the best of the words it is offered. `word` is what was typed. */
struct nearest {
    struct slice word;
    struct slice best; /* data is NULL until something is close enough */
    unsigned distance; /* of the best */
};

/* Nothing offered yet. Only words within a third of the length (at least one edit) are close enough. */
struct nearest nearest_begin(struct slice word);

/* The distance counts insertions, deletions, replacements and swaps of neighbours, without regard to case.
 * The first of equally near ones stays. `known` must outlive the search. */
void nearest_offer(struct nearest *nearest, struct slice known);

/* Room for a hint about words of any length that are compared. */
#define NEAREST_HINT_MAX 96

/* `; did you mean "best"?`, or nothing. */
const char *nearest_hint(const struct nearest *nearest, char buffer[NEAREST_HINT_MAX]);

#endif
