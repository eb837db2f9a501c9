/* What a vif passes on to the one that takes its place: see inheritance.h for the other side. */
#ifndef PROC_UPGRADE_OFFER_H
#define PROC_UPGRADE_OFFER_H

#include "proc/upgrade.h"

/* In the process that becomes the new vif: does so. `channel_fd` and `output_fd` (its standard error) are
 * this process's. Ends the process if that fails, after printing why. */
_Noreturn void upgrade_become(const struct upgrade_offer *offer, const char *path, int channel_fd,
                              int output_fd);

#endif
