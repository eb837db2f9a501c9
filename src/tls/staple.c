/* OCSP responses (RFC 6960): parsed once, to check their certificate and validity. */
#include "tls/staple.h"

#include "tls/pair.h"
#include "tls/pem.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ocsp.h>

static OCSP_BASICRESP *tls_staple_parse(struct slice bytes)
{
    const unsigned char *at = (const unsigned char *)bytes.data;
    OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &at, (long)bytes.length);
    OCSP_BASICRESP *basic = NULL;
    if (response && OCSP_response_status(response) == OCSP_RESPONSE_STATUS_SUCCESSFUL)
        basic = OCSP_response_get1_basic(response);
    OCSP_RESPONSE_free(response);
    ERR_clear_error();
    return basic;
}

/* An identity is the serial number, and hashes of the issuer by an algorithm of the responder's choice. */
static bool is_for(const OCSP_CERTID *identity, const X509 *certificate, const X509 *issuer)
{
    ASN1_OBJECT *algorithm = NULL;
    ASN1_INTEGER *serial = NULL;
    OCSP_id_get0_info(NULL, &algorithm, NULL, &serial, (OCSP_CERTID *)identity);
    if (ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(certificate)) != 0)
        return false;
    if (issuer == NULL)
        return true;
    OCSP_CERTID *expected = OCSP_cert_to_id(EVP_get_digestbyobj(algorithm), certificate, issuer);
    bool is_same = expected && OCSP_id_cmp(expected, identity) == 0;
    OCSP_CERTID_free(expected);
    ERR_clear_error();
    return is_same;
}

static OCSP_SINGLERESP *tls_staple_find(OCSP_BASICRESP *basic, const X509 *certificate, const X509 *issuer)
{
    for (int i = 0; i < OCSP_resp_count(basic); i++) {
        OCSP_SINGLERESP *single = OCSP_resp_get0(basic, i);
        if (is_for(OCSP_SINGLERESP_get0_id(single), certificate, issuer))
            return single;
    }
    return NULL;
}

/* The end of the response's validity; adds a finding if it is not valid at `now`. */
static int64_t judge(OCSP_SINGLERESP *single, const char *path, int64_t now, struct tls_report *report)
{
    ASN1_GENERALIZEDTIME *made = NULL, *next = NULL;
    char date[TLS_DATE_BYTES];
    int status = OCSP_single_get0_status(single, NULL, NULL, &made, &next);
    int64_t from = made ? tls_time_from(made) : 0;
    int64_t until = next ? tls_time_from(next) : from + TLS_STAPLE_SECONDS_MAX;
    tls_date_format(until, date);
    if (now > until)
        tls_report_add(report, TLS_LEVEL_WARNING, "%s: is too old to be sent: it held until %s", path, date);
    else if (status == V_OCSP_CERTSTATUS_REVOKED)
        tls_report_add(report, TLS_LEVEL_WARNING, "%s: says that the certificate was revoked", path);
    return until;
}

static bool tls_staple_check(struct slice bytes, const char *path, X509 *certificate, X509 *issuer,
                             int64_t now, int64_t *ret_until, struct tls_report *report)
{
    OCSP_BASICRESP *basic = tls_staple_parse(bytes);
    OCSP_SINGLERESP *single = basic ? tls_staple_find(basic, certificate, issuer) : NULL;
    if (basic == NULL)
        tls_report_add(report, TLS_LEVEL_WARNING, "%s: is no successful OCSP response in DER form; not sent",
                       path);
    else if (single == NULL)
        tls_report_add(report, TLS_LEVEL_WARNING, "%s: is about another certificate; not sent", path);
    else
        *ret_until = judge(single, path, now, report);
    OCSP_BASICRESP_free(basic);
    return single && now <= *ret_until;
}

void tls_staple_load(const char *path, X509 *certificate, X509 *issuer, int64_t now,
                     struct tls_staple *ret_staple, struct tls_report *report)
{
    struct file_status status;
    struct tls_report of_file = {0};
    *ret_staple = (struct tls_staple){0};
    buffer_init(&ret_staple->response, TLS_FILE_BYTES_MAX);
    if (!tls_pem_read_file(path, &ret_staple->response, &status, &of_file))
        tls_report_add(report, TLS_LEVEL_WARNING, "%s; no OCSP response is sent",
                       tls_report_gravest(&of_file));
    else if (tls_staple_check(buffer_slice(&ret_staple->response), path, certificate, issuer, now,
                              &ret_staple->until, report))
        return;
    tls_staple_finish(ret_staple);
}

void tls_staple_finish(struct tls_staple *staple)
{
    buffer_finish(&staple->response);
    staple->until = 0;
}
