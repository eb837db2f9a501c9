/* A coroutine: a function with a stack of its own, which can stop in the middle and be taken up there again.
 *
 * All coroutines of a thread run on that thread, one at a time, each until it gives way. */
#ifndef LAB_COROUTINE_H
#define LAB_COROUTINE_H

#include "base/compiler.h"

#include <stdbool.h>

struct lab_coroutine;

/* A coroutine that will call `run` when it is resumed first; it has 64 KiB of stack, with a page below that
 * ends the process when it is touched. NULL where there is no memory or no mapping left. */
struct lab_coroutine *lab_coroutine_create(void (*run)(void *argument), void *argument) MUST_CHECK;

/* Goes on with the coroutine until it gives way; false when it has come to its end instead, and is gone. Not
 * from a coroutine. */
bool lab_coroutine_resume(struct lab_coroutine *coroutine) MUST_CHECK;

/* On a coroutine: stops here, and returns when it is resumed. */
void lab_coroutine_give_way(void);

#endif
