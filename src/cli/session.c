/* What serve, run and check share. */
#include "cli/session.h"

#include "base/error.h"
#include "cli/banner.h"
#include "cli/fault.h"
#include "cli/help.h"
#include "cli/print.h"
#include "cli/terminal.h"
#include "conf/certificates.h"
#include "conf/outline.h"
#include "conf/worker_user.h"
#include "proc/master.h"
#include "proc/reload.h"
#include "sys/file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define DEFAULT_FILE "vif.yaml"

char *const *session_words;

/* Tells what is wrong, on standard error. */
static bool session_refuse(struct session *session, int error, int *ret_exit)
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

/* Returns whether there is something to do; else `ret_exit` is set. */
static bool session_begin(struct session *session, unsigned command, char *const *words, int *ret_exit)
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
        *ret_exit = version_print();
        return false;
    }
    /* Otherwise the folder of the file counts. */
    if (error == 0 && (command == FLAG_OF_SERVE || command == FLAG_OF_PROXY))
        error =
            document_find_current_folder(&session->document, &session->diagnostics, &session->base_folder);
    return error == 0 && !has_mistakes(session) ? true : session_refuse(session, error, ret_exit);
}

const char *session_file(const struct session *session)
{
    if (session->arguments.config)
        return session->arguments.config;
    return session->arguments.operand.text.data ? session->arguments.operand.text.data : DEFAULT_FILE;
}

const char *session_path(struct session *session)
{
    const char *file = session_file(session);
    const char *slash = strrchr(file, '/');
    struct slice folder = session->base_folder;
    struct buffer path;
    if (strcmp(file, "-") == 0)
        return "standard input";
    buffer_init(&path, 1u << 16);
    buffer_printf(&path, "%.*s%s%s", SLICE_ARGS(folder), folder.length > 1 ? "/" : "",
                  slash ? slash + 1 : file);
    const char *copy = arena_string(&session->document.arena, buffer_slice(&path));
    buffer_finish(&path);
    return copy ? copy : file;
}

bool session_read_file(struct session *session, int *ret_exit)
{
    int error = document_load_file(session_file(session), &session->diagnostics, &session->document,
                                   &session->base_folder);
    return error == 0 ? true : session_refuse(session, error, ret_exit);
}

/* Magic links of /proc lead from a descriptor to what it holds. */
static void warn_without_proc(struct session *session)
{
    if (sys_path_access("/proc/self/fd", PATH_ACCESS_ENTER) < 0)
        diagnostics_warn(
            &session->diagnostics, (struct source_position){0},
            "/proc is not mounted: files cannot be watched for changes, so each request looks at "
            "its file again; what is mounted later is found within a second; stalls may be "
            "reported where only the machine is busy");
}

bool session_build(struct session *session, int *ret_exit)
{
    int error = arguments_apply(&session->arguments, &session->document);
    if (error == 0)
        error =
            config_build(&session->document, session->base_folder, &session->diagnostics, &session->config);
    if (error == 0 && session->arguments.command == FLAG_OF_CHECK)
        error = config_check_certificates(session->config, &session->document, &session->diagnostics);
    if (error == 0)
        config_check_worker_user(session->config, &session->diagnostics);
    if (error || has_mistakes(session))
        return session_refuse(session, error, ret_exit);
    warn_without_proc(session);
    print_diagnostics(&session->diagnostics); /* warnings */
    return true;
}

static void session_on_ready(void *context, const struct address *addresses, size_t count)
{
    const struct session *session = context;
    struct buffer text;
    buffer_init(&text, 1u << 16);
    banner_print(session->title, addresses, session->config->listeners, count, terminal_has_colours(stderr),
                 &text);
    fwrite(text.data, 1, text.length, stderr);
    buffer_finish(&text);
}

