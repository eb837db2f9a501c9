/* X.509 certificates, put together by hand (RFC 5280 section 4). */
#include "tls/issue.h"

#include "sys/clock.h"

#include <arpa/inet.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <stdio.h>

#define SERIAL_BYTES      16
#define SKEW_SECONDS      3600 /* the clocks of clients may be behind ours */
#define COMMON_NAME_BYTES 64   /* RFC 5280 section A.1 */
#define HOST_BYTES        256
#define ADDRESS_BYTES     16

/* ---- hosts ---- */

/* The bytes of an IP address, in `out`: 4 or 16, or 0 where it is none. */
static size_t parse_address(struct slice host, unsigned char out[ADDRESS_BYTES])
{
    char text[INET6_ADDRSTRLEN];
    if (host.length == 0 || host.length >= sizeof(text))
        return 0;
    memcpy(text, host.data, host.length);
    text[host.length] = '\0';
    return inet_pton(AF_INET, text, out) == 1 ? 4 : inet_pton(AF_INET6, text, out) == 1 ? 16 : 0;
}

static bool is_name_byte(char byte)
{
    char lower = ascii_lower(byte);
    return (lower >= 'a' && lower <= 'z') || (byte >= '0' && byte <= '9') || byte == '-' || byte == '_';
}

/* Labels with single dots between. */
static bool tls_issue_is_name(struct slice name)
{
    char last = '.';
    for (size_t i = 0; i < name.length; i++) {
        if (!is_name_byte(name.data[i]) && (name.data[i] != '.' || last == '.'))
            return false;
        last = name.data[i];
    }
    return name.length > 0 && name.length < HOST_BYTES - 2 && last != '.';
}

bool tls_issue_accepts(struct slice host)
{
    unsigned char address[ADDRESS_BYTES];
    if (parse_address(host, address) > 0)
        return true;
    return tls_issue_is_name(slice_starts_with(host, SLICE("*.")) ? slice_skip(host, 2) : host);
}

/* ---- extensions ---- */

static bool add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, (char *)value);
    bool is_added = extension && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return is_added;
}

static bool add_name(GENERAL_NAMES *names, struct slice host)
{
    unsigned char address[ADDRESS_BYTES];
    size_t address_length = parse_address(host, address);
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_STRING *value = address_length > 0 ? ASN1_OCTET_STRING_new() : ASN1_IA5STRING_new();
    const void *bytes = address_length > 0 ? (const void *)address : host.data;
    int length = (int)(address_length > 0 ? address_length : host.length);
    if (name == NULL || value == NULL || ASN1_STRING_set(value, bytes, length) != 1) {
        GENERAL_NAME_free(name);
        ASN1_STRING_free(value);
        return false;
    }
    GENERAL_NAME_set0_value(name, address_length > 0 ? GEN_IPADD : GEN_DNS, value);
    if (sk_GENERAL_NAME_push(names, name) > 0)
        return true;
    GENERAL_NAME_free(name);
    return false;
}

static bool tls_issue_add_hosts(X509 *certificate, const struct slice *hosts, size_t host_count)
{
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    bool is_added = names != NULL;
    for (size_t i = 0; i < host_count && is_added; i++)
        is_added = add_name(names, hosts[i]);
    is_added =
        is_added && X509_add1_ext_i2d(certificate, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT) == 1;
    GENERAL_NAMES_free(names);
    return is_added;
}

/* ---- certificates ---- */

/* Positive and unpredictable (RFC 5280 section 4.1.2.2). */
static bool set_serial(X509 *certificate)
{
    unsigned char bytes[SERIAL_BYTES];
    sys_random(bytes, sizeof(bytes));
    bytes[0] = (bytes[0] & 0x7f) | 0x40;
    BIGNUM *number = BN_bin2bn(bytes, sizeof(bytes), NULL);
    bool is_set = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;
    BN_free(number);
    return is_set;
}

