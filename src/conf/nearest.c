/* Edit distance with neighbour swaps (optimal string alignment), in three rows on the stack; long words are
 * not compared at all, since nobody mistypes those into an option. */
#include "conf/nearest.h"

#include <stdio.h>

#define WORD_BYTES_MAX 64

struct nearest nearest_begin(struct slice word)
{
    return (struct nearest){.word = word, .distance = 1 + (unsigned)MAX(word.length / 3, (size_t)1)};
}

static unsigned least(unsigned a, unsigned b, unsigned c)
{
    return MIN(MIN(a, b), c);
}

static unsigned edit_distance(struct slice a, struct slice b)
{
    unsigned rows[3][WORD_BYTES_MAX + 1];
    for (unsigned j = 0; j <= b.length; j++)
        rows[0][j] = j;
    for (unsigned i = 1; i <= a.length; i++) {
        unsigned *row = rows[i % 3];
        const unsigned *above = rows[(i + 2) % 3];
        const unsigned *above2 = rows[(i + 1) % 3];
        row[0] = i;
        for (unsigned j = 1; j <= b.length; j++) {
            char x = ascii_lower(a.data[i - 1]);
            char y = ascii_lower(b.data[j - 1]);
            row[j] = least(above[j] + 1, row[j - 1] + 1, above[j - 1] + (x != y));
            bool swapped =
                i > 1 && j > 1 && x == ascii_lower(b.data[j - 2]) && y == ascii_lower(a.data[i - 2]);
            if (swapped)
                row[j] = MIN(row[j], above2[j - 2] + 1);
        }
    }
    return rows[a.length % 3][b.length];
}

void nearest_offer(struct nearest *nearest, struct slice known)
{
    if (nearest->word.length == 0 || nearest->word.length > WORD_BYTES_MAX || known.length > WORD_BYTES_MAX)
        return;
    unsigned distance = edit_distance(nearest->word, known);
    if (distance < nearest->distance) {
        nearest->distance = distance;
        nearest->best = known;
    }
}

const char *nearest_hint(const struct nearest *nearest, char buffer[NEAREST_HINT_MAX])
{
    buffer[0] = '\0';
    if (nearest->best.data)
        snprintf(buffer, NEAREST_HINT_MAX, "; did you mean \"%.*s\"?", SLICE_ARGS(nearest->best));
    return buffer;
}
