/* Loading, and the checks of one certificate: its key, its dates, its names. The chain is chain.c's. */
#include "tls/pair.h"

#include "tls/chain.h"
#include "tls/client_hello.h"
#include "tls/pem.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <time.h>

#define DAY_SECONDS       86400
#define NAMES_SHOWN_BYTES 160
#define HOST_NAME_BYTES   256
#define IP_ADDRESS_BYTES  16
#define IS_ON_ONE_LABEL   X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS
#define BY_ALTERNATIVES   (IS_ON_ONE_LABEL | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT)

int64_t tls_time_from(const ASN1_TIME *time)
{
    struct tm parts;
    return ASN1_TIME_to_tm(time, &parts) ? timegm(&parts) : 0;
}

void tls_date_format(int64_t seconds, char out[TLS_DATE_BYTES])
{
    time_t time = seconds;
    struct tm parts;
    gmtime_r(&time, &parts);
    if (strftime(out, TLS_DATE_BYTES, "%Y-%m-%d", &parts) == 0)
        out[0] = '\0';
}

/* ---- dates ---- */

static void check_start(const X509 *certificate, const char *name, int64_t now, struct tls_report *report)
{
    char date[TLS_DATE_BYTES];
    int64_t start = tls_time_from(X509_get0_notBefore(certificate));
    tls_date_format(start, date);
    if (now < start)
        tls_report_add(report, TLS_LEVEL_DOUBT, "%s: is not valid before %s", name, date);
}

/* Returns when the certificate ends. */
static int64_t check_end(const X509 *certificate, const char *name, int64_t now, struct tls_report *report)
{
    char date[TLS_DATE_BYTES];
    int64_t end = tls_time_from(X509_get0_notAfter(certificate));
    int64_t days = (end - now) / DAY_SECONDS;
    tls_date_format(end, date);
    if (now > end)
        tls_report_add(report, TLS_LEVEL_DOUBT, "%s: expired on %s", name, date);
    else if (days < TLS_EXPIRY_WARNING_DAYS)
        tls_report_add(report, TLS_LEVEL_WARNING, "%s: expires on %s, in %d day%s", name, date, (int)days,
                       days == 1 ? "" : "s");
    return end;
}

static void check_dates(struct tls_pair *pair, const char *path, int64_t now, struct tls_report *report)
{
    check_start(pair->certificate, path, now, report);
    pair->expires = check_end(pair->certificate, path, now, report);
    for (int i = 0; i < sk_X509_num(pair->chain); i++) {
        char name[TLS_FINDING_BYTES_MAX];
        const X509 *issuer = sk_X509_value(pair->chain, i);
        snprintf(name, sizeof(name), "%s: certificate number %d of the chain", path, i + 2);
        int64_t end = check_end(issuer, name, now, report);
        pair->expires = MIN(pair->expires, end);
    }
}

/* ---- the key ---- */

/* In TLS 1.3 the curve belongs to the signature. */
static unsigned tls_pair_quick_of(EVP_PKEY *key)
{
    int bits = EVP_PKEY_get_bits(key);
    if (EVP_PKEY_is_a(key, "ED25519"))
        return TLS_QUICK_ED25519;
    if (EVP_PKEY_is_a(key, "ED448"))
        return TLS_QUICK_ED448;
    if (!EVP_PKEY_is_a(key, "EC"))
        return 0;
    return bits == 256 ? TLS_QUICK_P256 : bits == 384 ? TLS_QUICK_P384 : bits == 521 ? TLS_QUICK_P521 : 0;
}

static bool tls_pair_check_key(struct tls_pair *pair, const char *path, const char *key_path,
                               struct tls_report *report)
{
    bool belongs = X509_check_private_key(pair->certificate, pair->key) == 1;
    ERR_clear_error();
    bool is_rsa = EVP_PKEY_is_a(pair->key, "RSA") || EVP_PKEY_is_a(pair->key, "RSA-PSS");
    pair->quick = tls_pair_quick_of(pair->key);
    pair->is_slow = is_rsa && EVP_PKEY_get_bits(pair->key) > TLS_FAST_RSA_BITS_MAX;
    if (!belongs)
        tls_report_add(report, TLS_LEVEL_ERROR, "%s: does not belong to %s", key_path, path);
    return belongs;
}

