/* The shield: the master counts the offences that workers report, and has the kernel drop the packets of a
 * client that has too many, until its time is over (sys/xdp.h).
 *
 * A worker may be in the hands of a stranger. What it can have blocked is bounded: `shield.addresses` clients
 * at a time, SHIELD_BLOCKS_PER_SECOND of them in a second, each for `shield.for`, and nobody who is exempt.
 * It has no descriptor of the shield. */
#ifndef PROC_SHIELD_H
#define PROC_SHIELD_H

#include "base/buffer.h"
#include "base/log.h"
#include "proc/line_limit.h"
#include "proc/offenders.h"
#include "proc/second_count.h"
#include "serve/offences.h"
#include "serve/shield_figures.h"
#include "settings/settings.h"

/* New ones, over all workers. */
#define SHIELD_BLOCKS_PER_SECOND 100

/* How often it is looked what the kernel has counted, and whose time is over. */
#define SHIELD_LOOK_MS 1000

struct shield {
    struct log *log;
    struct shield_figures *figures; /* shared with the workers */
    struct xdp xdp;
    struct xdp next;                 /* of the next settings, until they are in force */
    const struct settings *settings; /* in force */
    struct offenders offenders;
    bool is_taken_over; /* the link was another vif's, and its program runs until this one goes on */
    uint64_t look_ms;
    struct second_count recent; /* blocks */
    unsigned blocked;           /* now, as far as is known */
    uint64_t blocks;
    uint64_t offences;
    uint64_t left_out;
    struct xdp_totals totals;
    struct xdp_totals told; /* the totals when they were last logged */
    uint64_t told_ms;
    bool is_lost; /* nothing is attached any more */
    struct line_limit block_lines;
    struct line_limit full_lines;
    struct line_limit fault_lines;
};

/* Returns 0 or -ENOMEM. May be finished in any state, also a zeroed one. */
int shield_init(struct shield *shield, struct log *log) MUST_CHECK;

/* Detaches and frees everything. */
void shield_finish(struct shield *shield);

/* In a child process: closes what is the master's. */
void shield_leave(struct shield *shield);

/* Begins with what the settings say. What `inherited` has of it is taken over from another vif, whose program
 * stays in force until shield_go_on. Returns 0, or -errno after logging why not. */
int shield_begin(struct shield *shield, const struct settings *settings, struct xdp *inherited) MUST_CHECK;

/* Listens on these ports from now on. */
void shield_set_ports(struct shield *shield, const uint16_t *ports, size_t count);

/* The other vif has handed over. */
void shield_go_on(struct shield *shield);

/* Another vif has taken over: this one detaches nothing that the other has. */
void shield_hand_over(struct shield *shield);

/* For new settings: everything that may fail, which is appended to `why`; then they come into force, or do
 * not. */
int shield_prepare(struct shield *shield, const struct settings *next, struct buffer *why) MUST_CHECK;
void shield_commit(struct shield *shield, const struct settings *next);
void shield_abandon(struct shield *shield);

/* A worker reports. */
void shield_take_report(struct shield *shield, size_t worker, const struct offence *list, size_t count,
                        uint64_t now_ms);

/* Whether it never blocks that address. */
bool shield_exempts(const struct settings *settings, const struct xdp_address *address);

/* Does what is due; milliseconds until something is (-1: never). */
void shield_look(struct shield *shield, uint64_t now_ms);
int shield_wait_ms(const struct shield *shield, uint64_t now_ms);

static inline bool shield_is_on(const struct shield *shield)
{
    return shield->xdp.program_fd >= 0;
}

/* "eth0 (native)". */
void shield_print_place(const struct shield *shield, struct buffer *out);

/* Tries whether this process may load it. Returns 0 or -errno. */
int shield_try(void) MUST_CHECK;

/* Why it cannot be loaded or attached, for people. */
const char *shield_fault_text(int error);

#endif
