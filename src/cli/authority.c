/* Where the local authority lies, and what `vif cert` and `vif --tls` print about it and how to trust it. */
#include "cli/authority.h"

#include "sys/account.h"

#include <stdio.h>
#include <stdlib.h>

#define HOST_BYTES 256

bool authority_find_folder(const char *given, char out[TLS_LOCAL_CA_PATH_BYTES])
{
    const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    if (given)
        return snprintf(out, TLS_LOCAL_CA_PATH_BYTES, "%s", given) > 0;
    if (data && data[0] == '/')
        return snprintf(out, TLS_LOCAL_CA_PATH_BYTES, "%s/vif/ca", data) > 0;
    if (home && home[0] == '/')
        return snprintf(out, TLS_LOCAL_CA_PATH_BYTES, "%s/.local/share/vif/ca", home) > 0;
    fputs("vif: no place for the authority: neither HOME nor XDG_DATA_HOME is set\n", stderr);
    return false;
}

void authority_name_owner(char out[AUTHORITY_OWNER_BYTES])
{
    char host[HOST_BYTES];
    const char *user = getenv("USER");
    sys_host_name(host, sizeof(host));
    snprintf(out, AUTHORITY_OWNER_BYTES, "%s%s%s", user ? user : "", user ? "@" : "", host);
}

void authority_print_findings(const struct tls_report *report)
{
    for (size_t i = 0; i < report->count; i++)
        fprintf(stderr, "vif: %s%s\n", report->findings[i].level == TLS_LEVEL_ERROR ? "error: " : "warning: ",
                report->findings[i].text);
}

void authority_explain_trust(const struct tls_local_ca *ca, struct buffer *out)
{
    char path[TLS_LOCAL_CA_PATH_BYTES];
    tls_local_ca_path(ca, path);
    buffer_printf(out,
                  "\nThe authority: %s\n"
                  "Whoever has its key, ca.key beside it, can make certificates that you trust.\n\n"
                  "To trust it in curl and other programs (Debian, Ubuntu):\n"
                  "  sudo cp %s /usr/local/share/ca-certificates/vif.crt\n"
                  "  sudo update-ca-certificates\n"
                  "In Chromium and Chrome (package libnss3-tools):\n"
                  "  certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n vif -i %s\n"
                  "In Firefox: Settings, Certificates, View Certificates, Authorities, Import.\n",
                  path, path, path);
}
