/* Versions of nghttp2 before 1.57 lack some of the library's limits, though distributions have backported
 * them; our own limits (floods.c) do not need them. */
#include "h2/library.h"

/* Our own limit applies first (see on_continuation); that of nghttp2, if it has one, also counts frame
 * headers that arrive in two reads. */
#define LIBRARY_CONTINUATIONS_MAX 64

/* Most settings in one frame: about a dozen are defined. */
#define SETTINGS_MAX 32

/* Most unsent answers to PING and SETTINGS for a peer that does not read. */
#define WAITING_ANSWERS_MAX 256

/* Largest HPACK table for headers that we send; also the default of RFC 7541. */
#define TABLE_BYTES 4096

int h2_library_options(nghttp2_option **ret_options)
{
    nghttp2_option *options;
    int error = nghttp2_option_new(&options);
    if (error)
        return error;
    nghttp2_option_set_no_auto_window_update(options, 1);
    nghttp2_option_set_no_closed_streams(options, 1);
    nghttp2_option_set_max_outbound_ack(options, WAITING_ANSWERS_MAX);
    nghttp2_option_set_max_settings(options, SETTINGS_MAX);
    nghttp2_option_set_max_deflate_dynamic_table_size(options, TABLE_BYTES);
#ifdef HAVE_NGHTTP2_OPTION_SET_MAX_CONTINUATIONS
    nghttp2_option_set_max_continuations(options, LIBRARY_CONTINUATIONS_MAX);
#endif
    *ret_options = options;
    return 0;
}
