/* Parsing of addresses to listen on, and formatting of addresses.
 *
 * Numeric addresses only: nothing here queries a name server. */
#ifndef SYS_ADDRESS_H
#define SYS_ADDRESS_H

#include "sys/socket.h"

/* enum member, message for the user */
#define ADDRESS_FAULT_TABLE(X)                                                                          \
    X(EMPTY, "it is empty")                                                                             \
    X(NO_PORT, "it has no port: write \"127.0.0.1:8080\", or \":8080\" for every address")              \
    X(PORT, "the port must be a number from 0 to 65535")                                                \
    X(HOST, "the host must be an IPv4 address, an IPv6 address in brackets, \"localhost\", or nothing") \
    X(ZONE, "there is no such network interface (see: ip link)")                                        \
    X(BRACKETS, "an IPv6 address stands in brackets: \"[::1]:8080\"")                                   \
    X(PATH_EMPTY, "the path behind \"unix:\" is empty")                                                 \
    X(PATH_LENGTH, "the path of a Unix socket can have at most 107 bytes")                              \
    X(PATH_NUL, "the path of a Unix socket cannot hold a NUL byte")

enum address_fault {
    ADDRESS_OK,
#define X(name, text) ADDRESS_FAULT_##name,
    ADDRESS_FAULT_TABLE(X)
#undef X
};

/* A sentence without its capital and full stop, such as "the port must be a number from 0 to 65535". Never
 * NULL, static. */
const char *address_fault_text(enum address_fault fault);

/* Owner and mode of a Unix socket's file. Zeroed: the umask decides the mode, and owner and group are
 * those of the process. */
struct socket_access {
    bool sets_mode;
    bool sets_owner;
    bool sets_group;
    mode_t mode;
    uid_t owner;
    gid_t group;
};

/* An address to listen on. */
struct listen_address {
    struct address address;
    /* No host was given: listen on all addresses of both families. `address` is then [::] with the port;
     * on a machine without IPv6 it stands for 0.0.0.0. */
    bool every_family;
    struct socket_access access;
};

/* Parses "127.0.0.1:8080", "[::1]:80", "[fe80::1%eth0]:80", ":8080", "localhost:80" (127.0.0.1) or
 * "unix:/run/vif.sock". With port 0 the kernel chooses a port. `ret_address` is set only if the result is
 * ADDRESS_OK. */
enum address_fault address_parse(struct slice text, struct listen_address *ret_address) MUST_CHECK;

/* The longest text that address_format writes, including its NUL. */
#define ADDRESS_TEXT_BYTES_MAX 128

/* Writes the address with its port in the form that address_parse reads ("unix:" alone for a socket
 * without a name), and a NUL; returns the length. An IPv4-mapped IPv6 address is written as IPv4. */
size_t address_format(const struct address *address, char out[ADDRESS_TEXT_BYTES_MAX]);

/* Like address_format, but without port, brackets and network interface, for logs; "unix" for any Unix
 * socket. */
size_t address_format_host(const struct address *address, char out[ADDRESS_TEXT_BYTES_MAX]);

/* Whether only programs on this machine can reach it, by 127.0.0.0/8 or ::1; false for Unix sockets. */
bool address_is_loopback(const struct address *address);

/* The port of a TCP address; 0 for Unix sockets. */
uint16_t address_port(const struct address *address);

/* 0 if they are the same, port and all; else an order that depends on nothing but them. */
int address_compare(const struct address *one, const struct address *other);

#endif
