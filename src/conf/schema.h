/* Generates a JSON Schema (draft 2020-12) of the configuration file, for completion and checks in editors. */
#ifndef CONF_SCHEMA_H
#define CONF_SCHEMA_H

#include "base/buffer.h"

/* Appends the schema. It does not replace `vif check`, as it does not check folders or find duplicate
 * addresses and hosts. Returns 0 or -ENOMEM. */
int schema_print(struct buffer *out) MUST_CHECK;

#endif
