/* `vif manual`: the reference of the configuration file as Markdown (docs/configuration.md), or with --man
 * the manual page (docs/vif.1), to which the tables of flags and commands give their part. */
#include "conf/manual.h"

#include "cli/commands.h"
#include "cli/print.h"
#include "cli/session.h"

#include <stdio.h>

static void print_commands(const struct manual_page *page)
{
    page_heading(page, 1, "COMMANDS");
    for (const struct command *command = commands; command->name; command++)
        page_entry(page, command->name, command->synopsis, command->summary);
}

static void manual_command_print_flags(const struct manual_page *page, unsigned of)
{
    for (size_t i = 0; i < flag_count; i++) {
        const struct flag *flag = &flags[i];
        char term[80];
        char letter[8] = "";
        if (!(flag->commands & of))
            continue;
        if (flag->letter)
            snprintf(letter, sizeof(letter), "-%c, ", flag->letter);
        snprintf(term, sizeof(term), "%s--%s%s%s", letter, flag->name, flag_takes_value(flag) ? " " : "",
                 flag->value ? flag->value : "");
        page_entry(page, term, "", flag->help);
    }
}

static void print_options(const struct manual_page *page)
{
    page_heading(page, 1, "OPTIONS");
    page_paragraph(page, "Options take precedence over the configuration file. Options about files are only "
                         "for `vif serve`.");
    manual_command_print_flags(page, FLAG_OF_SERVE | FLAG_OF_PROXY | FLAG_OF_RUN | FLAG_OF_CHECK);
    page_heading(page, 1, "OPTIONS OF VIF LOAD");
    page_paragraph(page,
                   "`vif load` measures the server at `http://HOST[:PORT]/PATH` or `unix:SOCKET:/PATH`. "
                   "Without a rate each connection sends its next request as soon as it has its answer: this "
                   "finds out how much a server can do. With a rate, requests are due at fixed times, "
                   "whatever the server does, and latency counts from these times: this finds out how long "
                   "people wait. Service times count from the time when a request was sent, and hide the "
                   "requests that a stall delayed.");
    page_paragraph(page,
                   "The report warns if the client itself was the bottleneck, or if the rate could not be "
                   "kept. If a request failed or nothing was answered, the exit status is 1. Ctrl-C ends a "
                   "run early and reports what was measured until then.");
    manual_command_print_flags(page, FLAG_OF_LOAD);
    page_heading(page, 1, "OPTIONS OF VIF LAB");
    page_paragraph(
        page, "`vif lab` measures server architectures, from one client at a time to io_uring, which use the "
              "same engine: throughput, latency, memory and context switches for growing numbers of "
              "connections, slow clients, a handler that blocks, and where each one fails. It prints a table "
              "and writes `lab.json` and `lab.html`, a page with plots that needs no network.");
    page_paragraph(
        page, "Ctrl-C ends a run and keeps what was measured: the exit status is then 0, or 1 if nothing "
              "was measured. `vif lab --serve NAME [DIR]` serves a folder with one of the models, to try "
              "it; SIGINT or SIGTERM ends it at once, with status 0.");
    manual_command_print_flags(page, FLAG_OF_LAB);
}

