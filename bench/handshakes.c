/* Connections to a server with TLS, one after the other on each of some threads (16, or as many as are asked
 * for): a handshake, one request, the end. "resume" has all but the first of a thread resume its session. The
 * last line is JSON, as load.lua's. */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define THREADS     16
#define THREADS_MAX 1024

static struct sockaddr_in address;
static char request[512];
static bool resumes;
static double ends_at;
static atomic_uint done_count, resumed_count, failed_count;

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static bool ask(SSL *ssl)
{
    char bytes[8192];
    int count;
    size_t total = 0;
    if (SSL_connect(ssl) != 1 || SSL_write(ssl, request, (int)strlen(request)) <= 0)
        return false;
    while ((count = SSL_read(ssl, bytes, sizeof(bytes))) > 0)
        total += (size_t)count;
    return total > 0;
}

static int keep_session(SSL *ssl, SSL_SESSION *session)
{
    SSL_SESSION **kept = SSL_get_app_data(ssl);
    SSL_SESSION_free(*kept);
    *kept = session;
    return 1;
}

static void connect_once(SSL_CTX *ctx, SSL_SESSION **session)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int yes = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    SSL *ssl = SSL_new(ctx);
    SSL_set_app_data(ssl, session);
    SSL_set_tlsext_host_name(ssl, "localhost");
    SSL_set_fd(ssl, fd);
    if (resumes && *session)
        SSL_set_session(ssl, *session);
    bool is_good = connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 && ask(ssl);
    atomic_fetch_add(is_good ? &done_count : &failed_count, 1);
    atomic_fetch_add(&resumed_count, SSL_session_reused(ssl) == 1);
    SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(ssl);
    close(fd);
}

static void *run(void *unused)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL_SESSION *session = NULL;
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ctx, keep_session);
    SSL_CTX_set1_groups_list(ctx, "X25519");
    while (now() < ends_at)
        connect_once(ctx, &session);
    SSL_SESSION_free(session);
    SSL_CTX_free(ctx);
    return unused;
}

int main(int argc, char **argv)
{
    static pthread_t threads[THREADS_MAX];
    int count = argc == 6 ? atoi(argv[5]) : THREADS;
    if (argc < 5 || argc > 6 || count < 1 || count > THREADS_MAX)
        return fprintf(stderr, "handshakes PORT PATH SECONDS full|resume [CONNECTIONS]\n"), 2;
    address = (struct sockaddr_in){.sin_family = AF_INET,
                                   .sin_port = htons((unsigned short)atoi(argv[1])),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    resumes = strcmp(argv[4], "resume") == 0;
    snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
             argv[2]);
    double began = now();
    ends_at = began + atof(argv[3]);
    for (int i = 0; i < count; i++)
        pthread_create(&threads[i], NULL, run, NULL);
    for (int i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    unsigned done = atomic_load(&done_count), resumed = atomic_load(&resumed_count);
    bool is_right = resumes ? resumed + 2 * (unsigned)count >= done : resumed == 0;
    printf("{\"requests\":%u,\"microseconds\":%.0f,\"p50_us\":0,\"p99_us\":0,\"max_us\":0,"
           "\"errors\":{\"connect\":%u,\"not as asked for\":%u}}\n",
           done, (now() - began) * 1e6, atomic_load(&failed_count), is_right ? 0 : done - resumed);
    return 0;
}
