/* One client, from its first byte to the last: the state of a connection is where in this loop its thread
 * sleeps. Compare lab/nonblocking.c, where nothing may sleep and the state must be kept in a struct. */
#include "lab/blocking.h"

#include <sys/socket.h>
#include <sys/time.h>

void lab_client_set_timeout(struct lab_client *client, unsigned timeout_ms)
{
    struct timeval timeout = {.tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000};
    setsockopt(client->fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
    setsockopt(client->fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
}

void lab_client_serve(struct lab_client *client)
{
    struct lab_session *session = &client->session;
    bool has_timed_out = false;
    while (!has_timed_out) {
        switch (lab_session_need(session)) {
        case LAB_NEEDS_BYTES: has_timed_out = lab_client_receive(client) == LAB_RECEIVED_NOTHING; break;
        case LAB_NEEDS_ROOM: has_timed_out = !lab_client_send(client); break;
        case LAB_NEEDS_JOB:
            lab_session_run_job(session);
            lab_session_complete_job(session);
            break;
        case LAB_NEEDS_SHUTDOWN: lab_client_shut_down(client); break;
        case LAB_NEEDS_CLOSE: return;
        }
    }
}
