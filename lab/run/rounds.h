/* What several rounds of one measurement say together: the median of each figure, so that one round which
 * something disturbed does not count; how far apart they lie; and the sum of what is counted. */
#ifndef LAB_RUN_ROUNDS_H
#define LAB_RUN_ROUNDS_H

#include "lab/run/result.h"

/* `count` is at least 1 and at most LAB_ROUNDS_MAX. Figures that no round has stay NAN. */
void rounds_combine_points(const struct lab_point *rounds, size_t count, struct lab_point *ret_point);
void rounds_combine_pairs(const struct lab_pair *rounds, size_t count, struct lab_pair *ret_pair);

#endif
