/* What wire.c needs of the layer between a client and its socket: the stand-in (wire_veil.c), or OpenSSL
 * (wire_openssl.c), whichever is linked. Whatever is to be sent they append to wire->outbox. */
#ifndef SIM_CLIENTS_WIRE_PARTS_H
#define SIM_CLIENTS_WIRE_PARTS_H

#include "wire.h"

/* The hello. `is_slow`: takes only signatures that are slow to make. */
void wire_layer_begin(struct wire *wire, unsigned protocol, bool resumes, bool is_slow);
void wire_layer_end(struct wire *wire);

/* One record of content. */
void wire_layer_seal(struct wire *wire, struct slice content);

/* Changes our key; `asks`: and asks the server to change its own. */
void wire_layer_change_key(struct wire *wire, bool asks);

/* close_notify. */
void wire_layer_close(struct wire *wire);

/* Bytes that came; their content goes to wire->plain. */
void wire_layer_take(struct wire *wire, struct slice bytes);

/* ---- for the layers ---- */

/* The handshake is complete. */
void wire_opened(struct wire *wire);

/* Nothing more can be understood; without a fault that may be the reason, the server is blamed. */
void wire_broken(struct wire *wire, const char *what);

#endif
