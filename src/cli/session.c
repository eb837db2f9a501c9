/* What serve, run and check share. */
#include "cli/session.h"

#include "cli/banner.h"
#include "cli/fault.h"
#include "cli/help.h"
#include "cli/print.h"
#include "cli/terminal.h"
#include "proc/master.h"

#include <errno.h>
#include <stdio.h>

#define DEFAULT_FILE "vif.yaml"

/* Tells what is wrong, on standard error. */
static bool refuse(struct session *session, int error, int *ret_exit)
{
    if (error == -ENOMEM) {
        fputs("vif: out of memory\n", stderr);
        *ret_exit = EXIT_FAILED;
        return false;
    }
    print_diagnostics(&session->diagnostics);
    *ret_exit = EXIT_MISTAKE;
    return false;
}

static bool has_mistakes(const struct session *session)
{
    return session->diagnostics.errors > 0;
}

bool session_begin(struct session *session, unsigned command, char *const *words, int *ret_exit)
{
    *session = (struct session){0};
    diagnostics_init(&session->diagnostics);
    int error = document_init(&session->document);
    arguments_read(&session->arguments, command, words, &session->diagnostics);
    if (session->arguments.help) {
        *ret_exit = help_print(command);
        return false;
    }
    if (session->arguments.version) {
        *ret_exit = command_version(words);
        return false;
    }
    /* Otherwise the folder of the file counts. */
    if (error == 0 && command == FLAG_OF_SERVE)
        error =
            document_find_current_folder(&session->document, &session->diagnostics, &session->base_folder);
    return error == 0 && !has_mistakes(session) ? true : refuse(session, error, ret_exit);
}

const char *session_file(const struct session *session)
{
    if (session->arguments.config)
        return session->arguments.config;
    return session->arguments.operand.text.data ? session->arguments.operand.text.data : DEFAULT_FILE;
}

bool session_read_file(struct session *session, int *ret_exit)
{
    int error = document_load_file(session_file(session), &session->diagnostics, &session->document,
                                   &session->base_folder);
    return error == 0 ? true : refuse(session, error, ret_exit);
}

bool session_build(struct session *session, int *ret_exit)
{
    int error = arguments_apply(&session->arguments, &session->document);
    if (error == 0)
        error =
            config_build(&session->document, session->base_folder, &session->diagnostics, &session->config);
    if (error)
        return refuse(session, error, ret_exit);
    print_diagnostics(&session->diagnostics); /* warnings */
    return true;
}

static void on_ready(void *context, const struct address *addresses, size_t count)
{
    const char *title = context;
    struct buffer text;
    buffer_init(&text, 1u << 16);
    banner_print(title, addresses, count, terminal_has_colours(stderr), &text);
    fwrite(text.data, 1, text.length, stderr);
    buffer_finish(&text);
}

int session_serve(struct session *session, const char *title)
{
    /* Under a service manager the error log says enough. */
    bool is_service = session->arguments.command == FLAG_OF_RUN && !terminal_is(stderr);
    bool shows_banner = !session->arguments.quiet && !is_service;
    struct master_options options = {
        .config = session->config,
        .on_ready = shows_banner ? on_ready : NULL,
        .context = (void *)title,
    };
    struct master_result result;
    int exit_code = master_run(&options, &result);
    fault_explain(&result, session->config, stderr);
    return exit_code;
}

void session_finish(struct session *session)
{
    config_destroy(session->config);
    document_finish(&session->document);
    diagnostics_finish(&session->diagnostics);
}
