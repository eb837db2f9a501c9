/* Chains: issued-by between neighbours, and the end. */
#include "tls/chain.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

void tls_common_name(const X509_NAME *name, char out[TLS_COMMON_NAME_BYTES])
{
    out[0] = '\0';
    if (X509_NAME_get_text_by_NID((X509_NAME *)name, NID_commonName, out, TLS_COMMON_NAME_BYTES) < 0)
        X509_NAME_oneline(name, out, TLS_COMMON_NAME_BYTES);
}

static bool has_issued(X509 *issuer, X509 *certificate)
{
    return X509_check_issued(issuer, certificate) == X509_V_OK;
}

/* Looks into the system's folder of trusted roots. */
static bool is_trusted_root_behind(X509 *last)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *search = X509_STORE_CTX_new();
    X509 *issuer = NULL;
    bool is_found = store && search && X509_STORE_set_default_paths(store) == 1 &&
                    X509_STORE_CTX_init(search, store, last, NULL) == 1 &&
                    X509_STORE_CTX_get1_issuer(&issuer, search, last) == 1;
    X509_free(issuer);
    X509_STORE_CTX_free(search);
    X509_STORE_free(store);
    ERR_clear_error();
    return is_found;
}

/* Authority Information Access with an address of the issuer's certificate: RFC 5280 section 4.2.2.1. */
static bool says_where_its_issuer_is(X509 *certificate)
{
    AUTHORITY_INFO_ACCESS *accesses = X509_get_ext_d2i(certificate, NID_info_access, NULL, NULL);
    bool is_found = false;
    for (int i = 0; i < sk_ACCESS_DESCRIPTION_num(accesses); i++)
        is_found |= OBJ_obj2nid(sk_ACCESS_DESCRIPTION_value(accesses, i)->method) == NID_ad_ca_issuers;
    AUTHORITY_INFO_ACCESS_free(accesses);
    return is_found;
}

static void check_last(X509 *last, const char *path, struct tls_report *report)
{
    if (has_issued(last, last) || is_trusted_root_behind(last))
        return;
    char issuer[TLS_COMMON_NAME_BYTES];
    tls_common_name(X509_get_issuer_name(last), issuer);
    if (says_where_its_issuer_is(last))
        tls_report_add(
            report, TLS_LEVEL_DOUBT,
            "%s: the chain is incomplete: the certificate of its issuer \"%s\" is missing; append it", path,
            issuer);
    else
        tls_report_add(
            report, TLS_LEVEL_WARNING,
            "%s: the issuer \"%s\" is neither in the file nor trusted by this system; clients must "
            "know it, or its certificate be appended",
            path, issuer);
}

void tls_chain_check(X509 *certificate, STACK_OF(X509) * chain, const char *path, struct tls_report *report)
{
    X509 *last = certificate;
    for (int i = 0; i < sk_X509_num(chain); i++) {
        X509 *issuer = sk_X509_value(chain, i);
        if (!has_issued(issuer, last)) {
            char wanted[TLS_COMMON_NAME_BYTES];
            tls_common_name(X509_get_issuer_name(last), wanted);
            tls_report_add(
                report, TLS_LEVEL_DOUBT,
                "%s: the chain is incomplete: certificate number %d should be that of \"%s\", which "
                "issued the one before it",
                path, i + 2, wanted);
            return;
        }
        last = issuer;
    }
    check_last(last, path, report);
}
