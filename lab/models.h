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

int lab_serve_fork_per_connection(struct lab_site *site, int listening_fd) MUST_CHECK;
int lab_serve_spin(struct lab_site *site, int listening_fd) MUST_CHECK;
int lab_serve_libevent(struct lab_site *site, int listening_fd) MUST_CHECK;
int lab_serve_libuv(struct lab_site *site, int listening_fd) MUST_CHECK;
int lab_serve_libev(struct lab_site *site, int listening_fd) MUST_CHECK;
int lab_serve_kqueue(struct lab_site *site, int listening_fd) MUST_CHECK;
int lab_serve_loop_threads(struct lab_site *site, int listening_fd) MUST_CHECK;
int lab_serve_shared_socket(struct lab_site *site, int listening_fd) MUST_CHECK;
int lab_serve_af_xdp(struct lab_site *site, int listening_fd) MUST_CHECK;
int lab_serve_dpdk(struct lab_site *site, int listening_fd) MUST_CHECK;
int lab_serve_exclusive(struct lab_site *site, int listening_fd) MUST_CHECK;
int lab_serve_reuseport(struct lab_site *site, int listening_fd) MUST_CHECK;

/* The loop of lab/epoll_edge.c, for models that run several: opens an epoll instance with the listening
 * socket
 * (`listening_events` is EPOLLIN, or EPOLLIN | EPOLLEXCLUSIVE), and returns it or -errno; then serves with
 * it, on an open site, and never returns. */
int lab_epoll_edge_open(int listening_fd, uint32_t listening_events) MUST_CHECK;
void lab_epoll_edge_run(struct lab_site *site, int epoll_fd, int listening_fd);

const char *lab_io_uring_unavailable(void);
const char *lab_libevent_unavailable(void);
const char *lab_libuv_unavailable(void);
const char *lab_libev_unavailable(void);
const char *lab_kqueue_unavailable(void);
const char *lab_af_xdp_unavailable(void);
const char *lab_dpdk_unavailable(void);

/* Concurrent connections of these models. */
#define LAB_POOL_THREADS      64
#define LAB_PREFORK_PROCESSES 32
#define LAB_FORK_PROCESSES    1000
#define LAB_SELECT_CLIENTS    1000 /* about FD_SETSIZE less the process's other descriptors */

/* Loops of the models that compare how several share connections: the same number on every machine. */
#define LAB_LOOPS 4

/* Worker threads of lab/offload.c. */
#define LAB_OFFLOAD_THREADS 32

#endif