static int session_build_again(struct session *again, const struct arena *arena)
{
    struct diagnostics *diagnostics = &again->diagnostics;
    int error = document_load_file(session_file(again), diagnostics, &again->document, &again->base_folder);
    if (error == 0)
        error = arguments_apply(&again->arguments, &again->document);
    if (error == 0)
        error = config_build_within(&again->document, again->base_folder, arena, diagnostics, &again->config);
    if (error == 0)
        error = config_check_certificates(again->config, &again->document, diagnostics);
    if (error == 0)
        config_check_worker_user(again->config, diagnostics);
    return error ? error : has_mistakes(again) ? ERROR_SYNTAX : 0;
}

/* The document that vif began with is still there. */
static void session_compare(const struct session *first, const struct document *now,
                            struct reload_reading *reading)
{
    struct buffer former;
    buffer_init(&former, OUTLINE_BYTES_MAX);
    if (reading->former.data == NULL)
        outline_write(&first->document, &former);
    else
        buffer_append(&former, reading->former);
    outline_write(now, &reading->outline);
    if (outline_compare(buffer_slice(&former), buffer_slice(&reading->outline), &reading->text) == 0)
        buffer_printf(&reading->text, "no option has changed\n");
    buffer_finish(&former);
}

/* The configuration that vif began with, from the document that is still there. */
static struct config *session_build_first(struct session *first, struct reload_reading *reading)
{
    static struct session again;
    diagnostics_init(&again.diagnostics);
    int error = config_build_within(&first->document, first->base_folder, reading->arena, &again.diagnostics,
                                    &again.config);
    diagnostics_print(&again.diagnostics, false, &reading->text);
    if (error == 0)
        outline_write(&first->document, &reading->outline);
    return error == 0 && !has_mistakes(&again) ? again.config : NULL;
}

/* For a reload, in a process of its own, which ends afterwards: reads the file and checks it like `vif
 * check`. The command line is the same. */
static struct config *session_read_again(void *context, struct reload_reading *reading)
{
    static struct session again;
    if (reading->is_first)
        return session_build_first(context, reading);
    again = (struct session){.arguments = ((struct session *)context)->arguments};
    diagnostics_init(&again.diagnostics);
    again.arguments.diagnostics = &again.diagnostics;
    int error = document_init(&again.document);
    if (error == 0)
        error = session_build_again(&again, reading->arena);
    diagnostics_print(&again.diagnostics, false, &reading->text);
    if (error == -ENOMEM)
        buffer_printf(&reading->text, "out of memory\n");
    if (error == 0)
        session_compare(context, &again.document, reading);
    return error == 0 ? again.config : NULL;
}

static bool has_file_to_read_again(const struct session *session)
{
    return session->arguments.command == FLAG_OF_RUN && strcmp(session_file(session), "-") != 0;
}

int session_serve(struct session *session, const char *title)
{
    /* Under a service manager the log has the same in a line of its own. */
    bool is_logged = session->arguments.command == FLAG_OF_RUN && !terminal_is(stderr) &&
                     slice_equal(session->config->error_log.path, SLICE("-"));
    bool shows_banner = !session->arguments.quiet && !is_logged;
    struct master_options options = {
        .config = session->config,
        .read = has_file_to_read_again(session) ? session_read_again : NULL,
        .words = session_words,
        .title = title,
        .on_ready = shows_banner ? session_on_ready : NULL,
        .context = session,
    };
    session->title = title;
    struct master_result result;
    int exit_code = master_run(&options, &result);
    fault_explain(&result, session->config, stderr);
    return exit_code;
}

static void session_finish(struct session *session)
{
    config_destroy(session->config);
    document_finish(&session->document);
    diagnostics_finish(&session->diagnostics);
}

int session_run(unsigned command, char *const *words, int (*act)(struct session *session))
{
    static struct session session; /* too large for some stacks */
    int exit_code;
    if (session_begin(&session, command, words, &exit_code))
        exit_code = act(&session);
    session_finish(&session);
    return exit_code;
}
