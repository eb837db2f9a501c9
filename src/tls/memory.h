/* Memory for OpenSSL. An idle session is some forty small blocks, each of which malloc makes longer by up to
 * 23 bytes, and a handshake allocates and frees seven hundred. Here small blocks of one size lie side by side
 * in slabs, with nothing between them, and are taken and given back in a few instructions. */
#ifndef TLS_MEMORY_H
#define TLS_MEMORY_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>

/* Has OpenSSL use this memory in this process and those that it forks. It is the calling thread's: blocks of
 * other threads come from malloc; any thread may free any block. Call it before OpenSSL allocates anything;
 * otherwise, with AddressSanitizer, or without enough addresses, OpenSSL goes on using malloc. */
void tls_memory_use(void);

/* Gives some slabs without blocks back to the system: call it after a peak of load, in the thread that called
 * tls_memory_use, again in the loop's next turn while it returns true. A call takes time for at most 64
 * slabs, and for each block that other threads have freed since memory was last short. */
bool tls_memory_trim(void) MUST_CHECK;

/* For tests: the bytes of all slabs. */
size_t tls_memory_bytes(void);

#endif