static void print_rest(const struct manual_page *page)
{
    page_heading(page, 1, "SIGNALS");
    page_entry(page, "SIGTERM, SIGINT", "",
               "A graceful stop: requests in progress are finished, for at most "
               "`timeouts.drain`. A second signal ends everything at once.");
    page_entry(page, "SIGHUP", "", "The configuration file is read again, as by `vif reload`.");
    page_entry(page, "SIGUSR2", "",
               "The program is started again in place of this vif, as by `vif upgrade`.");
    page_entry(page, "SIGUSR1", "", "Log files are reopened, as by `vif reopen`.");
    page_heading(page, 1, "EXIT STATUS");
    page_entry(page, "0", "", "Success.");
    page_entry(page, "1", "", "It failed.");
    page_entry(page, "2", "",
               "There is a mistake in the command line or the configuration; nothing was done.");
    page_entry(page, "3", "", "`vif reload --watch` restored the former settings.");
    page_heading(page, 1, "ENVIRONMENT");
    page_entry(page, "NO_COLOR", "", "If it is set, nothing is printed in colours.");
    page_heading(page, 1, "EXAMPLES");
    page_entry(page, "vif", "", "Serves this folder on port 8080.");
    page_entry(page, "vif -p 9000 -s dist", "", "Serves a single-page application.");
    page_entry(page, "vif proxy 3000", "", "Forwards requests to the server on port 3000 of this machine.");
    page_entry(page, "vif lab --quick", "", "Measures server architectures.");
    page_entry(page, "vif load -c 64 -d 30s http://localhost:8080/", "",
               "Measures how much a server can do.");
    page_entry(page, "vif load -r 1000 --svg latency.svg localhost:8080/index.html", "",
               "Measures how long its clients wait, and makes a plot.");
    page_entry(page, "vif check -c vif.yaml && vif run -c vif.yaml", "",
               "Serves a site if its configuration is valid.");
    page_entry(page, "vif reload && vif status", "", "Applies the changed file, and shows the result.");
}

static void print_man(struct buffer *out)
{
    struct manual_page page = {.out = out, .format = PAGE_MAN};
    buffer_append(
        out, SLICE(".\\\" Made by \"vif manual \\-\\-man\"; change the tables of options and flags instead.\n"
                   ".TH VIF 1 \"\" \"vif " VIF_VERSION "\" \"User Commands\"\n"));
    page_heading(&page, 1, "NAME");
    buffer_append(out, SLICE("vif \\- a web server and reverse proxy\n"));
    page_heading(&page, 1, "SYNOPSIS");
    buffer_append(
        out, SLICE(".B vif\n[\\fIOPTION\\fR]... [\\fIDIR\\fR]\n.br\n"
                   ".B vif run\n[\\fB\\-c\\fR \\fIFILE\\fR] [\\fIOPTION\\fR]...\n.br\n"
                   ".B vif check\n[\\fB\\-c\\fR \\fIFILE\\fR] [\\fIOPTION\\fR]...\n.br\n"
                   ".B vif reload\n[\\fB\\-\\-watch\\fR \\fITIME\\fR]\n.br\n.B vif "
                   "upgrade\n[\\fB\\-\\-binary\\fR \\fIFILE\\fR]\n.br\n"
                   ".B vif status\n[\\fB\\-\\-json\\fR]\n.br\n.B vif top\n[\\fB\\-\\-once\\fR]\n.br\n"
                   ".B vif stop\n[\\fB\\-\\-now\\fR | \\fB\\-\\-no\\-wait\\fR]\n.br\n.B vif reopen\n.br\n"
                   ".B vif hardening\n[\\fB\\-\\-json\\fR]\n.br\n"
                   ".B vif load\n[\\fIOPTION\\fR]... \\fIURL\\fR\n.br\n"
                   ".B vif lab\n[\\fIOPTION\\fR]...\n"));
    page_heading(&page, 1, "DESCRIPTION");
    page_paragraph(
        &page,
        "`vif` serves a folder over HTTP without configuration, or the sites of a configuration file.");
    print_commands(&page);
    print_options(&page);
    manual_print(&page, 1);
    print_rest(&page);
}

static int print_manual(struct session *session)
{
    struct buffer text;
    const struct arguments *arguments = &session->arguments;
    bool is_man = arguments->given_count > 0 &&
                  strcmp(arguments->given[arguments->given_count - 1].flag->name, "man") == 0;
    buffer_init(&text, 1u << 20);
    if (is_man)
        print_man(&text);
    else
        manual_print(&(struct manual_page){.out = &text, .format = PAGE_MARKDOWN}, 1);
    return print_finish(&text, 0);
}

int command_manual(char *const *words)
{
    return session_run(FLAG_OF_MANUAL, words, print_manual);
}
