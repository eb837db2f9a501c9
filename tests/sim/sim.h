/* The simulator: vif's own code on a simulated kernel, with clients on the other end of a simulated network.
 *
 * What stands where: the production code of base, sys, loop, http, h1 and serve is linked as it is; the
 * system calls that it makes are led by the linker (--wrap) to tests/sim/kernel/, which has a clock, a
 * network, files and faults of its own. tests/sim/clients/ sees none of that but this header: it makes the
 * files, connects, sends, receives, and judges what comes back. tests/sim/run.c brings both together for one
 * seed.
 *
 * Everything happens on one thread, in an order that the seed decides alone; nothing may depend on addresses,
 * on the real clock or on the order of a hash table. Time stands still but where a system call takes some, or
 * the server waits. Clients are events: what is due runs at the beginning of each system call that the server
 * makes, as another computer would, and never calls the server. */
#ifndef TESTS_SIM_SIM_H
#define TESTS_SIM_SIM_H

#include "base/compiler.h"
#include "base/list.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct settings;

/* ---- the run ---- */

/* The seed of this run. */
uint64_t sim_seed(void);

/* System calls and allocations fail in this run: see sim_clients_on_fault. */
bool sim_has_faults(void);

/* The files are on a file system that nobody tells of changes in: what was found there is believed for a
 * while (FAR_TRUST_MS and FAR_LOOK_MS of files/lookup.c), this long at most. 0: they are not. */
uint64_t sim_files_may_be_stale_us(void);

/* An invariant is violated: prints what, the seed, how to replay it, the last lines of the trace; ends the
 * program. */
void sim_fail(const char *format, ...) PRINTF_LIKE(1, 2) __attribute__((noreturn));

/* One line of the trace, with the time in front; without a newline at its end. */
void sim_trace(const char *format, ...) PRINTF_LIKE(1, 2);

/* ---- chance ---- */

/* A stream of numbers. There is one for each concern, so that drawing once more here shifts nothing there. */
struct sim_chance {
    uint64_t state;
};

/* The stream of that name in this run; the same name gives the same numbers again. For many of a kind, number
 * them: `index`. */
struct sim_chance sim_chance_for(const char *name, uint64_t index);

uint64_t sim_draw(struct sim_chance *chance);

/* From 0 to `end` - 1; 0 for an `end` of 0. */
uint64_t sim_below(struct sim_chance *chance, uint64_t end);

/* From `least` to `most`, both included. */
uint64_t sim_between(struct sim_chance *chance, uint64_t least, uint64_t most);

/* True once in `count` times, on average. */
bool sim_one_in(struct sim_chance *chance, uint64_t count);

/* From 1 to `most`, small ones as often as large ones: each power of two is as likely as the next. */
uint64_t sim_size(struct sim_chance *chance, uint64_t most);

/* ---- time ---- */

#define SIM_MS UINT64_C(1000)    /* in microseconds */
#define SIM_S  UINT64_C(1000000) /* in microseconds */

/* Microseconds since the run began. */
uint64_t sim_now_us(void);

/* What the server's wall clock shows, in nanoseconds since 1970. */
int64_t sim_wall_ns(void);

/* Something that will happen. In the caller's memory, which must stay until it fired or was cancelled; zeroed
 * memory is an event that nobody waits for. */
struct sim_event {
    void (*fire)(struct sim_event *event);
    uint64_t at_us;
    uint64_t order; /* of those at the same time, the one that was armed first comes first */
    size_t place;   /* in the queue, from 1; 0: not in it */
};

/* Lets `event` fire at `at_us`, or as soon as can be where that is over. One that waits already is moved. */
void sim_at(struct sim_event *event, uint64_t at_us, void (*fire)(struct sim_event *event));

/* The same, so many microseconds from now. */
void sim_after(struct sim_event *event, uint64_t delay_us, void (*fire)(struct sim_event *event));

/* Nothing happens where it does not wait. */
void sim_cancel(struct sim_event *event);

static inline bool sim_is_armed(const struct sim_event *event)
{
    return event->place != 0;
}

/* ---- the network, from the clients' side ---- */

/* The client's end of a TCP connection. */
struct sim_socket;

/* How the server's side ended it. */
enum sim_end {
    SIM_END_FIN,   /* properly: what came before it is all there */
    SIM_END_RESET, /* RST: what was under way is lost, and from some kernels what was not yet taken */
};

/* Called from the run's events, never from inside a function of this section. Any may be NULL. The socket may
 * be closed from each. */
