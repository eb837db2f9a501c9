/* The bytes of the simulated files. Each is a function of a key and its position, so that any byte of any
 * version can be told right from wrong without keeping it, and no two versions agree over more than a few. */
#ifndef SIM_CLIENTS_CONTENT_H
#define SIM_CLIENTS_CONTENT_H

#include "base/slice.h"

/* A key for a version of a file: every part makes another one. */
uint64_t content_key(struct slice path, uint64_t version, struct slice coding);

/* Writes the bytes at [offset, offset + length). */
void content_fill(char *out, uint64_t key, uint64_t offset, size_t length);

/* How many bytes from the front are those that stand at `offset`; `bytes.length` when all are. */
size_t content_match(struct slice bytes, uint64_t key, uint64_t offset);

#endif
