/* A coroutine: a function with its own stack, which can be suspended in the middle and resumed there.
 *
 * All coroutines of a thread run on that thread, one at a time, each until it yields. */
#ifndef LAB_COROUTINE_H
#define LAB_COROUTINE_H

#include "base/compiler.h"

#include <stdbool.h>

struct lab_coroutine;

/* Creates a coroutine that calls `run` when it is first resumed. It has a stack of 64 KiB, with a guard page
 * below: touching that ends the process. Returns NULL if there is no memory or no mapping left. */
struct lab_coroutine *lab_coroutine_create(void (*run)(void *argument), void *argument) MUST_CHECK;

/* Runs the coroutine until it yields. Returns false if its function returned instead; it is freed then. Not
 * from inside a coroutine. */
bool lab_coroutine_resume(struct lab_coroutine *coroutine) MUST_CHECK;

/* Yields: suspends the running coroutine until it is resumed. */
void lab_coroutine_yield(void);

#endif
