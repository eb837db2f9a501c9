/* What every event loop does with a socket that is ready.
 *
 * The socket is non-blocking: recv(2) on an empty socket and send(2) on a full one fail with EAGAIN. That is
 * not an error but the answer "not now": the loop goes on with other clients, and waits for EPOLLIN or
 * EPOLLOUT. A thread would remember in its stack where it was; here the session does, as one of five states
 * (enum lab_need), and each call goes on from there:
 *
 *     BYTES --recv--> (parse, answer) --> ROOM --send--> all sent? --> BYTES
 *                                          ^-- EAGAIN: wait for EPOLLOUT
 *
 * Texts often forget the state ROOM and write(2) once: whatever does not fit into the socket's buffer (of a
 * 20 MB response about 4 MB do) is lost. They wait for EPOLLOUT always or never: always means that an idle
 * connection, whose socket has room, wakes the loop without end.
 *
 * A step is one system call. After STEPS_MAX of them, about a megabyte of a file, others have their turn. */
#include "lab/nonblocking.h"

#define STEPS_MAX 16

/* A short read says that the socket is empty, which saves the recv(2) that would say EAGAIN. Not if the
 * client's FIN has been reported: it is behind these bytes, and nobody will report it again. */
static bool receive_step(struct lab_client *client, bool peer_ended, bool *is_empty)
{
    if (*is_empty)
        return false;
    enum lab_received received = lab_client_receive(client);
    *is_empty = received == LAB_RECEIVED_ALL && !peer_ended;
    return received != LAB_RECEIVED_NOTHING;
}

/* False if nothing can be done now. */
static bool take_step(struct lab_client *client, bool peer_ended, bool *is_empty)
{
    switch (lab_session_need(&client->session)) {
    case LAB_NEEDS_BYTES: return receive_step(client, peer_ended, is_empty);
    case LAB_NEEDS_ROOM: return lab_client_send(client);
    case LAB_NEEDS_SHUTDOWN: lab_client_shut_down(client); return true;
    case LAB_NEEDS_JOB:
    case LAB_NEEDS_CLOSE: return false;
    }
    UNREACHABLE();
}

enum lab_need lab_client_advance(struct lab_client *client, struct lab_readiness *readiness)
{
    unsigned steps = 0;
    bool is_empty = false;
    bool peer_ended = readiness && readiness->peer_ended;
    while (steps < STEPS_MAX && take_step(client, peer_ended, &is_empty))
        steps++;
    if (readiness) {
        readiness->has_moved = steps > 0;
        readiness->has_more = steps == STEPS_MAX;
    }
    return lab_session_need(&client->session);
}

enum lab_need lab_client_advance_inline(struct lab_client *client, struct lab_readiness *readiness)
{
    enum lab_need need;
    while ((need = lab_client_advance(client, readiness)) == LAB_NEEDS_JOB) {
        lab_session_run_job(&client->session);
        lab_session_complete_job(&client->session);
    }
    return need;
}
