/* The tree of files on the simulated disk and the routes to it: what website.c changes later. */
#ifndef SIM_CLIENTS_TREE_H
#define SIM_CLIENTS_TREE_H

#include "website.h"

/* A size for a file: 0, 1, around the bounds that vif has, or any. */
uint64_t tree_size(const struct website *website, struct sim_chance *chance);

/* The file of that name beneath its root. */
struct site_file *tree_find(struct website *website, const char *name);

/* Puts a form of a file on the disk, in the place of what is there, and notes the version. */
void website_put(struct site_file *file, enum form_kind kind, uint64_t size, int64_t modified_ns);

#endif
