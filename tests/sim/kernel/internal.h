/* The insides of the simulated kernel, shared by the files of this folder and by tests/sim/run.c.
 *
 *   chance.c       streams of numbers            files.c      inodes, names, paths
 *   time.c         the clock and the events      inotify.c    what tells of their changes
 *   trace.c        trace and failure             file_calls.c system calls on files
 *   faults.c       which call fails, with what   network.c    bytes under way, segments, FIN and RST
 *   descriptors.c  the table of descriptors      sockets.c    the server's ends, accepting
 *   ready.c        epoll, poll, select           socket_calls.c system calls on sockets
 *   mounts.c       the mount table
 *   memory.c       malloc and its kin            peers.c      the clients' ends
 *   calls.c        what every call begins with   offload.c    the pool of threads, without threads
 *   watch.c        what watches the server       log_file.c   where the access log goes
 *   datagrams.c    UDP sockets, and their network outgoing.c   connections that the server opens
 *   serving.c      for whom the server is at work
 *
 * What the server calls is named __wrap_NAME, and is called by it in the place of NAME. What the kernel
 * itself allocates comes from kernel_alloc, which is neither counted nor ever fails. */
#ifndef TESTS_SIM_KERNEL_INTERNAL_H
#define TESTS_SIM_KERNEL_INTERNAL_H

#include "../sim.h"

#include "base/list.h"

#include <stdarg.h>
#include <sys/types.h>

/* ---- the run ---- */

struct kernel_options {
    uint64_t seed;
    bool has_faults;
    bool connects;            /* the server opens connections: connect(2) may fail, too */
    bool keeps_trace;         /* its last lines, for when the run fails */
    bool prints_trace;        /* each line at once */
    const char *replay_words; /* further words of the command line that replays the run, each with a blank in
                               * front */
};

/* Everything begins anew. */
void kernel_start(const struct kernel_options *options);

/* Looks for what the server left behind, and fails where there is something. */
void kernel_check_nothing_is_left(void);

/* Frees all that the kernel holds. */
void kernel_finish(void);

/* ---- who runs ---- */

/* The one thread is the server's, before its loop runs, on the loop or in a job of the pool, or the
 * world's: the clients, the network. Only the server makes system calls. */
enum kernel_side { SIDE_WORLD, SIDE_START, SIDE_LOOP, SIDE_JOB };

/* Returns the side before. */
enum kernel_side kernel_enter(enum kernel_side side);
enum kernel_side kernel_side(void);

/* ---- memory ---- */

void *kernel_alloc(size_t size); /* zeroed */
void *kernel_realloc(void *block, size_t size);
void kernel_free(void *block);

void memory_start(void);
/* Blocks that the server has allocated and not freed. */
size_t memory_blocks(void);

/* ---- time ---- */

void time_start(void);
void time_finish(void);

/* Time passes without events: something is being computed. */
void time_spend(uint64_t us);

/* Everything that is due happens. */
void time_catch_up(void);

/* Waits for the next event, at most until `limit_us`: it happened (true), or that time has come (false). */
bool time_wait(uint64_t limit_us);

/* When the next event is due; UINT64_MAX: there is none. */
uint64_t time_next(void);

/* ---- trace ---- */

void trace_start(const struct kernel_options *options);
void trace_print_tail(void);

/* ---- calls and faults ---- */

