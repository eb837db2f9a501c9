/* The parts of a reload: its states (reload.c), the process that reads (reload_reader.c), the workers that
 * take (reload_workers.c), and what comes of it (reload_watch.c). */
#ifndef PROC_RELOAD_INTERNAL_H
#define PROC_RELOAD_INTERNAL_H

#include "proc/reload.h"
#include "proc/supervisor.h"

/* Starts the reader, which fills the memory of reload->next. Returns 0 or -errno. */
int reload_reader_start(struct reload *reload) MUST_CHECK;

/* Its pipe is not watched any more. */
void reload_reader_forget(struct reload *reload);

/* Whether a worker can take a generation now. */
bool reload_can_ask(const struct reload *reload, size_t number);

/* Asks a worker to take a generation, with what it needs for it. Returns 0 or -errno. */
int reload_ask(struct reload *reload, size_t number, const struct master_generation *generation) MUST_CHECK;

/* Asks all workers that have not the current generation and are to be asked now. */
void reload_ask_all(struct reload *reload, uint64_t now_ms);

/* Whether the answer of a worker decides how the reload ends. */
bool reload_awaits(const struct reload *reload, size_t number);

/* Says what is wrong with a worker that has not the current generation; returns whether it has refused it. */
bool reload_describe_worker(const struct reload *reload, size_t number, struct buffer *text);

/* When a worker has to be asked again; UINT64_MAX: never. */
uint64_t reload_next_retry(const struct reload *reload);

/* ---- reload.c ---- */

/* Nothing else changes the state. */
void reload_set_state(struct reload *reload, enum reload_state state);

/* Closes the memory. */
void reload_drop(struct master_generation *generation);

/* Has the reader make the next generation. */
void reload_read_anew(struct reload *reload);

/* reload->next and reload->config are there: has the workers take them. */
void reload_prepare(struct reload *reload);

void reload_end_now(struct reload *reload, enum reload_result result, const struct buffer *text);

/* ---- reload_watch.c ---- */

/* So often the figures are looked at. */
#define RELOAD_WATCH_LOOK_MS 200

/* The next generation comes into force: keeps the current one, if the reload is watched. */
void reload_watch_keep(struct reload *reload);

/* A reload has ended: whether it goes on here, being watched, or ends otherwise. */
bool reload_watch_takes(struct reload *reload, enum reload_result result, const struct buffer *text);

/* Counts, compares, and ends the watch or goes back. */
void reload_watch_look(struct reload *reload, uint64_t now_ms);

void reload_watch_forget(struct reload *reload);

/* ---- reload_workers.c ---- */

/* The rooms of generations that workers use or are about to. */
uint64_t reload_used_rooms(const struct reload *reload);

#endif
