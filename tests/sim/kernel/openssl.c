/* OpenSSL in a world that follows from its seed: see openssl.h.
 *
 * Randomness has a method of its own, which OpenSSL asks for keys, nonces and tickets alike. Its libraries
 * call time(2) and gettimeofday(2), and find those of this file, as the program is searched before the C
 * library. Their memory is theirs: it is not counted, and never refused. What a handshake costs is time of
 * the simulated clock. */
/* RAND_METHOD is deprecated, and all that is needed here. */
#undef OPENSSL_NO_DEPRECATED
#undef OPENSSL_API_COMPAT
#define OPENSSL_SUPPRESS_DEPRECATED

#include "../openssl.h"
#include "internal.h"

#include "base/error.h"
#include "sys/private_file.h"
#include "tls/names.h"
#include "tls/session.h"

#include <errno.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>

/* What a step of a handshake takes, in microseconds. */
#define STEP_US 150

#define SLOW_RSA_BITS 3072

int __real_SSL_accept(SSL *ssl);
int __wrap_SSL_accept(SSL *ssl);
int __real_SSL_read_ex(SSL *ssl, void *out, size_t size, size_t *ret_length);
int __wrap_SSL_read_ex(SSL *ssl, void *out, size_t size, size_t *ret_length);
int __wrap_sys_read_private_file(const char *path, struct buffer *out, struct file_status *ret_status);

static void must(bool is_right)
{
    if (is_right)
        return;
    fputs("vif-sim-tls: OpenSSL does not work\n", stderr);
    ERR_print_errors_fp(stderr);
    exit(2);
}

/* ---- randomness and time ---- */

static struct sim_chance chance;

static int draw(unsigned char *out, int count)
{
    for (int i = 0; i < count; i++)
        out[i] = (unsigned char)sim_draw(&chance);
    return 1;
}

static int is_seeded(void)
{
    return 1;
}

static void make_random(void)
{
    static const RAND_METHOD method = {.bytes = draw, .pseudorand = draw, .status = is_seeded};
    must(RAND_set_rand_method(&method) == 1);
}

time_t time(time_t *out)
{
    time_t now = (time_t)(sim_wall_ns() / 1000000000);
    if (out)
        *out = now;
    return now;
}

int gettimeofday(struct timeval *restrict out, void *restrict zone)
{
    int64_t us = sim_wall_ns() / 1000;
    (void)zone;
    *out = (struct timeval){.tv_sec = us / 1000000, .tv_usec = us % 1000000};
    return 0;
}

/* ---- certificates, the same in all runs ---- */

struct identity {
    X509 *certificate;
    EVP_PKEY *key;
    const char *path; /* of both in one file */
    char *pem;
    long pem_length;
};

static struct identity root, quick = {.path = "/tls/quick.pem"}, slow = {.path = "/tls/slow.pem"};

static void extend(X509 *certificate, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, root.certificate, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    must(extension && X509_add_ext(certificate, extension, -1) == 1);
    X509_EXTENSION_free(extension);
}

/* It holds in whatever year a run is. */
static void make_certificate(struct identity *identity, EVP_PKEY *key, const char *name)
{
    static long serial = 1000;
    X509 *certificate = X509_new();
    identity->certificate = certificate;
    identity->key = key;
    must(key && certificate && X509_set_version(certificate, X509_VERSION_3) == 1);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
    ASN1_TIME_set_string(X509_getm_notBefore(certificate), "250101000000Z");
    ASN1_TIME_set_string(X509_getm_notAfter(certificate), "351231000000Z");
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                               (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(certificate, X509_get_subject_name(root.certificate));
    X509_set_pubkey(certificate, key);
    bool is_root = identity == &root;
    extend(certificate, NID_basic_constraints, is_root ? "critical,CA:TRUE" : "CA:FALSE");
    if (!is_root)
        extend(certificate, NID_subject_alt_name, "DNS:" SIM_OPENSSL_NAME);
    must(X509_sign(certificate, root.key, EVP_sha256()) > 0);
}

static void write_pem(struct identity *identity)
{
    char *bytes;
    BIO *out = BIO_new(BIO_s_mem());
    must(PEM_write_bio_X509(out, identity->certificate) == 1 &&
         PEM_write_bio_X509(out, root.certificate) == 1 &&
         PEM_write_bio_PrivateKey(out, identity->key, NULL, NULL, 0, NULL, NULL) == 1);
    identity->pem_length = BIO_get_mem_data(out, &bytes);
    identity->pem = malloc((size_t)identity->pem_length);
    must(identity->pem != NULL);
    memcpy(identity->pem, bytes, (size_t)identity->pem_length);
    BIO_free(out);
}

/* Before the program has a process for each run: the long key takes a while. */
__attribute__((constructor)) static void make_identities(void)
{
    chance = (struct sim_chance){1};
    make_random();
    make_certificate(&root, EVP_EC_gen("P-256"), "Root");
    make_certificate(&quick, EVP_EC_gen("P-256"), "quick");
    make_certificate(&slow, EVP_RSA_gen(SLOW_RSA_BITS), "slow");
    write_pem(&quick);
    write_pem(&slow);
}

X509 *sim_openssl_root(void)
{
    return root.certificate;
}

int __wrap_sys_read_private_file(const char *path, struct buffer *out, struct file_status *ret_status)
{
    const struct identity *identity = strcmp(path, quick.path) == 0 ? &quick : &slow;
    *ret_status = (struct file_status){.size = identity->pem_length, .mode = S_IFREG | 0600};
    return buffer_append(out, slice_make(identity->pem, (size_t)identity->pem_length)) ? 0 : -ENOMEM;
}

/* ---- the server's side ---- */

static struct tls_names names;
static struct tls_ticket_keys ticket_keys;

const unsigned tls_one_in = 1;

const struct tls_names *tls_begin(struct tls_limits *limits)
{
    const struct tls_pair_files pairs[] = {{.certificate = quick.path}, {.certificate = slow.path}};
    const struct tls_settings settings = {
        .pairs = pairs,
        .pair_count = ARRAY_LENGTH(pairs),
        .protocols = TLS_PROTOCOL_H2 | TLS_PROTOCOL_HTTP1,
        .ticket_keys = &ticket_keys,
    };
    struct tls_report report = {0};
    struct tls_context *context;
    limits->hello_bytes = MAX(limits->hello_bytes, (uint32_t)CLIENT_HELLO_BYTES_MIN);
    chance = sim_chance_for("openssl", 0);
    tls_ticket_keys_rotate(&ticket_keys);
    must(tls_context_create(&settings, sim_wall_ns() / 1000000000, &report, &context) == 0);
    tls_names_init(&names);
    tls_names_set_default(&names, context);
    tls_context_unref(context);
    return &names;
}

void tls_end(void)
{
    tls_names_finish(&names);
}

int __wrap_SSL_accept(SSL *ssl)
{
    if (kernel_side() == SIDE_LOOP)
        time_spend(STEP_US);
    return __real_SSL_accept(ssl);
}

/* The loop may have a system call made for each record. */
int __wrap_SSL_read_ex(SSL *ssl, void *out, size_t size, size_t *ret_length)
{
    int result = __real_SSL_read_ex(ssl, out, size, ret_length);
    if (result == 1)
        call_got_on();
    return result;
}
