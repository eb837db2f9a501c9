/* The header of the PROXY protocol, versions 1 and 2: with it a load balancer says, before the connection's
 * first byte, who the client is (haproxy.org, proxy-protocol.txt).
 *
 * Parsing is strict: what two programs could read in two ways is an error. The checksum and the other
 * extensions (TLVs) of version 2 are skipped, but must fill their space exactly. */
#ifndef FRONT_PROXY_HEADER_H
#define FRONT_PROXY_HEADER_H

#include "base/slice.h"
#include "settings/network.h"

/* The longest header that is accepted, with all its extensions. */
#define PROXY_HEADER_BYTES_MAX 4096

enum proxy_header_result {
    PROXY_HEADER_MORE, /* incomplete, and good so far */
    PROXY_HEADER_DONE,
    PROXY_HEADER_BAD,
};

struct proxy_header {
    size_t length;                 /* of the header; what follows is the connection's content */
    struct network_address client; /* AF_UNSPEC: not given, as in a health check; it is the peer then */
    const char *fault;             /* of a bad header: "the address is malformed" */
};

/* Reads a header from the first bytes of a connection. The result for some bytes does not depend on how they
 * arrived: a bad beginning stays bad. */
enum proxy_header_result proxy_header_read(struct slice input, struct proxy_header *ret_header) MUST_CHECK;

#endif
