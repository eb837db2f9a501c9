/* A client: a connected socket and its session, with the system calls that all models but io_uring use to
 * receive and send. On a blocking socket they wait; on a non-blocking one they report EAGAIN.
 *
 * A model that keeps more about its clients embeds this struct as the first member of its own, and passes the
 * size of that to lab_accept. */
#ifndef LAB_CLIENT_H
#define LAB_CLIENT_H

#include "lab/session.h"

/* Idle timeout of a connection. Textbooks omit it, but every server needs one. It is longer than the lab
 * needs to open all of its connections, however slow the model is. */
#define LAB_IDLE_TIMEOUT_MS 600000

/* The same for models in which an idle client keeps another from being served. */
#define LAB_SCARCE_TIMEOUT_MS 5000

struct lab_client {
    int fd;
    struct list link;        /* in a lab_idle_list, for the models that have one */
    uint64_t last_active_ms; /* the same */
    struct lab_session session;
};

/* Accepts a connection: accept4(2) with these flags. Returns `size` bytes, zero but for the struct lab_client
 * that they begin with. Returns NULL if it would block, or without memory or descriptors. Without descriptors
 * it waits for a client if the listening socket blocks, accepts it with a reserved descriptor and closes it:
 * otherwise the listening socket would stay readable and the server would spin. */
void *lab_accept(struct lab_site *site, int listening_fd, int flags, size_t size) MUST_CHECK;

/* Opens the reserved descriptor, if there is none. lab_accept does it itself; only a model that may have none
 * left before its first lab_accept must do it earlier. */
void lab_reserve_descriptor(void);

/* Creates a client, as lab_accept does, for a socket that was accepted elsewhere. If out of memory it closes
 * `fd` and returns NULL. */
void *lab_client_create(struct lab_site *site, int fd, size_t size) MUST_CHECK;

/* Closes the socket and frees the client. */
void lab_client_destroy(struct lab_client *client);

/* The same for a client that the model has no room for; counts it as refused. */
void lab_client_refuse(struct lab_client *client);

enum lab_received {
    LAB_RECEIVED_NOTHING, /* EAGAIN */
    LAB_RECEIVED_SOME,
    LAB_RECEIVED_ALL, /* less than was asked for: the socket is empty, unless a FIN came along */
};

/* For LAB_NEEDS_BYTES: recv(2), and passes the bytes to the session. */
enum lab_received lab_client_receive(struct lab_client *client);

/* For LAB_NEEDS_ROOM: sends the next segments by sendmsg(2) or sendfile(2). Returns false on EAGAIN. */
bool lab_client_send(struct lab_client *client) MUST_CHECK;

/* For LAB_NEEDS_SHUTDOWN: shutdown(2). Afterwards the client's bytes are received and dropped until it
 * closes, too. */
void lab_client_shut_down(struct lab_client *client);

/* Sets or clears O_NONBLOCK. */
void lab_set_blocking(int fd, bool is_blocking);

#endif
