/* Error messages for failures of OpenSSL. */
#ifndef TLS_FAULT_H
#define TLS_FAULT_H

#include <openssl/types.h>

/* Describes the errors in this thread's OpenSSL queue, without capital and full stop, and empties the queue.
 * Never NULL; a string constant, of vif or of OpenSSL. */
const char *tls_fault_take(void);

/* Why a client's certificate was rejected; `result` is that of SSL_get_verify_result. */
const char *tls_fault_of_verification(long result);

#endif
