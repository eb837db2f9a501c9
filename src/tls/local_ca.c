/* The folder of a local authority. After a file was written it is read again: so two programs that start at
 * the same time both use the file that is there in the end. */
#include "tls/local_ca.h"

#include "base/error.h"
#include "sys/folder.h"
#include "sys/socket.h"
#include "tls/pair.h"
#include "tls/pem.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>

#define DAY_SECONDS 86400
#define HOSTS_MAX   100

/* ---- files ---- */

static bool local_ca_name_file(const struct tls_local_ca *ca, const char *name,
                               char out[TLS_LOCAL_CA_PATH_BYTES], struct tls_report *report)
{
    if (snprintf(out, TLS_LOCAL_CA_PATH_BYTES, "%s/%s", ca->folder, name) < TLS_LOCAL_CA_PATH_BYTES)
        return true;
    tls_report_add(report, TLS_LEVEL_ERROR, "%s: the path is too long", ca->folder);
    return false;
}

/* A name of a list, never a path to somewhere else. */
static bool name_issued(const struct tls_local_ca *ca, const char *name, char out[TLS_LOCAL_CA_PATH_BYTES],
                        struct tls_report *report)
{
    char file[TLS_LOCAL_NAME_BYTES + 16];
    if (name[0] == '\0' || name[0] == '.' || strchr(name, '/') || strlen(name) >= TLS_LOCAL_NAME_BYTES) {
        tls_report_add(report, TLS_LEVEL_ERROR, "\"%s\" is no name of a certificate", name);
        return false;
    }
    snprintf(file, sizeof(file), "issued/%s.pem", name);
    return local_ca_name_file(ca, file, out, report);
}

static bool local_ca_write_file(const char *path, BIO *text, enum private_mode mode,
                                struct tls_report *report)
{
    char *bytes;
    long length = BIO_get_mem_data(text, &bytes);
    int error = sys_write_private_file(path, slice_make(bytes, (size_t)length), mode);
    if (error)
        tls_report_add(report, TLS_LEVEL_ERROR, "%s: cannot be written: %s", path, error_text(error));
    return error == 0;
}

/* Key, certificate and what else belongs into one file, each NULL to be left out. */
static bool write_pem(const char *path, enum private_mode mode, EVP_PKEY *key, X509 *certificate,
                      X509 *issuer, struct tls_report *report)
{
    BIO *text = BIO_new(BIO_s_secmem());
    bool is_made = text &&
                   (key == NULL || PEM_write_bio_PrivateKey(text, key, NULL, NULL, 0, NULL, NULL) == 1) &&
                   PEM_write_bio_X509(text, certificate) == 1 &&
                   (issuer == NULL || PEM_write_bio_X509(text, issuer) == 1);
    bool is_written = is_made && local_ca_write_file(path, text, mode, report);
    BIO_free(text);
    ERR_clear_error();
    return is_written;
}

static bool exists(const char *path)
{
    struct file_status status;
    return sys_path_status(path, &status) != -ENOENT;
}

/* ---- the authority ---- */

static bool make_folders(const struct tls_local_ca *ca, struct tls_report *report)
{
    char issued[TLS_LOCAL_CA_PATH_BYTES];
    if (!local_ca_name_file(ca, "issued", issued, report))
        return false;
    int error = sys_make_private_folder(issued);
    if (error)
        tls_report_add(report, TLS_LEVEL_ERROR, "%s: cannot be made: %s", issued, error_text(error));
    return error == 0;
}

static bool make_authority(struct tls_local_ca *ca, const char *key_path, const char *owner, int64_t now,
                           struct tls_report *report)
{
    struct tls_issued_pair authority = {0};
    bool is_made =
        tls_issue_authority(owner, now, &authority) &&
        write_pem(key_path, PRIVATE_MODE_OWNER, authority.key, authority.certificate, NULL, report);
    tls_issued_pair_finish(&authority);
    ca->is_new = is_made;
    return is_made;
}

