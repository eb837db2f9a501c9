/* Certificates, keys, authorities and ciphers that a configuration names, loaded as a worker would load them,
 * for `vif check`: a server that starts leaves it to its workers. */
#ifndef CONF_CERTIFICATES_H
#define CONF_CERTIFICATES_H

#include "conf/config.h"
#include "conf/diagnostics.h"
#include "conf/document.h"

/* Tells all that is to be said of them, at their place in the document that the configuration was built from.
 * Returns 0, or -ENOMEM. */
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
