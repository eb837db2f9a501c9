/* The program that this process runs, another one in its place, and what that one keeps. -errno on failure.
 */
#ifndef SYS_PROGRAM_H
#define SYS_PROGRAM_H

#include "sys/socket.h"

/* Writes the absolute path of the program's file, with a NUL. Call it at the start: when the file has been
 * replaced, it has no path any more. -ENAMETOOLONG if it does not fit. */
int sys_program_find(char *out, size_t size) MUST_CHECK;

/* Runs another program in this process: execv(2). Returns only if that fails. */
int sys_program_become(const char *path, char *const *words) MUST_CHECK;

/* A copy of a descriptor that the next program keeps. Returns it. */
int sys_descriptor_pass(int fd) MUST_CHECK;

/* For a descriptor that the former program has passed on: no later one keeps it. Returns 0; -EBADF: there is
 * no such descriptor. */
int sys_descriptor_take(int fd) MUST_CHECK;

/* Makes `fd` the standard error, for a later program, too; `fd` stays open. Returns 0 or -errno. */
int sys_standard_error_set(int fd) MUST_CHECK;

/* For a listening socket that another process has opened: makes it like one of sys_listen. Returns 0; -EINVAL
 * if it is no stream socket that listens. */
int sys_listen_adopt(int fd, struct address *ret_bound) MUST_CHECK;

#endif