/*  name, the errors that it may be made to fail with */
#define CALL_TABLE(X)                                                                                        \
    X(accept4, EINTR, ECONNABORTED, EMFILE, ENFILE, ENOBUFS, ENOMEM, EPERM, EPROTO, ETIMEDOUT, EHOSTUNREACH) \
    X(recv, EINTR, ECONNRESET, ETIMEDOUT, ENOMEM)                                                            \
    X(send, EINTR, ECONNRESET, EPIPE, ENOBUFS, ENOMEM, EHOSTUNREACH)                                         \
    X(sendmsg, EINTR, ECONNRESET, EPIPE, ENOBUFS, ENOMEM, EHOSTUNREACH)                                      \
    X(sendfile, EINTR, EIO, ENOMEM, ECONNRESET, EPIPE)                                                       \
    X(shutdown, ENOTCONN)                                                                                    \
    X(ioctl, EINVAL)                                                                                         \
    X(close, EINTR, EIO)                                                                                     \
    X(epoll_create1, EMFILE, ENFILE, ENOMEM)                                                                 \
    X(epoll_ctl, ENOMEM, ENOSPC)                                                                             \
    X(epoll_wait, EINTR)                                                                                     \
    X(poll, EINTR, ENOMEM)                                                                                   \
    X(select, EINTR, ENOMEM)                                                                                 \
    X(eventfd, EMFILE, ENFILE, ENODEV, ENOMEM)                                                               \
    X(read, EINTR)                                                                                           \
    X(openat2, EINTR, EAGAIN, EMFILE, ENFILE, ENOMEM, EIO)                                                   \
    X(open, EMFILE, ENFILE, ENOMEM, EIO)                                                                     \
    X(openat, EMFILE, ENFILE, ENOMEM, EIO)                                                                   \
    X(dup3, EBUSY, EINTR, EMFILE)                                                                            \
    X(fstat, ENOMEM)                                                                                         \
    X(stat, ENOMEM)                                                                                          \
    X(fstatat, ENOMEM)                                                                                       \
    X(fstatfs, EINTR, EIO, ENOMEM, ENOSYS)                                                                   \
    X(preadv2, EINTR, EIO, EOPNOTSUPP)                                                                       \
    X(cachestat, EOPNOTSUPP)                                                                                 \
    X(fdopendir, ENOMEM)                                                                                     \
    X(readdir, EIO)                                                                                          \
    X(readlink, EIO, ENOMEM, ENOENT)                                                                         \
    X(readlinkat, EIO, ENOMEM)                                                                               \
    X(inotify_init1, EMFILE, ENFILE, ENOMEM)                                                                 \
    X(inotify_add_watch, ENOMEM, ENOSPC)                                                                     \
    X(getrandom, EINTR)                                                                                      \
    X(malloc, ENOMEM)                                                                                        \
    X(offload, EAGAIN, ENOMEM)                                                                               \
    X(connect, ECONNREFUSED, ENETUNREACH, EHOSTUNREACH, EADDRNOTAVAIL, EAGAIN, ENOMEM, EPERM, ETIMEDOUT)

enum call {
#define X(name, ...) CALL_##name,
    CALL_TABLE(X)
#undef X
        CALL_COUNT
};

/* Those from here on fail only if kernel_options.connects: other runs draw the same numbers as without them.
 */
#define CALL_OUTGOING CALL_connect

/* What a call is about, for the oracle. */
struct stat;

struct call_target {
    struct sim_socket *socket;
    const char *path;
    bool is_hasty; /* it asks for what can be had without waiting: where it fails, there is another way */
};

void faults_start(const struct kernel_options *options);

/* Counts the call; returns the error that it has to fail with, or 0. EINTR is told to nobody, nor is what
 * only says that there is no hasty way. */
int fault_for(enum call call, struct call_target target);

/* A call fails that nobody made to fail: there is no descriptor for what is at `path`, or for a connection
 * (NULL); or no room for a job. For the oracle. */
void shortage_of_descriptors(const char *call, const char *path);
void shortage_of_jobs(void);

/* Calls that were made to fail and had no other way, in all. */
uint64_t faults_count(void);

/* All calls of this name that were made to fail, those that tell nobody among them. */
uint64_t faults_of(enum call call);

/* From here on calls fail; before, while the world is made, they do not. */
void faults_begin(void);
void faults_end(void);

/* Every call begins so: it takes a little time, and what is due meanwhile happens. */
void call_begin(void);

/* The call moved something: data, a connection, a descriptor. See calls.c on loops that get nowhere. */
void call_got_on(void);

/* The world gave a reason to wake, which the server may pass over. */
void call_had_reason(void);

/* A wait slept. */
void call_slept(void);

/* A wait returned. */
void call_woke(void);

/* The loop was told what there is, and begins a turn. */
void call_began_turn(void);

/* How many calls the server has made, and how many turns it has begun. */
uint64_t calls_made(void);
uint64_t calls_turns(void);

void calls_start(void);

/* ---- for whom the server is at work ---- */

struct server_end;

struct serving {
    bool is_known;
    const struct server_end *end; /* the server's end of the connection; NULL: for none */
};

void serving_start(void);

/* Returns whom it was for before. */
struct serving serving_enter(struct serving whom);
struct serving serving_now(void);

/* The connection that `fd` is; where it is none, nobody who is known. */
struct serving serving_of(int fd);

/* The client's end, which may be closed; NULL: it is for none. */
const struct sim_socket *serving_client(const struct serving *whom);

/* ---- what is to be seen of the server ---- */

struct job;

