/* The serve functions of the models, for the table in models.c and for models that build on others. See
 * struct lab_model in model.h. */
#ifndef LAB_MODELS_H
#define LAB_MODELS_H

#include "lab/site.h"

int lab_serve_one_at_a_time(struct lab_site *site, int listening_fd) MUST_CHECK;
int lab_serve_thread_per_connection(struct lab_site *site, int listening_fd) MUST_CHECK;
int lab_serve_thread_pool(struct lab_site *site, int listening_fd) MUST_CHECK;
int lab_serve_preforked(struct lab_site *site, int listening_fd) MUST_CHECK;
int lab_serve_select(struct lab_site *site, int listening_fd) MUST_CHECK;
int lab_serve_poll(struct lab_site *site, int listening_fd) MUST_CHECK;
int lab_serve_epoll_level(struct lab_site *site, int listening_fd) MUST_CHECK;
int lab_serve_epoll_edge(struct lab_site *site, int listening_fd) MUST_CHECK;
int lab_serve_io_uring(struct lab_site *site, int listening_fd) MUST_CHECK;
int lab_serve_workers(struct lab_site *site, int listening_fd) MUST_CHECK;
int lab_serve_offload(struct lab_site *site, int listening_fd) MUST_CHECK;
int lab_serve_coroutines(struct lab_site *site, int listening_fd) MUST_CHECK;

const char *lab_io_uring_unavailable(void);

/* Concurrent connections of these models. */
#define LAB_POOL_THREADS      64
#define LAB_PREFORK_PROCESSES 32
#define LAB_SELECT_CLIENTS    1000 /* about FD_SETSIZE less the process's other descriptors */

/* Worker threads of lab/offload.c. */
#define LAB_OFFLOAD_THREADS 32

#endif
