/* Error messages when the server did not start, with advice. */
#ifndef CLI_FAULT_H
#define CLI_FAULT_H

#include "proc/master.h"

#include <stdio.h>

/* Prints nothing if the fault was reported already. */
void fault_explain(const struct master_result *result, const struct config *config, FILE *out);

#endif
