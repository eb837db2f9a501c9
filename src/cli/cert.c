/* `vif cert`: lists, issues, renews and removes certificates of a local authority, for HTTPS on this machine.
 * A build without TLS only says that it is one. */
#include "cli/commands.h"
#include "cli/print.h"
#include "cli/session.h"

#include <stdio.h>

#ifdef HAVE_TLS

#include "cli/authority.h"
#include "sys/clock.h"
#include "tls/pair.h"

#define NS_PER_SECOND  1000000000
#define TEXT_BYTES_MAX (4u << 20)

/* One run of the command. */
struct cert {
    struct session *session;
    struct tls_local_ca ca;
    struct tls_report report;
    struct buffer text; /* what is printed at the end */
    int64_t now;
};

/* --ca, or NULL. */
static const char *given_folder(const struct arguments *arguments)
{
    const char *folder = NULL;
    for (size_t i = 0; i < arguments->given_count; i++)
        if (arguments->given[i].flag->own == OWN_CERT)
            folder = arguments->given[i].value.text.data;
    return folder;
}

static int cert_command_finish(struct cert *cert, bool is_good)
{
    authority_print_findings(&cert->report);
    if (is_good)
        return print_finish(&cert->text, 0);
    buffer_finish(&cert->text);
    return EXIT_FAILED;
}

/* ---- the actions ---- */

static void list_one(void *context, const struct tls_local_certificate *certificate)
{
    struct cert *cert = context;
    char date[TLS_DATE_BYTES];
    tls_date_format(certificate->expires, date);
    const char *note = !certificate->is_ours              ? "  (of another authority)"
                       : certificate->expires < cert->now ? "  (expired)"
                                                          : "";
    buffer_printf(&cert->text, "%-24s  %s  %s%s\n", certificate->name, date, certificate->hosts, note);
}

static bool list(struct cert *cert)
{
    if (!tls_local_ca_list(&cert->ca, list_one, cert, &cert->report))
        return false;
    if (cert->text.length == 0)
        buffer_append(&cert->text,
                      SLICE("There are no certificates yet: vif cert issue localhost 127.0.0.1\n"));
    authority_explain_trust(&cert->ca, &cert->text);
    return true;
}

static bool issue(struct cert *cert)
{
    const struct arguments *arguments = &cert->session->arguments;
    struct slice hosts[ARGUMENTS_MAX];
    char path[TLS_LOCAL_CA_PATH_BYTES];
    for (size_t i = 0; i < arguments->more_count; i++)
        hosts[i] = arguments->more[i].text;
    if (!tls_local_ca_issue(&cert->ca, hosts, arguments->more_count, cert->now, path, &cert->report))
        return false;
    buffer_printf(&cert->text, "%s\n", path);
    if (cert->ca.is_new)
        authority_explain_trust(&cert->ca, &cert->text);
    return true;
}

static bool cert_command_renew(struct cert *cert)
{
    const struct arguments *arguments = &cert->session->arguments;
    bool is_good = true;
    for (size_t i = 0; i < arguments->more_count; i++)
        is_good &= tls_local_ca_renew(&cert->ca, arguments->more[i].text.data, cert->now, &cert->report);
    return is_good;
}

static bool remove_certificates(struct cert *cert)
{
    const struct arguments *arguments = &cert->session->arguments;
    bool is_good = true;
    for (size_t i = 0; i < arguments->more_count; i++)
        is_good &= tls_local_ca_remove(&cert->ca, arguments->more[i].text.data, &cert->report);
    return is_good;
}

struct action {
    const char *name;
    const char *needs; /* what must stand behind it; NULL: nothing may */
    bool (*run)(struct cert *cert);
};

static const struct action actions[] = {
    {"list", NULL, list},
    {"issue", "the names and addresses that it is for, such as: localhost 127.0.0.1", issue},
    {"renew", "names of the list (see vif cert list)", cert_command_renew},
    {"remove", "names of the list (see vif cert list)", remove_certificates},
};

static const struct action *find_action(struct slice name)
{
    for (size_t i = 0; i < ARRAY_LENGTH(actions); i++)
        if (name.data == NULL || slice_equal(name, slice_from(actions[i].name)))
            return &actions[i];
    return NULL;
}

/* ---- the command ---- */

static int cert_command_refuse(struct session *session)
{
    print_diagnostics(&session->diagnostics);
    return EXIT_MISTAKE;
}

static const struct action *choose_action(struct session *session)
{
    struct arguments *arguments = &session->arguments;
    struct argument word = arguments->operand;
    const struct action *action = find_action(word.text);
    if (action == NULL)
        diagnostics_add(&session->diagnostics, word.position,
                        "expected list, issue, renew or remove, not \"%.*s\"", SLICE_ARGS(word.text));
    else if (action->needs && arguments->more_count == 0)
        diagnostics_add(&session->diagnostics, (struct source_position){0}, "vif cert %s needs %s",
                        action->name, action->needs);
    else if (action->needs == NULL && arguments->more_count > 0)
        diagnostics_add(&session->diagnostics, (struct source_position){0},
                        "unexpected argument \"%s\": vif cert list takes none", arguments->more[0].text.data);
    return action;
}

static int cert_command_act(struct session *session)
{
    static struct cert cert; /* too large for some stacks */
    char folder[TLS_LOCAL_CA_PATH_BYTES], owner[AUTHORITY_OWNER_BYTES];
    const struct action *action = choose_action(session);
    if (session->diagnostics.errors > 0)
        return cert_command_refuse(session);
    if (!authority_find_folder(given_folder(&session->arguments), folder))
        return EXIT_FAILED;
    authority_name_owner(owner);
    cert = (struct cert){.session = session, .now = sys_realtime_ns() / NS_PER_SECOND};
    buffer_init(&cert.text, TEXT_BYTES_MAX);
    /* Only issuing makes an authority. */
    bool is_open =
        tls_local_ca_open(folder, action->run == issue ? owner : NULL, cert.now, &cert.ca, &cert.report);
    int exit_code = cert_command_finish(&cert, is_open && action->run(&cert));
    tls_local_ca_finish(&cert.ca);
    return exit_code;
}

#else

static int cert_command_act(struct session *session)
{
    (void)session;
    fputs("vif: this vif was built without TLS: it knows no certificates\n", stderr);
    return EXIT_FAILED;
}

#endif

int command_cert(char *const *words)
{
    return session_run(FLAG_OF_CERT, words, cert_command_act);
}