static bool set_dates(X509 *certificate, const X509 *issuer, int64_t now, int days)
{
    ASN1_TIME *end = X509_getm_notAfter(certificate);
    if (ASN1_TIME_adj(X509_getm_notBefore(certificate), now, 0, -SKEW_SECONDS) == NULL ||
        ASN1_TIME_adj(end, now, days, 0) == NULL)
        return false;
    return issuer == certificate || ASN1_TIME_compare(end, X509_get0_notAfter(issuer)) <= 0 ||
           X509_set1_notAfter(certificate, X509_get0_notAfter(issuer)) == 1;
}

static bool set_common_name(X509 *certificate, const char *name)
{
    return X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                                      (const unsigned char *)name, -1, -1, 0) == 1;
}

/* A version 3 certificate with a new key, not signed yet; `issuer` NULL: by itself. */
static bool tls_issue_begin(const struct tls_issued_pair *issuer, const char *common_name, int64_t now,
                            int days, struct tls_issued_pair *pair)
{
    pair->key = EVP_EC_gen("P-256");
    pair->certificate = X509_new();
    X509 *certificate = pair->certificate, *signer = issuer ? issuer->certificate : certificate;
    return pair->key && certificate && X509_set_version(certificate, X509_VERSION_3) == 1 &&
           set_serial(certificate) && set_dates(certificate, signer, now, days) &&
           set_common_name(certificate, common_name) &&
           X509_set_issuer_name(certificate, X509_get_subject_name(signer)) == 1 &&
           X509_set_pubkey(certificate, pair->key) == 1 &&
           add_extension(certificate, signer, NID_subject_key_identifier, "hash") &&
           add_extension(certificate, signer, NID_authority_key_identifier, "keyid:always");
}

/* Takes over `pair`, whole or not. */
static bool tls_issue_return_pair(bool is_whole, struct tls_issued_pair *pair,
                                  struct tls_issued_pair *ret_pair)
{
    if (is_whole)
        *ret_pair = *pair;
    else
        tls_issued_pair_finish(pair);
    ERR_clear_error();
    return is_whole;
}

bool tls_issue_authority(const char *owner, int64_t now, struct tls_issued_pair *ret_pair)
{
    struct tls_issued_pair pair = {0};
    char name[COMMON_NAME_BYTES];
    snprintf(name, sizeof(name), "vif local CA %s", owner);
    bool is_whole =
        tls_issue_begin(NULL, name, now, TLS_AUTHORITY_DAYS, &pair) &&
        add_extension(pair.certificate, pair.certificate, NID_basic_constraints,
                      "critical,CA:TRUE,pathlen:0") &&
        add_extension(pair.certificate, pair.certificate, NID_key_usage, "critical,keyCertSign,cRLSign") &&
        X509_sign(pair.certificate, pair.key, EVP_sha256()) > 0;
    return tls_issue_return_pair(is_whole, &pair, ret_pair);
}

bool tls_issue_server(const struct tls_issued_pair *authority, const struct slice *hosts, size_t host_count,
                      int64_t now, struct tls_issued_pair *ret_pair)
{
    struct tls_issued_pair pair = {0};
    X509 *issuer = authority->certificate;
    bool is_whole = tls_issue_begin(authority, "vif", now, TLS_ISSUED_DAYS, &pair) &&
                    add_extension(pair.certificate, issuer, NID_basic_constraints, "critical,CA:FALSE") &&
                    add_extension(pair.certificate, issuer, NID_key_usage, "critical,digitalSignature") &&
                    add_extension(pair.certificate, issuer, NID_ext_key_usage, "serverAuth") &&
                    tls_issue_add_hosts(pair.certificate, hosts, host_count) &&
                    X509_sign(pair.certificate, authority->key, EVP_sha256()) > 0;
    return tls_issue_return_pair(is_whole, &pair, ret_pair);
}

void tls_issued_pair_finish(struct tls_issued_pair *pair)
{
    X509_free(pair->certificate);
    EVP_PKEY_free(pair->key);
    *pair = (struct tls_issued_pair){0};
}
