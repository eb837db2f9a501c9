/* Identifies, by one number, what the settings contribute to the head of a plain response with a file.
 *
 * Such heads are stored with the file in the cache (struct http_kept_head). The cache outlives the settings
 * and is shared by all routes that serve the file, so a stored head may only be used by routes with the same
 * number as the one that it was made for. */
#ifndef SERVE_HEAD_ID_H
#define SERVE_HEAD_ID_H

#include "settings/settings.h"

/* Computes two numbers: for responses in plain text, and over TLS. They are equal if everything that enters
 * the head is equal; never 0. */
void head_ids_of(const struct settings *settings, const struct site *site, const struct route *route,
                 uint64_t ret_ids[2]);

#endif