struct sim_socket_events {
    /* The handshake is done. Sending need not wait for it. */
    void (*on_connected)(struct sim_socket *socket, void *context);
    /* More bytes may be taken than before. */
    void (*on_readable)(struct sim_socket *socket, void *context);
    /* More bytes may be sent, after sim_socket_send took fewer than it was given. */
    void (*on_writable)(struct sim_socket *socket, void *context);
    /* FIN or RST arrived; once each at most. Before a FIN there may be bytes that still wait to be taken. */
    void (*on_ended)(struct sim_socket *socket, enum sim_end end, void *context);
    /* Nobody listens there, or nobody took the connection for too long. */
    void (*on_refused)(struct sim_socket *socket, void *context);
};

struct sim_connect {
    uint16_t port;
    uint32_t address; /* the client's, IPv4, in the host's byte order; 0: 10.0.0.1 */
    const struct sim_socket_events *events;
    void *context;
    /* What the client's kernel holds for it before the server must stop sending; 0: the seed says. */
    size_t receive_bytes;
    /* What sim_socket_send takes before something has arrived at the server; 0: the seed says. */
    size_t send_bytes;
};

/* Begins to connect. Until sim_socket_close the socket is there, whatever happens to the connection. */
struct sim_socket *sim_connect(const struct sim_connect *connect);

/* Gives bytes to the network, which cuts them as it likes and takes its time. Returns how many it took: fewer
 * than `bytes` has where the way is full (on_writable follows), 0 after finish, a reset or a reject_status.
 */
size_t sim_socket_send(struct sim_socket *socket, struct slice bytes);

/* Takes what arrived, at most `size` bytes; 0 where there is nothing. */
size_t sim_socket_receive(struct sim_socket *socket, char *out, size_t size);

/* Bytes that may be taken now. */
size_t sim_socket_available(const struct sim_socket *socket);

/* Sends FIN behind what was sent; receiving goes on. */
void sim_socket_finish(struct sim_socket *socket);

/* Sends RST, now: what was sent and has not arrived may be lost, and nothing is received any more. */
void sim_socket_reset(struct sim_socket *socket);

/* As close(2): with bytes that were not taken, RST; else FIN, and what arrives afterwards is answered by RST.
 * No callback follows; the socket's memory goes with the connection's end. */
void sim_socket_close(struct sim_socket *socket);

/* The client's, in the host's byte order. May be asked until the run's end, also of a socket that was closed.
 */
uint32_t sim_socket_address(const struct sim_socket *socket);

/* A number for traces, from 1 in the order of sim_connect. */
unsigned sim_socket_number(const struct sim_socket *socket);

/* What became of the bytes that sim_socket_send took: so many has the server's kernel received, so many has
 * the server read. */
uint64_t sim_socket_bytes_arrived(const struct sim_socket *socket);
uint64_t sim_socket_bytes_read(const struct sim_socket *socket);

/* Those that have not arrived: the network is slow, or the server does not read. */
uint64_t sim_socket_bytes_waiting(const struct sim_socket *socket);

/* So many bytes the server has given to its kernel for this connection, until now. May be asked until the
 * run's end, also of a socket that was closed. */
uint64_t sim_socket_bytes_handed(const struct sim_socket *socket);

/* When the last of them arrived in the server's kernel; when the server said FIN or closed. UINT64_MAX: not
 * yet. */
uint64_t sim_socket_arrived_us(const struct sim_socket *socket);
uint64_t sim_socket_ended_by_server_us(const struct sim_socket *socket);

/* The server accepted the connection; it has closed its descriptor. */
bool sim_socket_is_accepted(const struct sim_socket *socket);
bool sim_socket_is_closed_by_server(const struct sim_socket *socket);

/* ---- servers that the server connects to ---- */

enum sim_welcome {
    SIM_WELCOME_ACCEPTED,
    SIM_WELCOME_REFUSED, /* nobody listens */
    SIM_WELCOME_IGNORED, /* its queue is full: the connection is tried again and again */
};

/* Who listens on a port. In the caller's memory until the run's end. */
struct sim_listener {
    struct list link;
    uint16_t port;
    /* A SYN arrives. */
    enum sim_welcome (*on_knock)(struct sim_listener *listener);
    /* The connection is there: returns its context. The socket is closed by sim_socket_close. */
    void *(*on_connection)(struct sim_listener *listener, struct sim_socket *socket);
    const struct sim_socket_events *events;
};

/* Until the run's end. */
void sim_listen(struct sim_listener *listener);

/* ---- files ---- */

/* Paths are absolute ("/site/a/b.html"), folders above must be there; faults of the caller end the program.
 * Whatever changes while the server runs tells its inotify watches, as the real calls would. Times are in
 * nanoseconds since 1970; a `modified_ns` of 0 means now. */

#define SIM_SITE "/site" /* a folder that is there from the start, for the server to serve */