/* ---- names ---- */

static bool covers_address(X509 *certificate, const char *host)
{
    unsigned char address[IP_ADDRESS_BYTES];
    if (inet_pton(AF_INET, host, address) == 1)
        return X509_check_ip(certificate, address, 4, 0) == 1;
    return inet_pton(AF_INET6, host, address) == 1 && X509_check_ip(certificate, address, 16, 0) == 1;
}

/* OpenSSL matches names against patterns. A pattern is covered by the same pattern only, which it would match
 * as a name of one more label: of "*.a.org" it is asked for "x.a.org", and that must be because of a pattern.
 */
static bool covers_pattern(X509 *certificate, const char *host)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    bool is_found = false;
    for (int i = 0; i < sk_GENERAL_NAME_num(names) && !is_found; i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type == GEN_DNS)
            is_found = slice_equal_nocase(slice_from(host),
                                          slice_make((const char *)ASN1_STRING_get0_data(name->d.dNSName),
                                                     (size_t)ASN1_STRING_length(name->d.dNSName)));
    }
    GENERAL_NAMES_free(names);
    return is_found;
}

bool tls_pair_covers(const struct tls_pair *pair, struct slice host)
{
    char name[HOST_NAME_BYTES];
    if (slice_ends_with(host, SLICE(".")))
        host.length--;
    if (host.length == 0 || host.length >= sizeof(name))
        return false;
    memcpy(name, host.data, host.length);
    name[host.length] = '\0';
    if (name[0] == '*')
        return covers_pattern(pair->certificate, name);
    return X509_check_host(pair->certificate, name, host.length, BY_ALTERNATIVES, NULL) == 1 ||
           covers_address(pair->certificate, name);
}

static size_t append_name(const GENERAL_NAME *name, char *out, size_t size, size_t length)
{
    if (name->type != GEN_DNS || length >= size)
        return length;
    return length + (size_t)snprintf(out + length, size - length, "%s%.*s", length > 0 ? ", " : "",
                                     ASN1_STRING_length(name->d.dNSName),
                                     (const char *)ASN1_STRING_get0_data(name->d.dNSName));
}

/* The names that it is for, for a message. */
static void list_names(X509 *certificate, char out[NAMES_SHOWN_BYTES])
{
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    size_t length = 0;
    out[0] = '\0';
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++)
        length = append_name(sk_GENERAL_NAME_value(names, i), out, NAMES_SHOWN_BYTES, length);
    GENERAL_NAMES_free(names);
}

void tls_pair_check_hosts(const struct tls_pair *pair, const char *path, const struct slice *hosts,
                          size_t host_count, struct tls_report *report)
{
    char names[NAMES_SHOWN_BYTES];
    list_names(pair->certificate, names);
    for (size_t i = 0; i < host_count; i++)
        if (!tls_pair_covers(pair, hosts[i]))
            tls_report_add(report, TLS_LEVEL_DOUBT, "%s: is not for %.*s (it is for: %s)", path,
                           SLICE_ARGS(hosts[i]), names[0] ? names : "no name at all");
}

/* ---- all of it ---- */

bool tls_pair_load(const struct tls_pair_files *files, int64_t now, struct tls_pair *ret_pair,
                   struct tls_report *report)
{
    const char *key_path = files->key ? files->key : files->certificate;
    struct tls_pair pair = {0};
    pair.chain = tls_pem_read_certificates(files->certificate, report);
    pair.key = tls_pem_read_key(key_path, report); /* both, so that both faults are told at once */
    if (pair.chain)
        pair.certificate = sk_X509_shift(pair.chain);
    if (pair.chain == NULL || pair.key == NULL ||
        !tls_pair_check_key(&pair, files->certificate, key_path, report)) {
        tls_pair_finish(&pair);
        return false;
    }
    check_dates(&pair, files->certificate, now, report);
    tls_chain_check(pair.certificate, pair.chain, files->certificate, report);
    *ret_pair = pair;
    return true;
}

void tls_pair_finish(struct tls_pair *pair)
{
    X509_free(pair->certificate);
    sk_X509_pop_free(pair->chain, X509_free);
    EVP_PKEY_free(pair->key);
    *pair = (struct tls_pair){0};
}
