/* Combines --address and --port into addresses to listen on. */
#ifndef CLI_ADDRESSES_H
#define CLI_ADDRESSES_H

#include "cli/arguments.h"

/* Sets "listen" in the document if either flag was given. An address without a port gets that of --port or
 * the default. Returns 0 or -ENOMEM. */
int addresses_apply(const struct arguments *arguments, struct document *document) MUST_CHECK;

#endif
