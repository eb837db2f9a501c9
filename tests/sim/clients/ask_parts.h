/* The parts that a request is put together from: shared by the files that make requests. */
#ifndef SIM_CLIENTS_ASK_PARTS_H
#define SIM_CLIENTS_ASK_PARTS_H

#include "ask.h"

/* Fields that matter to files: conditions, ranges, codings. */
void ask_write_file_fields(struct ask *ask, const struct website *website, struct sim_chance *chance);

/* The framing fields, the end of the head, and the content where there is any. */
void ask_write_content(struct ask *ask, const struct website *website, struct sim_chance *chance);

/* Ends the head. */
void ask_end_head(struct ask *ask);

#endif
