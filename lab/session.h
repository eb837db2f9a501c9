/* A session: a connection without I/O. It wraps vif's own session (front/h1_session.h), which parses requests
 * and has them answered, and holds the output. It never waits.
 *
 * Protocol of use: call lab_session_need and do what it says, until it returns LAB_NEEDS_CLOSE:
 *
 *   LAB_NEEDS_BYTES     bytes of the client              lab_session_receive, at their end lab_session_end
 *   LAB_NEEDS_ROOM      room in the socket               lab_session_segments, then lab_session_sent
 *   LAB_NEEDS_JOB       a thread that may block          lab_session_run_job, then lab_session_complete_job
 *   LAB_NEEDS_SHUTDOWN  FIN behind what was sent         shutdown(2), then lab_session_did_shut_down
 *   LAB_NEEDS_CLOSE     nothing more                     lab_session_finish
 *
 * Every server does these steps. The models differ in who waits for each of them, and where.
 *
 * Responses are in the order of their requests. A session holds unsent responses and an incomplete request
 * within the limits of the settings, and no memory while idle. */
#ifndef LAB_SESSION_H
#define LAB_SESSION_H

#include "front/h1_session.h"
#include "lab/site.h"
#include "loop/stream.h"

enum lab_need {
    LAB_NEEDS_BYTES,
    LAB_NEEDS_ROOM,
    LAB_NEEDS_JOB,
    LAB_NEEDS_SHUTDOWN,
    LAB_NEEDS_CLOSE,
};

struct lab_output;

struct lab_session {
    struct lab_site *site;
    struct h1_session h1;
    struct lab_output *output; /* output to send; NULL: none */
    uint32_t lingered_bytes;   /* received after shutdown(2) */
    uint8_t need;              /* enum lab_need */
    bool has_begun;            /* some bytes were received */
    bool is_lingering;         /* after shutdown(2): received bytes are dropped until FIN */
};

/* `site` must be open and outlive the session. A session belongs to one thread at a time. */
void lab_session_init(struct lab_session *session, struct lab_site *site);

/* Frees the session. Not between lab_session_run_job and lab_session_complete_job. */
void lab_session_finish(struct lab_session *session);

static inline enum lab_need lab_session_need(const struct lab_session *session)
{
    return (enum lab_need)session->need;
}

/* For LAB_NEEDS_BYTES: passes bytes from the client, at least one. Unused ones are copied. */
void lab_session_receive(struct lab_session *session, struct slice bytes);

/* For LAB_NEEDS_BYTES: the client sent FIN. */
void lab_session_end(struct lab_session *session);

/* The socket failed or a timeout expired: the session needs LAB_NEEDS_CLOSE from now on. */
void lab_session_break(struct lab_session *session);

/* For LAB_NEEDS_ROOM: the next segments to send, in order; at least one, none of them empty. They and their
 * data stay valid until the next call that changes the session. */
const struct segment *lab_session_segments(const struct lab_session *session, size_t *ret_count);

/* For LAB_NEEDS_ROOM: call it before sending a part of a file, or after reading it. Returns whether the file
 * is still the one described by the response's head. If not, the response cannot be completed and the session
 * breaks. */
bool lab_session_may_send_file(struct lab_session *session) MUST_CHECK;

/* For LAB_NEEDS_ROOM: the first `count` bytes of the segments were sent. */
void lab_session_sent(struct lab_session *session, size_t count);

/* For LAB_NEEDS_JOB: does work that may block: disk access or LAB_BLOCK_PATH. On any thread; it uses only
 * its own request. */
void lab_session_run_job(struct lab_session *session);

/* For LAB_NEEDS_JOB: processes the result of lab_session_run_job. */
void lab_session_complete_job(struct lab_session *session);

/* For LAB_NEEDS_SHUTDOWN: see the top. The client sees the end of the last response, while its late bytes do
 * not reach a closed socket, whose RST could destroy that response (RFC 9112 section 9.6). */
void lab_session_did_shut_down(struct lab_session *session);

#endif
