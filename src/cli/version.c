/* `vif version`: what this binary is, for a bug report. */
#include "cli/commit.h"
#include "cli/print.h"
#include "cli/session.h"

#include <yaml.h>

#ifdef HAVE_URING
#define LIBURING ", liburing"
#else
#define LIBURING ""
#endif

#ifdef HAVE_TLS
#include <openssl/crypto.h>
#define OPENSSL        ", OpenSSL "
#define OPENSSL_NUMBER OpenSSL_version(OPENSSL_VERSION_STRING)
#else
#define OPENSSL        ""
#define OPENSSL_NUMBER ""
#endif

#ifdef HAVE_HTTP2
#include "h2/h2.h"
#define NGHTTP2         ", nghttp2 "
#define NGHTTP2_VERSION h2_library_version()
#define HTTP2           "HTTP/2, "
#else
#define NGHTTP2         ""
#define NGHTTP2_VERSION ""
#define HTTP2           ""
#endif

#ifdef HAVE_ZSTD
#define ZSTD ", zstd"
#else
#define ZSTD ""
#endif

#ifdef HAVE_CARES
#include <ares_version.h>
#define C_ARES ", c-ares " ARES_VERSION_STR
#else
#define C_ARES ""
#endif

#ifdef HAVE_CRYPT
#include <crypt.h>
#define LIBXCRYPT ", libxcrypt " XCRYPT_VERSION_STR
#else
#define LIBXCRYPT ""
#endif

#ifdef HAVE_XDP
#define LIBBPF ", libbpf"
#else
#define LIBBPF ""
#endif

#ifdef __clang__
#define COMPILER "clang " __clang_version__
#else
#define COMPILER "gcc " __VERSION__
#endif

int version_print(void)
{
    struct buffer text;
    buffer_init(&text, 1u << 16);
    buffer_printf(&text,
                  "vif " VIF_VERSION "\n"
                  "commit     " VIF_COMMIT "\n"
                  "compiler   " COMPILER "\n"
                  "libraries  libyaml %s" LIBURING OPENSSL "%s" NGHTTP2 "%s" ZSTD C_ARES LIBXCRYPT LIBBPF "\n"
                  "protocols  " HTTP2 "HTTP/1.1, HTTP/1.0\n",
                  yaml_get_version_string(), OPENSSL_NUMBER, NGHTTP2_VERSION);
    return print_finish(&text, 0);
}

static int print_version(struct session *session)
{
    (void)session;
    return version_print();
}

int command_version(char *const *words)
{
    return session_run(FLAG_OF_VERSION, words, print_version);
}
