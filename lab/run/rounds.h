/* Combines several rounds of a measurement: the median of each figure, so that one disturbed round does not
 * matter; the range; and the sums of counts. */
#ifndef LAB_RUN_ROUNDS_H
#define LAB_RUN_ROUNDS_H

#include "lab/run/result.h"

/* `count` is 1 to LAB_ROUNDS_MAX. Figures that no round has stay NAN. */
void rounds_combine_points(const struct lab_point *rounds, size_t count, struct lab_point *ret_point);
void rounds_combine_pairs(const struct lab_pair *rounds, size_t count, struct lab_pair *ret_pair);

#endif
