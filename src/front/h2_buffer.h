/* Output buffers of HTTP/2 connections. */
#ifndef FRONT_H2_BUFFER_H
#define FRONT_H2_BUFFER_H

#include "front/h2_connection.h"

/* Most bytes of one output, which is sent by one system call, over TLS too. */
#define H2_OUTPUT_BYTES_MAX TRANSPORT_CALL_BYTES_MAX

/* Returns the front's shared buffer, or a new one while a connection holds that. NULL if out of memory. */
char *h2_buffer_get(struct front *front, size_t *ret_size);

/* Returns a buffer whose content was sent. */
void h2_buffer_put(struct front *front, char *output, size_t size);

/* The output was not sent completely: the connection keeps the buffer until h2_buffer_release. */
void h2_buffer_hold(struct h2_connection *connection, char *output, size_t size);

/* Does nothing if the connection holds no buffer. */
void h2_buffer_release(struct h2_connection *connection);

#endif
