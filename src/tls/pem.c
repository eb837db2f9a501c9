/* Files are read by sys/, whole, and then looked through by OpenSSL in memory. */
#include "tls/pem.h"

#include "base/error.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <sys/stat.h>

/* What may be found in a PEM file, and how. */
struct kind {
    const char *what; /* in a sentence: "holds no …" */
    const char *der;  /* how to make PEM of it, before the file's name */
};

static const struct kind certificates = {"certificate", "openssl x509 -inform der -in"};
static const struct kind keys = {"private key", "openssl pkey -inform der -in"};
static const struct kind crls = {"list of revoked certificates (CRL)", "openssl crl -inform der -in"};

bool tls_pem_read_file(const char *path, struct buffer *out, struct file_status *ret_status,
                       struct tls_report *report)
{
    int error = sys_read_private_file(path, out, ret_status);
    if (error == 0)
        return true;
    const char *why = error == -EFBIG    ? "it is longer than a file of certificates or keys can be"
                      : error == -EINVAL ? "it is no regular file"
                                         : error_text(error);
    tls_report_add(report, TLS_LEVEL_ERROR, "%s: %s", path, why);
    return false;
}

void tls_pem_forget(struct buffer *bytes)
{
    if (bytes->data)
        OPENSSL_cleanse(bytes->data, bytes->capacity);
    buffer_finish(bytes);
}

/* DER, the same data without base64, begins with an ASN.1 sequence. */
static void report_absence(const char *path, struct slice bytes, const struct kind *kind,
                           struct tls_report *report)
{
    if (bytes.length > 0 && bytes.data[0] == 0x30)
        tls_report_add(report, TLS_LEVEL_ERROR, "%s: is in DER form and must be PEM; convert it with: %s %s",
                       path, kind->der, path);
    else
        tls_report_add(report, TLS_LEVEL_ERROR, "%s: holds no %s in PEM form", path, kind->what);
}

static void report_damage(const char *path, const struct kind *kind, int count, struct tls_report *report)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    tls_report_add(report, TLS_LEVEL_ERROR, "%s: %s number %d is damaged (%s)", path, kind->what, count + 1,
                   reason ? reason : "no reason given");
}

/* Whether a reader stopped because there was nothing more, rather than because of an error. */
static bool tls_pem_is_at_end(void)
{
    return ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
}

/* Reads objects with `read_one` until the end into the stack; false after a finding. */
static bool read_objects(const char *path, const struct kind *kind,
                         bool (*read_one)(BIO *in, OPENSSL_STACK *out), OPENSSL_STACK *out,
                         struct tls_report *report)
{
    struct buffer bytes;
    struct file_status status;
    buffer_init(&bytes, TLS_FILE_BYTES_MAX);
    bool is_read = tls_pem_read_file(path, &bytes, &status, report);
    BIO *in = is_read ? BIO_new_mem_buf(bytes.data, (int)bytes.length) : NULL;
    ERR_clear_error();
    while (in && read_one(in, out)) {
    }
    bool is_whole = in && tls_pem_is_at_end();
    int count = OPENSSL_sk_num(out);
    if (in && !is_whole)
        report_damage(path, kind, count, report);
    else if (in && count == 0)
        report_absence(path, buffer_slice(&bytes), kind, report);
    ERR_clear_error();
    BIO_free(in);
    tls_pem_forget(&bytes);
    return is_whole && count > 0;
}

static bool tls_pem_read_certificate(BIO *in, OPENSSL_STACK *out)
{
    X509 *certificate = PEM_read_bio_X509_AUX(in, NULL, NULL, NULL);
    if (certificate && OPENSSL_sk_push(out, certificate) > 0)
        return true;
    X509_free(certificate);
    return false;
}

STACK_OF(X509) * tls_pem_read_certificates(const char *path, struct tls_report *report)
{
    STACK_OF(X509) *stack = sk_X509_new_null();
    if (stack && read_objects(path, &certificates, tls_pem_read_certificate, (OPENSSL_STACK *)stack, report))
        return stack;
    sk_X509_pop_free(stack, X509_free);
    return NULL;
}

static bool read_crl(BIO *in, OPENSSL_STACK *out)
{
    X509_CRL *crl = PEM_read_bio_X509_CRL(in, NULL, NULL, NULL);
    if (crl && OPENSSL_sk_push(out, crl) > 0)
        return true;
    X509_CRL_free(crl);
    return false;
}

STACK_OF(X509_CRL) * tls_pem_read_crls(const char *path, struct tls_report *report)
{
    STACK_OF(X509_CRL) *stack = sk_X509_CRL_new_null();
    if (stack && read_objects(path, &crls, read_crl, (OPENSSL_STACK *)stack, report))
        return stack;
    sk_X509_CRL_pop_free(stack, X509_CRL_free);
    return NULL;
}

void tls_pem_warn_of_readers(const char *path, const struct file_status *status, struct tls_report *report)
{
    if ((status->mode & S_IROTH) != 0)
        tls_report_add(report, TLS_LEVEL_WARNING,
                       "%s: every user of this machine may read the key; change that with: chmod 600 %s",
                       path, path);
}

/* Called where a key is encrypted, for its passphrase: `context` notes that it was. */
static int refuse_passphrase(char *out, int size, int is_writing, void *context)
{
    (void)out, (void)size, (void)is_writing;
    *(bool *)context = true;
    return -1;
}

static EVP_PKEY *parse_key(const char *path, struct slice bytes, struct tls_report *report)
{
    bool is_encrypted = false;
    ERR_clear_error();
    BIO *in = BIO_new_mem_buf(bytes.data, (int)bytes.length);
    EVP_PKEY *key = in ? PEM_read_bio_PrivateKey(in, NULL, refuse_passphrase, &is_encrypted) : NULL;
    if (key == NULL && is_encrypted)
        tls_report_add(report, TLS_LEVEL_ERROR,
                       "%s: is encrypted with a passphrase; decrypt it with: openssl pkey -in %s -out …",
                       path, path);
    else if (key == NULL && in && !tls_pem_is_at_end() && ERR_GET_LIB(ERR_peek_last_error()) == ERR_LIB_PEM)
        report_damage(path, &keys, 0, report);
    else if (key == NULL)
        report_absence(path, bytes, &keys, report);
    ERR_clear_error();
    BIO_free(in);
    return key;
}

EVP_PKEY *tls_pem_read_key(const char *path, struct tls_report *report)
{
    struct buffer bytes;
    struct file_status status;
    buffer_init(&bytes, TLS_FILE_BYTES_MAX);
    EVP_PKEY *key = NULL;
    if (tls_pem_read_file(path, &bytes, &status, report))
        key = parse_key(path, buffer_slice(&bytes), report);
    if (key && (status.mode & S_IROTH) != 0)
        tls_report_add(report, TLS_LEVEL_WARNING,
                       "%s: every user of this machine may read the key; change that with: chmod 600 %s",
                       path, path);
    tls_pem_forget(&bytes);
    return key;
}
