/* Checks the certificates, keys, authorities and ciphers of a configuration for `vif check`, by loading them
 * as a worker does. (A server does not use this: the master loads them at the start.) */
#ifndef CONF_CERTIFICATES_H
#define CONF_CERTIFICATES_H

#include "conf/config.h"
#include "conf/diagnostics.h"
#include "conf/document.h"

/* Adds all findings to the diagnostics, at their positions in the document that the configuration was built
 * from. Returns 0 or -ENOMEM. */
#ifdef HAVE_TLS
int config_check_certificates(const struct config *config, const struct document *document,
                              struct diagnostics *diagnostics) MUST_CHECK;
#else
static inline int config_check_certificates(const struct config *config, const struct document *document,
                                            struct diagnostics *diagnostics)
{
    (void)config, (void)document, (void)diagnostics;
    return 0;
}
#endif

#endif