/* Makes the file, or puts a new one in its place at once, as rename(2) does. The bytes are copied. */
void sim_file_put(const char *path, struct slice bytes, int64_t modified_ns);

/* Writes into the file as it is, from `offset` on; it grows where need be. Its time is now. */
void sim_file_write(const char *path, size_t offset, struct slice bytes);

/* The same by another name, which nobody knows of: no watch is told. */
void sim_file_write_unseen(const char *path, size_t offset, struct slice bytes);

/* Sets its modification time, as utimensat(2) does. */
void sim_file_date(const char *path, int64_t modified_ns);

/* Cuts the file off, or fills it up with zeros. Its time is now. */
void sim_file_truncate(const char *path, size_t size);

void sim_folder_make(const char *path);
void sim_symlink_make(const char *path, const char *target);

/* Takes a file, a link, or an empty folder away. Who has it open keeps it. */
void sim_remove(const char *path);

/* Moves a file, a link or a folder with all that is in it; what was there goes. */
void sim_rename(const char *from, const char *to);

bool sim_exists(const char *path);

/* Mounts the folder `volume` over the folder `path`, whose content is out of reach until sim_unmount. Nobody
 * who watches either is told; whoever has the mount table open is. Returns whether the server has. */
bool sim_mount(const char *path, const char *volume);
bool sim_unmount(const char *path);

/* Takes the file's name out of the cache of names, and its bytes out of the page cache unless they were used
 * lately or may be under way: who asks for them must wait for the disk. The parts that are read come back.
 * Before the server runs everything is cached. */
void sim_file_chill(const char *path);

/* The disk that the access log goes to takes nothing until then. So many bytes may wait for it meanwhile. */
void sim_log_fill(uint64_t until_us);
#define SIM_LOG_BYTES_MAX (256u << 10)

/* ---- faults ---- */

/* A call that failed because the seed said so; or because the server has no descriptor left, or its pool no
 * room for a job. */
struct sim_fault {
    const char *call; /* "recv", "malloc" */
    int error;        /* errno */
    uint64_t number;  /* the how-manieth call of that name it was, from 1; 0: nobody made it fail */
    struct sim_socket
        *socket;      /* the client's end of the connection that it hit; NULL: none, or it is closed */
    const char *path; /* of the file that it hit; NULL: none. Lives for the length of the call */
    bool is_for_one;  /* the server was at work for one connection alone: */
    const struct sim_socket *served; /* the client's end of it, which may be closed: only to be compared */
};

/* Short reads and writes and EINTR are no faults in this sense: whoever calls must get along with them
 * unseen. */

/* ---- what tests/sim/clients provides ---- */

/* Makes the files and adds the sites to `settings`, whose limits and timeouts are chosen already (small, so
 * that they are reached) and may be changed. All that `settings` points to must be in its arena. The server
 * will listen on `port`. */
void sim_clients_prepare(struct settings *settings, uint16_t port);

/* The server will listen on this port, too, for clients that speak TLS. */
void sim_clients_offer_tls(uint16_t port);

/* The same for other settings that the server may be given later, of which there are less than
 * SIM_EDITIONS_MAX: adds the sites. Their number, as below, is 1 for the first of them. */
#define SIM_EDITIONS_MAX 3
void sim_clients_prepare_edition(struct settings *settings);

/* The server is given the settings with this number, 0 for the first ones: they may be in force from now on.
 * Returns a number for sim_clients_on_change_end; room for as many as that says is left. */
size_t sim_clients_on_change(size_t edition);
bool sim_clients_may_change(void);

/* They are in force, and no others; or never were and will not be. */
void sim_clients_on_change_end(size_t change, bool is_taken);

/* The server listens: begins. */
void sim_clients_start(void);

/* Nothing more is to be expected: every client has finished or given up. Asked often. */
bool sim_clients_are_done(void);

/* The server begins to drain, because all clients are done or in the midst of them: it takes no new
 * connections soon, and answers with Connection: close. */
void sim_clients_on_drain(void);

/* A call fails, right now. Must only take note. */
void sim_clients_on_fault(const struct sim_fault *fault);

/* The access log, as JSON, some bytes at a time. When it is closed: so many lines were dropped, as the server
 * counts, of which so many found no room at the very end. */
void sim_clients_on_log(struct slice bytes);
void sim_clients_on_log_end(uint64_t dropped, uint64_t dropped_at_end);

/* The server could not even start, for a fault. sim_clients_start was not called, sim_clients_end will be. */
void sim_clients_on_no_server(void);

/* The server is gone and the network is empty: judges what is left to judge, closes every socket, frees what
 * it holds. */
void sim_clients_end(void);

#endif
