/* A client: a connected socket and its session, with the two operations that all models except io_uring use:
 * receive and send. On a blocking socket they wait; on a non-blocking one they report that they would
 * block. */
#ifndef LAB_CLIENT_H
#define LAB_CLIENT_H

#include "lab/session.h"

/* Idle timeout of a connection. Textbooks omit it, but every server needs one. It is longer than the lab
 * needs to open all of its connections, however slow the model is. */
#define LAB_PATIENCE_MS 600000

/* The same for models in which an idle client keeps another from being served. */
#define LAB_SCARCE_PATIENCE_MS 5000

struct lab_client {
    int fd;
    bool is_drained;         /* the last receive did not fill the buffer: the socket is empty */
    bool peer_ended;         /* an edge-triggered event reported FIN: receive until the end */
    bool has_more;           /* lab_client_go_on stopped because its share was used up */
    uint32_t watched;        /* for the model: the events it waits for */
    unsigned slot;           /* for the model: its index in a table */
    void *own;               /* for the model, which frees it before lab_client_destroy */
    struct list queue;       /* for the model: in a list of clients with work to do */
    struct list link;        /* in the crowd */
    uint64_t last_active_ms; /* in the crowd */
    struct lab_session session;
};

/* Accepts a connection: accept4(2) with these flags. Returns NULL if it would block, or without memory or
 * descriptors. In the latter case the connection is accepted with a reserved descriptor and closed at once:
 * otherwise the listening socket would stay readable and the server would spin. */
struct lab_client *lab_accept(struct lab_site *site, int listening_fd, int flags) MUST_CHECK;

/* Creates a client for a socket that was accepted elsewhere. If out of memory it closes `fd` and returns
 * NULL. */
struct lab_client *lab_client_create(struct lab_site *site, int fd) MUST_CHECK;

/* Closes the socket and frees the client. */
void lab_client_destroy(struct lab_client *client);

/* The same for a client that the model has no room for; counts it as refused. */
void lab_client_refuse(struct lab_client *client);

/* For LAB_NEEDS_BYTES: recv(2), and passes the bytes to the session. Returns false on EAGAIN. */
bool lab_client_receive(struct lab_client *client) MUST_CHECK;

/* For LAB_NEEDS_ROOM: sends the next segments by sendmsg(2) or sendfile(2). Returns false on EAGAIN. */
bool lab_client_send(struct lab_client *client) MUST_CHECK;

/* For LAB_NEEDS_SHUTDOWN: shutdown(2). Afterwards the client's bytes are received and dropped until it
 * closes, too. */
void lab_client_shut_down(struct lab_client *client);

/* ---- for blocking sockets ---- */

/* Sets a timeout, in milliseconds, after which recv(2) and send(2) fail with EAGAIN: SO_RCVTIMEO, SO_SNDTIMEO
 * of socket(7). */
void lab_client_set_patience(struct lab_client *client, unsigned patience_ms);

/* Serves the client until it is done, in blocking calls: the thread does nothing else meanwhile. */
void lab_client_serve(struct lab_client *client);

/* ---- for non-blocking sockets ---- */

/* Receives, answers and sends until the socket would block or the session needs something other than the
 * socket. Stops after about a megabyte, in fairness to other clients, and sets has_more. Returns what the
 * session needs now. */
enum lab_need lab_client_go_on(struct lab_client *client) MUST_CHECK;

/* The same, but also does work that may block, so it never returns LAB_NEEDS_WORK. The textbooks' event loops
 * do the same: during the work all other clients wait. */
enum lab_need lab_client_go_on_here(struct lab_client *client) MUST_CHECK;

/* ---- idle timeouts ---- */

/* The clients of one event loop, the longest silent first. */
struct lab_crowd {
    struct list clients;
    struct lab_site *site;
};

void lab_crowd_init(struct lab_crowd *crowd, struct lab_site *site);

/* Adds a client, or records that it was active just now. */
void lab_crowd_note(struct lab_crowd *crowd, struct lab_client *client);

/* Returns a client whose idle timeout has expired, for the caller to destroy; call it again. NULL: none. */
struct lab_client *lab_crowd_next_silent(struct lab_crowd *crowd) MUST_CHECK;

/* ---- helpers ---- */

/* Sets or clears O_NONBLOCK. */
void lab_set_blocking(int fd, bool is_blocking);

#endif