static bool read_authority(struct tls_local_ca *ca, const char *key_path, int64_t now,
                           struct tls_report *report)
{
    struct tls_pair pair;
    struct tls_pair_files files = {.certificate = key_path};
    if (!tls_pair_load(&files, now, &pair, report))
        return false;
    X509_up_ref(pair.certificate);
    EVP_PKEY_up_ref(pair.key);
    ca->authority = (struct tls_issued_pair){pair.certificate, pair.key};
    bool has_expired = now > pair.expires;
    if (has_expired)
        tls_report_add(report, TLS_LEVEL_ERROR, "%s: the authority has expired; remove %s to make another",
                       key_path, ca->folder);
    tls_pair_finish(&pair);
    return !has_expired;
}

/* The certificate for browsers is a copy, made again where it is missing. */
static bool write_copy(const struct tls_local_ca *ca, struct tls_report *report)
{
    char path[TLS_LOCAL_CA_PATH_BYTES];
    if (!local_ca_name_file(ca, "ca.pem", path, report))
        return false;
    return (exists(path) && !ca->is_new) ||
           write_pem(path, PRIVATE_MODE_ALL, NULL, ca->authority.certificate, NULL, report);
}

static bool local_ca_is_there(const char *key_path, struct tls_report *report)
{
    bool is_found = exists(key_path);
    if (!is_found)
        tls_report_add(report, TLS_LEVEL_ERROR,
                       "%s: there is no authority yet; issuing a certificate makes one", key_path);
    return is_found;
}

bool tls_local_ca_open(const char *folder, const char *owner, int64_t now, struct tls_local_ca *ret_ca,
                       struct tls_report *report)
{
    char key_path[TLS_LOCAL_CA_PATH_BYTES];
    *ret_ca = (struct tls_local_ca){0};
    if (strlen(folder) >= sizeof(ret_ca->folder)) {
        tls_report_add(report, TLS_LEVEL_ERROR, "%s: the path is too long", folder);
        return false;
    }
    memcpy(ret_ca->folder, folder, strlen(folder) + 1);
    bool is_open = local_ca_name_file(ret_ca, "ca.key", key_path, report) &&
                   (owner ? make_folders(ret_ca, report) : local_ca_is_there(key_path, report)) &&
                   (exists(key_path) || make_authority(ret_ca, key_path, owner, now, report)) &&
                   read_authority(ret_ca, key_path, now, report) && write_copy(ret_ca, report);
    if (!is_open)
        tls_local_ca_finish(ret_ca);
    return is_open;
}

void tls_local_ca_finish(struct tls_local_ca *ca)
{
    tls_issued_pair_finish(&ca->authority);
}

void tls_local_ca_path(const struct tls_local_ca *ca, char out[TLS_LOCAL_CA_PATH_BYTES])
{
    snprintf(out, TLS_LOCAL_CA_PATH_BYTES, "%s/ca.pem", ca->folder);
}

/* ---- issuing ---- */

static bool local_ca_check_hosts(const struct slice *hosts, size_t host_count, struct tls_report *report)
{
    for (size_t i = 0; i < host_count; i++)
        if (!tls_issue_accepts(hosts[i])) {
            tls_report_add(report, TLS_LEVEL_ERROR,
                           "\"%.*s\" is neither a name (www.example.org, *.example.org) nor an IP address",
                           SLICE_ARGS(hosts[i]));
            return false;
        }
    return true;
}

/* Of the host's own bytes, but for those that shells and file systems could take for something else. */
static void name_after(struct slice host, char out[TLS_LOCAL_NAME_BYTES])
{
    size_t length = MIN(host.length, (size_t)TLS_LOCAL_NAME_BYTES - 1);
    for (size_t i = 0; i < length; i++)
        out[i] = host.data[i] == '*' ? '_' : host.data[i] == ':' ? '-' : ascii_lower(host.data[i]);
    out[length] = '\0';
}

static bool issue_file(const struct tls_local_ca *ca, const char *path, const struct slice *hosts,
                       size_t host_count, int64_t now, struct tls_report *report)
{
    struct tls_issued_pair pair = {0};
    bool is_issued =
        tls_issue_server(&ca->authority, hosts, host_count, now, &pair) &&
        write_pem(path, PRIVATE_MODE_OWNER, pair.key, pair.certificate, ca->authority.certificate, report);
    tls_issued_pair_finish(&pair);
    return is_issued;
}

