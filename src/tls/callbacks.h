/* The callbacks of OpenSSL during a handshake: choose the protocol, the OCSP staple, the ticket key. */
#ifndef TLS_CALLBACKS_H
#define TLS_CALLBACKS_H

#include "tls/context.h"

/* Registers them all in the context's SSL_CTX. The context must outlive its sessions' handshakes. */
void tls_callbacks_set(struct tls_context *context);

#endif
