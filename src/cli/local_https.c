/* Names are those of this machine and of what it listens on: a certificate that lacks one of today's is made
 * anew. */
#include "cli/local_https.h"

#include "cli/authority.h"
#include "sys/account.h"
#include "sys/address.h"
#include "sys/clock.h"
#include "sys/reachable.h"

#include <stdio.h>

#define CERTIFICATE_PATH "sites.0.tls.certificate"
#define NS_PER_SECOND    1000000000
#define HOSTS_MAX        64
#define TEXT_BYTES_MAX   (64u << 10)

struct local_hosts {
    struct arena *arena;
    struct slice list[HOSTS_MAX];
    size_t count;
};

static void local_https_add_host(struct local_hosts *hosts, struct slice host)
{
    struct slice copy = arena_copy(hosts->arena, host);
    bool is_new = copy.data != NULL && tls_issue_accepts(copy);
    for (size_t i = 0; i < hosts->count && is_new; i++)
        is_new = !slice_equal_nocase(hosts->list[i], copy);
    if (is_new && hosts->count < HOSTS_MAX)
        hosts->list[hosts->count++] = copy;
}

static void add_address(void *context, const struct address *address)
{
    char text[ADDRESS_TEXT_BYTES_MAX];
    local_https_add_host(context, slice_make(text, address_format_host(address, text)));
}

/* Of an address of the command line, with a port or without: "[::1]:80", "::1", "127.0.0.1:80". */
static struct slice host_of(struct slice address)
{
    size_t colon = slice_find(address, ':');
    struct slice behind = slice_skip(address, MIN(colon + 1, address.length));
    if (slice_starts_with(address, SLICE("[")))
        return slice_take(slice_skip(address, 1), slice_find(address, ']') - 1);
    bool is_bare_v6 = slice_find(behind, ':') < behind.length;
    return is_bare_v6 ? address : slice_take(address, colon);
}

static void add_given(struct local_hosts *hosts, const struct arguments *arguments)
{
    for (size_t i = 0; i < arguments->given_count; i++) {
        struct slice address = arguments->given[i].value.text;
        if (arguments->given[i].flag->own == OWN_ADDRESS && !slice_starts_with(address, SLICE("unix:")))
            local_https_add_host(hosts, host_of(address));
    }
}

static void local_https_collect_hosts(struct local_hosts *hosts, const struct arguments *arguments)
{
    char name[256];
    local_https_add_host(hosts, SLICE("localhost"));
    local_https_add_host(hosts, SLICE("127.0.0.1"));
    local_https_add_host(hosts, SLICE("::1"));
    sys_host_name(name, sizeof(name));
    local_https_add_host(hosts, slice_from(name));
    add_given(hosts, arguments);
    sys_reachable_addresses(true, add_address, hosts);
}

static void print_trust(const struct tls_local_ca *ca)
{
    struct buffer text;
    buffer_init(&text, TEXT_BYTES_MAX);
    buffer_append(&text, SLICE("\nA certificate authority was made for this machine. Browsers warn of its "
                               "certificates until they\nare told to trust it (again: vif cert).\n"));
    authority_explain_trust(ca, &text);
    fwrite(text.data, 1, text.length, stderr);
    buffer_finish(&text);
}

static bool local_https_make(struct session *session, struct tls_local_ca *ca,
                             char path[TLS_LOCAL_CA_PATH_BYTES], struct tls_report *report)
{
    char folder[TLS_LOCAL_CA_PATH_BYTES], owner[AUTHORITY_OWNER_BYTES];
    struct local_hosts hosts = {.arena = &session->document.arena};
    int64_t now = sys_realtime_ns() / NS_PER_SECOND;
    authority_name_owner(owner);
    local_https_collect_hosts(&hosts, &session->arguments);
    return authority_find_folder(NULL, folder) && tls_local_ca_open(folder, owner, now, ca, report) &&
           tls_local_ca_ensure(ca, hosts.list, hosts.count, now, path, report);
}

bool local_https_prepare(struct session *session, int *ret_exit)
{
    static struct tls_local_ca ca; /* too large for some stacks, as is the report */
    static struct tls_report report;
    char path[TLS_LOCAL_CA_PATH_BYTES];
    if (!arguments_want_tls(&session->arguments) || arguments_set(&session->arguments, CERTIFICATE_PATH))
        return true;
    bool is_made = local_https_make(session, &ca, path, &report);
    authority_print_findings(&report);
    if (is_made && ca.is_new)
        print_trust(&ca);
    tls_local_ca_finish(&ca);
    is_made = is_made && document_set(&session->document, SLICE(CERTIFICATE_PATH),
                                      (struct argument){.text = slice_from(path)}) == 0;
    *ret_exit = EXIT_FAILED;
    return is_made;
}
