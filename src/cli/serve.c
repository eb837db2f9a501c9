/* `vif [DIR|FILE]`: a folder or a single file, at once, without a configuration. What a developer wants is
 * on: pages that list folders, a 404.html for what is not there, and an access log on the terminal. */
#include "cli/local_https.h"
#include "cli/session.h"
#include "sys/file.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#define FILES "sites.0.routes./.files."

static struct argument text_argument(const char *text)
{
    return (struct argument){.text = slice_from(text)};
}

static bool serve_command_is_file(struct slice path)
{
    struct file_status status;
    return path.data && sys_path_status(path.data, &status) == 0 && S_ISREG(status.mode);
}

/* A file is the only one that is served of its folder. */
static int set_file(struct document *document, struct argument file)
{
    size_t start = file.text.length;
    while (start > 0 && file.text.data[start - 1] != '/')
        start--;
    struct argument root = file, name = file;
    root.text = start > 0 ? slice_take(file.text, start) : SLICE(".");
    name.text = slice_skip(file.text, start);
    int error = document_set(document, SLICE(FILES "root"), root);
    if (error == 0)
        error = document_set(document, SLICE(FILES "only"), name);
    return error ? error : document_set(document, SLICE(FILES "hidden"), text_argument("true"));
}

static int set_folder(struct document *document, struct argument folder)
{
    if (folder.text.data == NULL)
        folder = text_argument(".");
    int error = document_set(document, SLICE(FILES "root"), folder);
    return error ? error : document_set(document, SLICE(FILES "listing"), text_argument("true"));
}

static int set_error_page(struct document *document, struct slice status, struct slice path)
{
    struct source_position nowhere = {0};
    struct node *map = document_reach(document, SLICE(FILES "error_pages"), NODE_MAP, nowhere);
    struct node *key = node_text(document, status, nowhere);
    struct node *value = node_text(document, path, nowhere);
    return map && key && value ? node_put(document, map, key, value) : -ENOMEM;
}

/* What goes without saying; flags go before it. */
static int set_defaults(struct session *session)
{
    struct document *document = &session->document;
    struct argument operand = session->arguments.operand;
    int error =
        serve_command_is_file(operand.text) ? set_file(document, operand) : set_folder(document, operand);
    if (error == 0)
        error = set_error_page(document, SLICE("404"), SLICE("404.html"));
    if (error == 0)
        error = document_set(document, SLICE(FILES "precompressed_alone"), text_argument("true"));
    if (error == 0)
        error = document_set(document, SLICE("log.access.path"), text_argument("-"));
    return error;
}

static int serve(struct session *session)
{
    int exit_code;
    if (set_defaults(session) != 0) {
        fputs("vif: out of memory\n", stderr);
        return EXIT_FAILED;
    }
#ifdef HAVE_TLS
    if (!local_https_prepare(session, &exit_code))
        return exit_code;
#endif
    if (!session_build(session, &exit_code))
        return exit_code;
    const struct files_settings *files = &session->config->settings->sites[0].routes[0].files;
    bool is_single = files->only.length > 0;
    return session_serve(session, is_single ? session->arguments.operand.text.data : files->root.data);
}

int command_serve(char *const *words)
{
    return session_run(FLAG_OF_SERVE, words, serve);
}
