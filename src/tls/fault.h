/* Error messages for failures of OpenSSL. */
#ifndef TLS_FAULT_H
#define TLS_FAULT_H

#include <openssl/types.h>

/* Describes the errors in this thread's OpenSSL queue, without capital and full stop, and empties the queue.
 * Never NULL; a string constant, of vif or of OpenSSL. */
const char *tls_fault_take(void);

/* Empties the queue. Call it before calls of OpenSSL whose result SSL_get_error is asked for. Unlike
 * ERR_clear_error, which takes 1,700 instructions, it costs almost nothing if the queue is empty. */
void tls_fault_drop(void);

/* The same about a server, of which vif is the client. */
const char *tls_fault_take_of_server(void);

/* Why a server's certificate was rejected; `result` is that of SSL_get_verify_result. */
const char *tls_fault_of_server(long result);

/* Why a client's certificate was rejected; `result` is that of SSL_get_verify_result. */
const char *tls_fault_of_verification(long result);

#endif
