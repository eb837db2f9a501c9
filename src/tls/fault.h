/* Why OpenSSL failed, in plain words. */
#ifndef TLS_FAULT_H
#define TLS_FAULT_H

#include <openssl/types.h>

/* What the errors in this thread's queue mean, without capital and full stop; empties the queue. Never
 * NULL; lives for ever, or, of an error that vif has no words for, as long as the program's OpenSSL. */
const char *tls_fault_take(void);

/* Why a client's certificate was refused: of SSL_get_verify_result. */
const char *tls_fault_of_verification(long result);

#endif
