/* Why the server did not start, for a person, with what to do about it. */
#ifndef CLI_FAULT_H
#define CLI_FAULT_H

#include "proc/master.h"

#include <stdio.h>

/* Prints nothing where there is nothing to add. */
void fault_explain(const struct master_result *result, const struct config *config, FILE *out);

#endif
