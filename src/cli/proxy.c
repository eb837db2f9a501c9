/* `vif proxy SERVER...`: a reverse proxy at once, without a configuration. */
#include "cli/local_https.h"
#include "cli/session.h"

#include <errno.h>
#include <stdio.h>

#define SERVERS "sites.0.routes./.proxy.to"

static int proxy_command_add(struct session *session)
{
    const struct arguments *arguments = &session->arguments;
    struct document *document = &session->document;
    struct argument log = {.text = SLICE("-")};
    struct node *list = document_reach(document, SLICE(SERVERS), NODE_LIST, arguments->operand.position);
    int error = list ? document_append(document, list, arguments->operand) : -ENOMEM;
    for (size_t i = 0; error == 0 && i < arguments->more_count; i++)
        error = document_append(document, list, arguments->more[i]);
    return error ? error : document_set(document, SLICE("log.access.path"), log);
}

static int proxy_command(struct session *session)
{
    int exit_code;
    if (session->arguments.operand.text.data == NULL) {
        fputs("vif: vif proxy needs a server, such as 3000 or http://localhost:3000\n", stderr);
        return EXIT_MISTAKE;
    }
    if (proxy_command_add(session) != 0) {
        fputs("vif: out of memory\n", stderr);
        return EXIT_FAILED;
    }
#ifdef HAVE_TLS
    if (!local_https_prepare(session, &exit_code))
        return exit_code;
#endif
    if (!session_build(session, &exit_code))
        return exit_code;
    return session_serve(session, session->config->settings->sites[0].routes[0].proxy.servers[0].url.data);
}

int command_proxy(char *const *words)
{
    return session_run(FLAG_OF_PROXY, words, proxy_command);
}
