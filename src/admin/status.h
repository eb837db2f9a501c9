/* The counters as JSON. */
#ifndef ADMIN_STATUS_H
#define ADMIN_STATUS_H

#include "admin/admin.h"
#include "base/buffer.h"

enum status_layout { STATUS_INDENTED, STATUS_ON_ONE_LINE };

/* Appends an object and a line end: the version, whether the server is ready, the sums of all workers, each
 * worker, and the histograms of durations. `now_seconds`: since 1970. */
void status_write(const struct admin *admin, int64_t now_seconds, enum status_layout layout,
                  struct buffer *out);

#endif
