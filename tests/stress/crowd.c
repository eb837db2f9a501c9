/* A crowd of idle clients: opens connections, makes a request on each, and keeps them.
 *
 *   crowd ADDRESS PORT SOURCE COUNT PATH
 *
 * SOURCE is the address of this machine that the connections come from: a crowd each, so that there are ports
 * for all. On standard output it says "open COUNT" when every connection has had its answer; for each line
 * that it then reads it makes one more request on each and says "answered COUNT". It ends with its standard
 * input.
 *
 * One request at a time: what is measured is what the server keeps of it afterwards, not how it bears a rush.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWER_BYTES_MAX 65536
#define PATIENCE_SECONDS 20

struct crowd {
    struct sockaddr_in server;
    struct sockaddr_in source;
    char request[512];
    size_t request_length;
};

static int open_one(const struct crowd *crowd)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    int on = 1;
    struct timeval patience = {.tv_sec = PATIENCE_SECONDS};
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    if (bind(fd, (const struct sockaddr *)&crowd->source, sizeof(crowd->source)) == 0 &&
        connect(fd, (const struct sockaddr *)&crowd->server, sizeof(crowd->server)) == 0)
        return fd;
    close(fd);
    return -1;
}

/* The length of the answer that begins in `bytes`; 0 while its head is not whole, or where it has no length.
 */
static size_t answer_length(const char *bytes)
{
    const char *end = strstr(bytes, "\r\n\r\n");
    const char *field = strcasestr(bytes, "\r\ncontent-length:");
    if (end == NULL || field == NULL || field > end)
        return 0;
    return (size_t)(end + 4 - bytes) + strtoul(field + strlen("\r\ncontent-length:"), NULL, 10);
}

/* One request and its 200, to the last byte. */
static bool ask(const struct crowd *crowd, int fd)
{
    static char answer[ANSWER_BYTES_MAX + 1];
    if (send(fd, crowd->request, crowd->request_length, MSG_NOSIGNAL) != (ssize_t)crowd->request_length)
        return false;
    for (size_t length = 0, goal = 0; goal == 0 || length < goal; goal = answer_length(answer)) {
        ssize_t count = recv(fd, answer + length, ANSWER_BYTES_MAX - length, 0);
        if (count <= 0)
            return false;
        length += (size_t)count;
        answer[length] = '\0';
    }
    return strncmp(answer, "HTTP/1.1 200 ", strlen("HTTP/1.1 200 ")) == 0;
}

static bool read_address(const char *text, unsigned port, struct sockaddr_in *ret_address)
{
    *ret_address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    return inet_pton(AF_INET, text, &ret_address->sin_addr) == 1;
}

int main(int argc, char **argv)
{
    struct crowd crowd;
    if (argc != 6 || !read_address(argv[1], (unsigned)atoi(argv[2]), &crowd.server) ||
        !read_address(argv[3], 0, &crowd.source)) {
        fprintf(stderr, "usage: crowd ADDRESS PORT SOURCE COUNT PATH\n");
        return 2;
    }
    size_t count = strtoul(argv[4], NULL, 10);
    crowd.request_length = (size_t)snprintf(crowd.request, sizeof(crowd.request),
                                            "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", argv[5]);
    int *fds = calloc(count, sizeof(int));
    if (fds == NULL)
        return 1;
    for (size_t i = 0; i < count; i++) {
        fds[i] = open_one(&crowd);
        if (fds[i] < 0 || !ask(&crowd, fds[i])) {
            fprintf(stderr, "crowd: connection %zu of %zu: %s\n", i + 1, count, strerror(errno));
            return 1;
        }
    }
    printf("open %zu\n", count);
    fflush(stdout);
    char line[16];
    while (fgets(line, sizeof(line), stdin)) {
        size_t answered = 0;
        for (size_t i = 0; i < count; i++)
            answered += ask(&crowd, fds[i]);
        printf("answered %zu\n", answered);
        fflush(stdout);
    }
    free(fds);
    return 0;
}
