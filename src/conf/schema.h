/* The configuration file as a JSON Schema (draft 2020-12), for editors that complete and check while one
 * types. */
#ifndef CONF_SCHEMA_H
#define CONF_SCHEMA_H

#include "base/buffer.h"

/* Appends it. It is no substitute for `vif check`: it does not look at folders, nor for addresses and hosts
 * that stand twice. Returns 0 or -ENOMEM. */
int schema_print(struct buffer *out) MUST_CHECK;

#endif