/* Where the certificate for these hosts lies, or will lie: it is named after the first. */
static bool name_for_hosts(const struct tls_local_ca *ca, const struct slice *hosts, size_t host_count,
                           char ret_path[TLS_LOCAL_CA_PATH_BYTES], struct tls_report *report)
{
    char name[TLS_LOCAL_NAME_BYTES];
    assert(host_count > 0);
    if (!local_ca_check_hosts(hosts, host_count, report))
        return false;
    name_after(hosts[0], name);
    return name_issued(ca, name, ret_path, report);
}

bool tls_local_ca_issue(const struct tls_local_ca *ca, const struct slice *hosts, size_t host_count,
                        int64_t now, char ret_path[TLS_LOCAL_CA_PATH_BYTES], struct tls_report *report)
{
    return name_for_hosts(ca, hosts, host_count, ret_path, report) &&
           issue_file(ca, ret_path, hosts, host_count, now, report);
}

static bool is_ours(const struct tls_local_ca *ca, X509 *certificate)
{
    bool is_signed = X509_verify(certificate, ca->authority.key) == 1;
    ERR_clear_error();
    return is_signed;
}

/* Whether the existing file can be used. Its faults are not reported, as it is replaced then. */
static bool is_good(const struct tls_local_ca *ca, const char *path, const struct slice *hosts,
                    size_t host_count, int64_t now)
{
    struct tls_pair pair;
    struct tls_pair_files files = {.certificate = path};
    struct tls_report ignored = {0};
    if (!exists(path) || !tls_pair_load(&files, now, &pair, &ignored))
        return false;
    bool covers = true;
    for (size_t i = 0; i < host_count; i++)
        covers &= tls_pair_covers(&pair, hosts[i]);
    bool lasts = pair.expires > now + (int64_t)TLS_RENEWAL_DAYS * DAY_SECONDS;
    bool is_by_us = is_ours(ca, pair.certificate);
    tls_pair_finish(&pair);
    return covers && lasts && is_by_us;
}

bool tls_local_ca_ensure(const struct tls_local_ca *ca, const struct slice *hosts, size_t host_count,
                         int64_t now, char ret_path[TLS_LOCAL_CA_PATH_BYTES], struct tls_report *report)
{
    if (!name_for_hosts(ca, hosts, host_count, ret_path, report))
        return false;
    return is_good(ca, ret_path, hosts, host_count, now) ||
           issue_file(ca, ret_path, hosts, host_count, now, report);
}

/* ---- what was issued ---- */

/* The hosts of a certificate as text, in `texts`, which the slices borrow. */
struct hosts {
    size_t count;
    struct slice slices[HOSTS_MAX];
    char texts[HOSTS_MAX][TLS_LOCAL_NAME_BYTES];
};

static void local_ca_add_host(struct hosts *hosts, const GENERAL_NAME *name)
{
    char *text = hosts->texts[hosts->count];
    const ASN1_STRING *value = name->type == GEN_DNS ? name->d.dNSName : name->d.iPAddress;
    const unsigned char *bytes = ASN1_STRING_get0_data(value);
    int length = ASN1_STRING_length(value);
    if (name->type == GEN_DNS)
        snprintf(text, TLS_LOCAL_NAME_BYTES, "%.*s", length, (const char *)bytes);
    else if (length != 4 && length != 16)
        return;
    else
        inet_ntop(length == 4 ? AF_INET : AF_INET6, bytes, text, TLS_LOCAL_NAME_BYTES);
    hosts->slices[hosts->count++] = slice_from(text);
}

static void read_hosts(X509 *certificate, struct hosts *hosts)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    hosts->count = 0;
    for (int i = 0; i < sk_GENERAL_NAME_num(names) && hosts->count < HOSTS_MAX; i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type == GEN_DNS || name->type == GEN_IPADD)
            local_ca_add_host(hosts, name);
    }
    GENERAL_NAMES_free(names);
}

