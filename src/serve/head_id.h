/* What the settings put into the head of a plain response with a file, as one number.
 *
 * The head of such a response is kept with the file in the cache (struct http_kept_head), and the cache
 * outlives the settings, and is shared by all routes beneath which a file lies. A kept head may be used where
 * the number is that of the route which it was made for. */
#ifndef SERVE_HEAD_ID_H
#define SERVE_HEAD_ID_H

#include "settings/settings.h"

/* One for responses in the clear, one for those over TLS. Equal where all is equal that enters the head;
 * never 0. */
void head_ids_of(const struct settings *settings, const struct site *site, const struct route *route,
                 uint64_t ret_ids[2]);

#endif
