/* What a failing call may do to answers and connections, so that each excuses no more than it can cause. Most
 * can cause nothing that a client sees: vif has another way, and must take it.
 *
 * The kernel knows mostly for whom the server is at work (kernel/serving.c): then the harm is that
 * connection's. What hits anybody is the scene's: shedding, and what fails in a timer or a deferred task. Of
 * files each remembers for itself when it was hit, since what is found out about them is kept.
 *
 * Of each kind the last time counts, so a harm that comes again and again excuses more than one that comes
 * once. */
#ifndef SIM_CLIENTS_HARM_H
#define SIM_CLIENTS_HARM_H

#include "ask.h"

enum harm {
    HARM_NONE,
    HARM_FILE_SYSTEM, /* it is unknown and taken for a slow one; the tags of its large files are weak */
    HARM_CONNECTION,  /* it is over */
    HARM_CLOSING,     /* one that owes nothing ends earlier; it ends by RST in the place of FIN */
    HARM_FILE,        /* it cannot be opened or read: an error in its place, an answer that is cut off */
    HARM_FILES,       /* the same, of all files */
    HARM_LISTINGS,    /* a folder cannot be read: an error in the place of its listing */
    HARM_ROOM,        /* no descriptor: clients are turned away, and those closed that can be spared */
    HARM_BUSY,        /* no room: 503 for what needs it, an answer that is cut off */
    HARM_POOL,        /* no job can be begun: an error for what needs one, an answer that is cut off */
    HARM_MEMORY,      /* whatever is under way may end, and each of its kinds of harm may come of it */
    HARM_COUNT
};

struct harms {
    const struct harms *all;      /* what hits anybody; NULL: these are all */
    uint64_t last_us[HARM_COUNT]; /* and 1 more; 0: never */
};

/* When a fault ends a connection, it is so soon. */
#define HARM_ENDS_US (4 * SIM_S)

enum harm harm_of(const struct sim_fault *fault);

/* Takes note of a fault as far as it may hit anybody, also of the file that it is about. */
void harms_note(struct harms *harms, struct website *website, const struct sim_fault *fault);

/* The connection that it hits, or whose request needed what failed; NULL: nobody knows. */
static inline const struct sim_socket *harmed_socket(const struct sim_fault *fault)
{
    return fault->socket ? fault->socket : fault->served;
}

/* Takes note of a fault that hit this connection. */
void harms_note_own(struct harms *harms, const struct sim_fault *fault);

/* Whether there was harm of that kind since then. */
bool harms_since(const struct harms *harms, enum harm harm, uint64_t since_us);

/* An error may stand in the place of the answer, or the answer may be cut off: something has hit what it
 * needs, since then. */
bool harms_hit(const struct harms *harms, const struct ask *ask, uint64_t since_us);

/* The same for the page of an error, in whose place the standard one may stand. */
bool harms_hit_page(const struct harms *harms, const struct website *website, uint64_t since_us);

/* The connection, which began and ended then, may have been ended by a fault though it did nothing wrong. */
bool harms_ended(const struct harms *harms, uint64_t began_us, uint64_t ended_us);

/* The same for want of room for others. */
bool harms_shed(const struct harms *harms, uint64_t began_us, uint64_t ended_us);

#endif
