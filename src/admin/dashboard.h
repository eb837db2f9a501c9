/* The page that shows the status as it happens: src/admin/pages, embedded by tools/embed. It needs nothing
 * but /events. */
#ifndef ADMIN_DASHBOARD_H
#define ADMIN_DASHBOARD_H

#include "serve/page.h"

extern const struct page page_dashboard;

#endif
