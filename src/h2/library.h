/* What both engines, of a server and of a client, ask of nghttp2. */
#ifndef H2_LIBRARY_H
#define H2_LIBRARY_H

#include <nghttp2/nghttp2.h>

/* Most unsent frames other than content for a peer that does not read. */
#define H2_QUEUE_MAX 4096

/* Makes options with the limits that hold for every peer; nghttp2_option_del frees them. Returns 0 or an
 * error of nghttp2. */
int h2_library_options(nghttp2_option **ret_options);

#endif
