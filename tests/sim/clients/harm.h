/* What a failing call may do to answers and connections, so that each excuses no more than it can cause. Most
 * can cause nothing that a client sees: vif has another way, and must take it.
 *
 * Files that were hit are remembered by themselves; here is what hits more than one of them, and when it did
 * so the last time. */
#ifndef SIM_CLIENTS_HARM_H
#define SIM_CLIENTS_HARM_H

#include "ask.h"

enum harm {
    HARM_NONE,
    HARM_FILE_SYSTEM, /* it is unknown and taken for a slow one; the tags of its large files are weak */
    HARM_CONNECTION,  /* the one that the call was for */
    HARM_FILE,        /* it cannot be opened or read: an error in its place, an answer that is cut off */
    HARM_FILES,       /* the same, of all files */
    HARM_LISTINGS,    /* a folder cannot be read: an error in the place of its listing */
    HARM_ROOM,        /* no descriptor: clients are turned away, idle ones closed; files as above */
    HARM_POOL,        /* no job can be begun: 503 for what needs one, an answer that is cut off */
    HARM_MEMORY,      /* whatever is under way may end, and each of its kinds of harm may come of it */
    HARM_COUNT
};

struct harms {
    uint64_t last_us[HARM_COUNT]; /* and 1 more; 0: never */
};

enum harm harm_of(const struct sim_fault *fault);

/* Takes note of a fault, also of the file that it is about. */
void harms_note(struct harms *harms, struct website *website, const struct sim_fault *fault);

/* Whether there was harm of that kind since then. */
bool harms_since(const struct harms *harms, enum harm harm, uint64_t since_us);

/* An error may stand in the place of the answer, or the answer may be cut off: something has hit what it
 * needs, since then. */
bool harms_hit(const struct harms *harms, const struct ask *ask, uint64_t since_us);

/* The same for the page of an error, in whose place the standard one may stand. */
bool harms_hit_page(const struct harms *harms, const struct website *website, uint64_t since_us);

/* A connection may be closed, or turned away, though it did nothing wrong. */
bool harms_end_connections(const struct harms *harms, uint64_t since_us);

#endif
