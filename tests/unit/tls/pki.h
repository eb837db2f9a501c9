/* Certificates of all kinds, made as a test needs them, and written to files. */
#ifndef TESTS_UNIT_TLS_PKI_H
#define TESTS_UNIT_TLS_PKI_H

#include "tests/unit/tree_builder.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#define PKI_DAY  86400
#define PKI_NAME "www.example.org"

struct pki_cert {
    X509 *certificate;
    EVP_PKEY *key;
};

struct pki_options {
    const char *common_name;
    const char *names; /* "DNS:a,IP:::1"; NULL: none */
    int rsa_bits;      /* 0: a key of ECDSA */
    bool is_ca;
    bool is_client;
    int start_days; /* from now */
    int end_days;   /* 0: 90 */
    const char *issuer_url;
    long serial; /* 0: the next */
};

static inline void pki_extend(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, (char *)value);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

static inline struct pki_cert pki_make(struct pki_options options, const struct pki_cert *issuer)
{
    static long serial = 1000;
    X509 *certificate = X509_new();
    EVP_PKEY *key = options.rsa_bits ? EVP_RSA_gen((unsigned)options.rsa_bits) : EVP_EC_gen("P-256");
    X509 *signer = issuer ? issuer->certificate : certificate;
    X509_NAME *name = X509_get_subject_name(certificate);
    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), options.serial ? options.serial : ++serial);
    X509_time_adj_ex(X509_getm_notBefore(certificate), options.start_days, -60, NULL);
    X509_time_adj_ex(X509_getm_notAfter(certificate), options.end_days ? options.end_days : 90, 0, NULL);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)options.common_name, -1, -1,
                               0);
    X509_set_issuer_name(certificate, X509_get_subject_name(signer));
    X509_set_pubkey(certificate, key);
    pki_extend(certificate, signer, NID_basic_constraints, options.is_ca ? "critical,CA:TRUE" : "CA:FALSE");
    pki_extend(certificate, signer, NID_subject_key_identifier, "hash");
    pki_extend(certificate, signer, NID_authority_key_identifier, "keyid:always");
    if (options.is_ca)
        pki_extend(certificate, signer, NID_key_usage, "critical,keyCertSign,cRLSign");
    if (options.is_client)
        pki_extend(certificate, signer, NID_ext_key_usage, "clientAuth");
    if (options.names)
        pki_extend(certificate, signer, NID_subject_alt_name, options.names);
    if (options.issuer_url)
        pki_extend(certificate, signer, NID_info_access, options.issuer_url);
    assert_true(X509_sign(certificate, issuer ? issuer->key : key, EVP_sha256()) > 0);
    return (struct pki_cert){certificate, key};
}

static inline void pki_free(struct pki_cert *cert)
{
    X509_free(cert->certificate);
    EVP_PKEY_free(cert->key);
}

/* A path in the tree; lives until the end of the test program. */
static inline const char *pki_path(const struct tree *tree, const char *name)
{
    static char paths[256][64];
    static size_t count;
    char *path = paths[count++ % ARRAY_LENGTH(paths)];
    snprintf(path, sizeof(paths[0]), "%s/%s", tree->path, name);
    return path;
}

static inline FILE *pki_open(const struct tree *tree, const char *name)
{
    const char *path = pki_path(tree, name);
    mode_t mask = umask(077);
    FILE *file = fopen(path, "we");
    umask(mask);
    assert_non_null(file);
    return file;
}

/* The certificates one after the other; NULL ends them. */
static inline const char *pki_write_chain(const struct tree *tree, const char *name,
                                          const struct pki_cert *first, const struct pki_cert *second,
                                          const struct pki_cert *third)
{
    FILE *file = pki_open(tree, name);
    PEM_write_X509(file, first->certificate);
    if (second)
        PEM_write_X509(file, second->certificate);
    if (third)
        PEM_write_X509(file, third->certificate);
    fclose(file);
    return pki_path(tree, name);
}

static inline const char *pki_write_key(const struct tree *tree, const char *name,
                                        const struct pki_cert *cert)
{
    FILE *file = pki_open(tree, name);
    assert_int_equal(PEM_write_PrivateKey(file, cert->key, NULL, NULL, 0, NULL, NULL), 1);
    fclose(file);
    return pki_path(tree, name);
}

static inline const char *pki_write_text(const struct tree *tree, const char *name, struct slice text)
{
    FILE *file = pki_open(tree, name);
    fwrite(text.data, 1, text.length, file);
    fclose(file);
    return pki_path(tree, name);
}

/* A list of revoked certificates that holds for so many days. */
static inline const char *pki_write_crl(const struct tree *tree, const char *name,
                                        const struct pki_cert *issuer, const struct pki_cert *revoked,
                                        int days)
{
    X509_CRL *crl = X509_CRL_new();
    ASN1_TIME *now = X509_time_adj_ex(NULL, -2, 0, NULL), *next = X509_time_adj_ex(NULL, days, 0, NULL);
    X509_CRL_set_version(crl, 1);
    X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer->certificate));
    X509_CRL_set1_lastUpdate(crl, now);
    X509_CRL_set1_nextUpdate(crl, next);
    if (revoked) {
        X509_REVOKED *entry = X509_REVOKED_new();
        X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(revoked->certificate));
        X509_REVOKED_set_revocationDate(entry, now);
        X509_CRL_add0_revoked(crl, entry);
    }
    assert_true(X509_CRL_sign(crl, issuer->key, EVP_sha256()) > 0);
    FILE *file = pki_open(tree, name);
    PEM_write_X509_CRL(file, crl);
    fclose(file);
    X509_CRL_free(crl);
    ASN1_TIME_free(now);
    ASN1_TIME_free(next);
    return pki_path(tree, name);
}

/* An OCSP response about `cert` that was made a day ago and holds until `days` from now. */
static inline const char *pki_write_ocsp(const struct tree *tree, const char *name,
                                         const struct pki_cert *cert, const struct pki_cert *issuer, int days,
                                         int status)
{
    OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
    OCSP_CERTID *identity = OCSP_cert_to_id(NULL, cert->certificate, issuer->certificate);
    ASN1_TIME *made = X509_time_adj_ex(NULL, -9, 0, NULL), *next = X509_time_adj_ex(NULL, days, 0, NULL);
    ASN1_GENERALIZEDTIME *from = ASN1_TIME_to_generalizedtime(made, NULL);
    ASN1_GENERALIZEDTIME *until = ASN1_TIME_to_generalizedtime(next, NULL);
    OCSP_basic_add1_status(basic, identity, status, OCSP_REVOKED_STATUS_NOSTATUS, from, from, until);
    OCSP_basic_sign(basic, issuer->certificate, issuer->key, EVP_sha256(), NULL, 0);
    OCSP_RESPONSE *response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
    unsigned char *bytes = NULL;
    int length = i2d_OCSP_RESPONSE(response, &bytes);
    assert_true(length > 0);
    const char *path = pki_write_text(tree, name, slice_make((char *)bytes, (size_t)length));
    OPENSSL_free(bytes);
    OCSP_RESPONSE_free(response);
    OCSP_BASICRESP_free(basic);
    OCSP_CERTID_free(identity);
    ASN1_TIME_free(made);
    ASN1_TIME_free(next);
    ASN1_GENERALIZEDTIME_free(from);
    ASN1_GENERALIZEDTIME_free(until);
    return path;
}

#endif