bool tls_local_ca_renew(const struct tls_local_ca *ca, const char *name, int64_t now,
                        struct tls_report *report)
{
    char path[TLS_LOCAL_CA_PATH_BYTES];
    struct hosts hosts;
    if (!name_issued(ca, name, path, report))
        return false;
    STACK_OF(X509) *chain = tls_pem_read_certificates(path, report);
    if (chain == NULL)
        return false;
    read_hosts(sk_X509_value(chain, 0), &hosts);
    sk_X509_pop_free(chain, X509_free);
    if (hosts.count > 0)
        return issue_file(ca, path, hosts.slices, hosts.count, now, report);
    tls_report_add(report, TLS_LEVEL_ERROR, "%s: is for no host", path);
    return false;
}

bool tls_local_ca_remove(const struct tls_local_ca *ca, const char *name, struct tls_report *report)
{
    char path[TLS_LOCAL_CA_PATH_BYTES];
    if (!name_issued(ca, name, path, report))
        return false;
    int error = sys_remove_file(path);
    if (error)
        tls_report_add(report, TLS_LEVEL_ERROR, "%s: %s", path, error_text(error));
    return error == 0;
}

static void local_ca_describe(const struct tls_local_ca *ca, X509 *certificate,
                              struct tls_local_certificate *out)
{
    struct hosts hosts;
    size_t length = 0;
    read_hosts(certificate, &hosts);
    out->hosts[0] = '\0';
    for (size_t i = 0; i < hosts.count && length < sizeof(out->hosts); i++)
        length += (size_t)snprintf(out->hosts + length, sizeof(out->hosts) - length, "%s%.*s",
                                   i > 0 ? ", " : "", SLICE_ARGS(hosts.slices[i]));
    out->expires = tls_time_from(X509_get0_notAfter(certificate));
    out->is_ours = is_ours(ca, certificate);
}

/* "NAME.pem" gives NAME; anything else is not one of ours, such as a part that was left behind. */
static bool local_ca_take_name(const char *file, char out[TLS_LOCAL_NAME_BYTES])
{
    struct slice name = slice_from(file);
    if (!slice_ends_with(name, SLICE(".pem")) || name.length - 4 >= TLS_LOCAL_NAME_BYTES)
        return false;
    memcpy(out, name.data, name.length - 4);
    out[name.length - 4] = '\0';
    return true;
}

static bool local_ca_read_certificate(const struct tls_local_ca *ca, const char *file,
                                      struct tls_local_certificate *out, struct tls_report *report)
{
    char path[TLS_LOCAL_CA_PATH_BYTES];
    if (!local_ca_take_name(file, out->name) || !name_issued(ca, out->name, path, report))
        return false;
    STACK_OF(X509) *chain = tls_pem_read_certificates(path, report);
    if (chain)
        local_ca_describe(ca, sk_X509_value(chain, 0), out);
    sk_X509_pop_free(chain, X509_free);
    return chain != NULL;
}

static int open_issued(const struct tls_local_ca *ca, DIR **ret_folder)
{
    int root = sys_open_root(ca->folder);
    int issued = root < 0 ? root : sys_open_beneath(root, "issued", OPEN_LIST);
    if (root >= 0)
        sys_close(root);
    return issued < 0 ? issued : sys_folder_open(issued, ret_folder);
}

bool tls_local_ca_list(const struct tls_local_ca *ca,
                       void (*visit)(void *context, const struct tls_local_certificate *certificate),
                       void *context, struct tls_report *report)
{
    DIR *folder = NULL;
    const char *file;
    int more = open_issued(ca, &folder);
    if (more < 0) {
        tls_report_add(report, TLS_LEVEL_ERROR, "%s/issued: %s", ca->folder, error_text(more));
        return false;
    }
    while ((more = sys_folder_next(folder, &file)) > 0) {
        struct tls_local_certificate certificate;
        if (local_ca_read_certificate(ca, file, &certificate, report))
            visit(context, &certificate);
    }
    sys_folder_close(folder);
    return more == 0;
}
