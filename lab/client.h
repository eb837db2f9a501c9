/* A client: a connected socket and the session behind it, with the two moves that all models but io_uring
 * make: receive and send. On a socket that blocks they wait; on one that does not, they say that they would
 * have to. */
#ifndef LAB_CLIENT_H
#define LAB_CLIENT_H

#include "lab/session.h"

/* A connection that says nothing for so long is closed: the textbooks leave it out, and every server learns
 * it. Longer than the lab needs to open as many connections as it tries, however slow the model is. */
#define LAB_PATIENCE_MS 600000

/* The same where a silent client keeps another from being served. */
#define LAB_SCARCE_PATIENCE_MS 5000

struct lab_client {
    int fd;
    bool is_drained;         /* the last receive brought less than it could have: the socket is empty */
    bool peer_ended;         /* an edge-triggered model was told so: receive until it shows */
    bool has_more;           /* lab_client_go_on came to the end of its share, not of what there was to do */
    uint32_t watched;        /* the model's: what it waits for */
    unsigned slot;           /* the model's: where it stands in a table */
    void *own;               /* the model's: freed by it before lab_client_destroy */
    struct list queue;       /* the model's: in a list of clients with something to do */
    struct list link;        /* in the crowd */
    uint64_t last_active_ms; /* in the crowd */
    struct lab_session session;
};

/* Accepts a connection: accept4(2) with these flags. NULL where it would have to wait, and where there was no
 * memory or no descriptor for it. In that case the client is turned away, by means of a descriptor that was
 * kept in reserve: otherwise the listening socket would be ready for ever, and its server would spin. */
struct lab_client *lab_accept(struct lab_site *site, int listening_fd, int flags) MUST_CHECK;

/* A client for a socket that was accepted otherwise. NULL where memory ran out: `fd` is closed then. */
struct lab_client *lab_client_create(struct lab_site *site, int fd) MUST_CHECK;

/* Closes the socket and frees the client. */
void lab_client_destroy(struct lab_client *client);

/* The same for a client that the model has no room for, which is counted. */
void lab_client_refuse(struct lab_client *client);

/* LAB_NEEDS_BYTES: recv(2), and the session has them. False where the socket had nothing: EAGAIN. */
bool lab_client_receive(struct lab_client *client) MUST_CHECK;

/* LAB_NEEDS_ROOM: sendmsg(2) or sendfile(2) of what comes next. False where the socket had no room: EAGAIN.
 */
bool lab_client_send(struct lab_client *client) MUST_CHECK;

/* LAB_NEEDS_SHUTDOWN: shutdown(2), after which the client's bytes are awaited and dropped until it closes,
 * too. */
void lab_client_shut_down(struct lab_client *client);

/* ---- on a socket that blocks ---- */

/* From here on recv(2) and send(2) give up after that time, with EAGAIN: SO_RCVTIMEO, SO_SNDTIMEO of
 * socket(7). */
void lab_client_set_patience(struct lab_client *client, unsigned patience_ms);

/* Serves the client to its end, in the order in which things happen: the thread does nothing else meanwhile.
 */
void lab_client_serve(struct lab_client *client);

/* ---- on a socket that does not block ---- */

/* Receives, answers and sends, until the socket has no more or takes no more, or the session needs another
 * thing than the socket; at most about a megabyte, for the others' sake: has_more says so. Returns what the
 * session needs now. */
enum lab_need lab_client_go_on(struct lab_client *client) MUST_CHECK;

/* The same, and work that may block is done here and now: never LAB_NEEDS_WORK. The textbooks' event loops
 * know no other way; while one client is worked for, all others wait. */
enum lab_need lab_client_go_on_here(struct lab_client *client) MUST_CHECK;

/* ---- who has been silent for too long ---- */

/* The clients of one event loop, the longest silent first. */
struct lab_crowd {
    struct list clients;
    struct lab_site *site;
};

void lab_crowd_init(struct lab_crowd *crowd, struct lab_site *site);

/* The client is there, or was heard of just now. */
void lab_crowd_note(struct lab_crowd *crowd, struct lab_client *client);

/* A client whose time is up: to be destroyed by the caller, who asks again. NULL: none. */
struct lab_client *lab_crowd_next_silent(struct lab_crowd *crowd) MUST_CHECK;

/* ---- small things ---- */

/* Switches O_NONBLOCK. */
void lab_set_blocking(int fd, bool is_blocking);

#endif
