/* --address and --port together: addresses to listen on. */
#ifndef CLI_ADDRESSES_H
#define CLI_ADDRESSES_H

#include "cli/arguments.h"

/* Puts them into the document as "listen", if either was given. An address may have a port of its own; one
 * without gets that of --port or the default one. Returns 0 or -ENOMEM. */
int addresses_apply(const struct arguments *arguments, struct document *document) MUST_CHECK;

#endif
