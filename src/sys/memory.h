/* Memory at addresses that were reserved before: of this process alone, or shared.
 *
 * Memory that processes share is at the same address in all of them, so that pointers into it mean the same:
 * the addresses are reserved before the first fork. Later, memory with a descriptor is mapped there in each
 * process that has the descriptor. -errno on failure. */
#ifndef SYS_MEMORY_H
#define SYS_MEMORY_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>

/* Reserves addresses, without memory behind them: `count` times `size`, or half of that, a quarter and so on
 * where addresses are limited (RLIMIT_AS, of which a quarter is taken at most), but not less than once.
 * Returns how many, or 0. */
size_t sys_memory_reserve_some(void **ret_addresses, size_t size, size_t count) MUST_CHECK;
void sys_memory_release(void *addresses, size_t size);

/* Puts private, zeroed memory behind reserved addresses; pages take room when they are first written to. */
int sys_memory_use(void *at, size_t size) MUST_CHECK;

/* Gives the pages of such memory back to the system; it stays usable, and is zeroed. */
void sys_memory_drop(void *at, size_t size);

/* Creates zeroed memory and returns its descriptor; pages take room when they are first written to. */
int sys_memory_create(size_t size) MUST_CHECK;

/* Maps such memory anywhere, for reading and writing, shared with everybody who has the descriptor. NULL if
 * that fails. */
void *sys_memory_share(int fd, size_t size) MUST_CHECK;

/* The size stays what it is, for every process: nobody can take pages away from those who have it mapped. */
void sys_memory_fix(int fd);

/* Makes it impossible for every process to write to the memory; nobody may have it mapped for writing. */
int sys_memory_seal(int fd) MUST_CHECK;

/* Maps the memory at reserved addresses, for reading, or also for writing. */
int sys_memory_map(void *at, size_t size, int fd, bool for_writing) MUST_CHECK;

/* The addresses are only reserved again. */
void sys_memory_unmap(void *at, size_t size);

#endif
