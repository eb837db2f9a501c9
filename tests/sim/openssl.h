/* OpenSSL in vif-sim-tls: its randomness follows from the seed and its time is the simulated clock's, so that
 * each byte of each record does, too. kernel/openssl.c has that and the server's certificates;
 * clients/wire_openssl.c is the clients' side. */
#ifndef TESTS_SIM_OPENSSL_H
#define TESTS_SIM_OPENSSL_H

#include <openssl/types.h>

/* Who issued the server's certificates, one of them with an RSA key whose signatures are slow. */
X509 *sim_openssl_root(void);

/* The name in them. */
#define SIM_OPENSSL_NAME "www.sim.test"

#endif