/* What only the program around a server can say, and what it wants to be told. Any may be NULL. */
struct kernel_watch {
    /* The descriptor of the connection whose request has the job; -1: it is for none. */
    int (*connection_of)(void *context, const struct job *job);
    /* These bytes, and perhaps others behind them, are about to be sent. */
    void (*on_send)(void *context, int fd, struct slice bytes);
    void *context;
};

/* Until the kernel starts anew. */
void kernel_watch_server(const struct kernel_watch *watch);
const struct kernel_watch *kernel_watched(void);

void offload_start(void);

/* How often the pool had no room for a job. */
uint64_t offload_refused(void);

/* Whose a connection is; how long ago anything has moved on it, in either direction; whether its client has
 * got all that was sent; how many calls had failed when it was accepted. */
struct connection_facts {
    uint32_t address; /* IPv4, in the host's byte order */
    uint64_t quiet_us;
    bool is_taken;
    uint64_t faults_before;
};
struct connection_facts network_facts(int fd);

/* All bytes that the server has given to connections of its clients, but for those that it turned away, of
 * which network_turned_away told. */
uint64_t network_bytes_handed(void);
void network_turned_away(int fd);

/* ---- descriptors ---- */

struct open_file;

struct file_class {
    const char *name;
    /* EPOLLIN and its kin, as they hold now. */
    unsigned (*mask)(struct open_file *file);
    /* The last descriptor is gone: frees. */
    void (*release)(struct open_file *file);
};

/* What a descriptor leads to; the first member of what is behind it. */
struct open_file {
    const struct file_class *class;
    unsigned references; /* descriptors */
    struct list items;   /* struct epoll_item: who waits for it */
};

void descriptors_start(size_t limit);
size_t descriptors_open(void);
void descriptors_list(void); /* into the trace */
void descriptors_finish(void);

void open_file_init(struct open_file *file, const struct file_class *class);

/* The lowest free descriptor, or -EMFILE; then `file` is released. */
int descriptor_install(struct open_file *file);

bool descriptor_is_free(void);

/* From now on `fd`, which nobody waits for, leads to another file. What it led to is released. */
void descriptor_replace(int fd, struct open_file *file);

/* How often the server was refused one, having none left. */
uint64_t descriptors_refused(void);

/* What `fd` leads to; NULL: it is closed. */
struct open_file *descriptor_find(int fd);

/* What `fd` leads to. A closed descriptor, or one of another class, fails the run: `call` is who asked.
 * `class` NULL: any. */
struct open_file *descriptor_get(int fd, const struct file_class *class, const char *call);

/* ---- readiness ---- */

extern const struct file_class epoll_class;

/* Something about the file changed, that makes `events` hold; 0: anything may. */
void ready_wake(struct open_file *file, unsigned events);

/* The file is released: nobody waits for it any more. */
void ready_forget(struct open_file *file);

/* Raises an eventfd; from any side. */
void eventfd_raise(int fd);

/* ---- network ---- */

void network_start(void);
void network_finish(void);

/* The client's end of what is a connection; NULL: it is none, or that end is closed. */
struct sim_socket *network_client_of(struct open_file *file);

/* Connections that the server holds open, or that wait to be accepted. */
size_t network_server_ends(void);

/* Fails where the server left a connection alone for longer than `silence_us`. */
void network_check_silence(uint64_t silence_us);

/* ---- files ---- */

void files_start(void);
void files_finish(void);

/* What a job does when its call would wait for the disk; on the loop that is a failure. */
void files_wait_for_disk(const char *call, const char *path);

/* There is a /proc. */
bool files_have_magic_links(void);

/* The descriptor in a path such as "/proc/self/fd/7". */
int magic_link_target(const char *path);

void file_calls_start(void);
void clock_calls_start(void);

/* The access log's, which is there once it is opened; from the run, not by a call. A descriptor or -EMFILE.
 */
int log_file_open(void);
bool log_file_is(const struct open_file *file);
void log_file_status(struct stat *status);
ssize_t log_file_write(const char *bytes, size_t length);

extern const struct file_class inotify_class;
/* Bytes of events, or -errno. */
ssize_t inotify_read(struct open_file *file, void *buffer, size_t size);

/* ---- TLS ---- */

struct tls_limits;
struct tls_names;

/* One run in so many has a listener with TLS. */
extern const unsigned tls_one_in;

/* The certificates that a listener of the server offers; NULL where the stand-in has none. May raise limits
 * that no right client would get along with. */
const struct tls_names *tls_begin(struct tls_limits *limits);
void tls_end(void);

#endif
