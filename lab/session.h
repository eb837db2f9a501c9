/* A session: a connection without I/O. It is the session of production (front/h1_session.h), which reads
 * requests out of bytes and has them answered, with what is to be sent held beside it. What it does not do is
 * wait.
 *
 * Protocol of use: ask lab_session_need, and do what it says, until it says LAB_NEEDS_CLOSE:
 *
 *   LAB_NEEDS_BYTES     bytes of the client              lab_session_receive, at their end lab_session_end
 *   LAB_NEEDS_ROOM      room in the socket               lab_session_segments, then lab_session_sent
 *   LAB_NEEDS_WORK      somebody to do what may block    lab_session_work, then lab_session_worked
 *   LAB_NEEDS_SHUTDOWN  FIN behind what was sent         shutdown(2), then lab_session_did_shut_down
 *   LAB_NEEDS_CLOSE     nothing more                     lab_session_finish
 *
 * Every server does these things. The models differ in who waits for each of them, and where.
 *
 * Responses leave in the order of their requests. It holds what it was asked for and could not send yet, an
 * unfinished request within the limits of the settings, and nothing while it is idle. */
#ifndef LAB_SESSION_H
#define LAB_SESSION_H

#include "front/h1_session.h"
#include "lab/site.h"
#include "loop/stream.h"

enum lab_need {
    LAB_NEEDS_BYTES,
    LAB_NEEDS_ROOM,
    LAB_NEEDS_WORK,
    LAB_NEEDS_SHUTDOWN,
    LAB_NEEDS_CLOSE,
};

struct lab_output;

struct lab_session {
    struct lab_site *site;
    struct h1_session h1;
    struct lab_output *output; /* what is to be sent; NULL: nothing */
    uint32_t lingered_bytes;   /* received after the farewell */
    uint8_t need;              /* enum lab_need */
    bool has_begun;            /* bytes were received */
    bool is_lingering;         /* the farewell is said: the client's bytes are dropped until its FIN */
};

/* `site` must be open and outlive the session. A session belongs to one thread at a time. */
void lab_session_init(struct lab_session *session, struct lab_site *site);

/* At any time but between lab_session_work and lab_session_worked. */
void lab_session_finish(struct lab_session *session);

static inline enum lab_need lab_session_need(const struct lab_session *session)
{
    return (enum lab_need)session->need;
}

/* LAB_NEEDS_BYTES: bytes that the client sent, at least one. They are copied as far as they are not used. */
void lab_session_receive(struct lab_session *session, struct slice bytes);

/* LAB_NEEDS_BYTES: the client sends no more. */
void lab_session_end(struct lab_session *session);

/* The socket is broken, or the client was waited for long enough: LAB_NEEDS_CLOSE from here on. */
void lab_session_break(struct lab_session *session);

/* LAB_NEEDS_ROOM: what is to be sent next, in order; at least one segment, none of them empty. They and what
 * they point to stay until the next call that changes the session. */
const struct segment *lab_session_segments(const struct lab_session *session, size_t *ret_count);

/* LAB_NEEDS_ROOM: to be asked before a part of a file is sent, or once it was read: the file is still what
 * the head of the response says that it is. Where it is not the response cannot be finished, and the session
 * breaks.
 */
bool lab_session_may_send_file(struct lab_session *session) MUST_CHECK;

/* LAB_NEEDS_ROOM: the first `count` bytes of the segments are sent. */
void lab_session_sent(struct lab_session *session, size_t count);

/* LAB_NEEDS_WORK: what may block, a look at a disk or LAB_BLOCK_PATH. On any thread; it touches nothing but
 * its own request. */
void lab_session_work(struct lab_session *session);

/* LAB_NEEDS_WORK: takes up what was worked out. */
void lab_session_worked(struct lab_session *session);

/* LAB_NEEDS_SHUTDOWN: see the top. The client sees the end of the last response, and its own late bytes meet
 * no closed socket, whose RST would take that response away from it (RFC 9112 section 9.6). */
void lab_session_did_shut_down(struct lab_session *session);

#endif
