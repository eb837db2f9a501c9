/* The table. Order and groups are those of the help page. */
#include "cli/flags.h"

#include "conf/options.h"

#define FILES  "sites.0.routes./.files."
#define EVERY  (FLAG_OF_SERVE | FLAG_OF_PROXY | FLAG_OF_RUN | FLAG_OF_CHECK)
#define QUICK  (FLAG_OF_SERVE | FLAG_OF_PROXY)
#define PRINT  (FLAG_OF_SCHEMA | FLAG_OF_MANUAL | FLAG_OF_COMPLETION | FLAG_OF_HELP | FLAG_OF_VERSION)
#define CHANGE (FLAG_OF_RELOAD | FLAG_OF_UPGRADE | FLAG_OF_STOP | FLAG_OF_REOPEN)
#define LIVE   (CHANGE | FLAG_OF_STATUS | FLAG_OF_TOP | FLAG_OF_UPSTREAM)
#define ALL \
    (EVERY | LIVE | FLAG_OF_HARDENING | FLAG_OF_LOAD | FLAG_OF_LAB | FLAG_OF_CERT | FLAG_OF_PASSWORD | PRINT)

/* clang-format off */
const struct flag flags[] = {
    {"file", 'c', "config", "FILE", "the config file (vif.yaml); - is stdin", FLAG_OF_RUN | FLAG_OF_CHECK,
     FLAG_OWN, OWN_CONFIG, .values = VALUES_FILE, .is_minor = true},

    {"network", 'p', "port", "N", "the port (8080); 0 picks a free one", EVERY, FLAG_OWN, OWN_PORT},
    {NULL, 'a', "address", "ADDR", "an IP address or unix:PATH; repeatable", EVERY, FLAG_OWN, OWN_ADDRESS},
    {NULL, 0, "tls", NULL, "HTTPS, with a generated certificate", QUICK, FLAG_OWN, OWN_TLS},
    {NULL, 0, "cert", "FILE", "HTTPS with this certificate (PEM)", QUICK, FLAG_SET,
     .path = "sites.0.tls.certificate", .values = VALUES_FILE},
    {NULL, 0, "key", "FILE", "its key, if in another file", QUICK, FLAG_SET,
     .path = "sites.0.tls.key", .values = VALUES_FILE},
    {NULL, 'w', "workers", "N", "worker processes (one for each core)", EVERY, FLAG_SET, .path = "workers"},
    {NULL, 0, "backend", "NAME", "backend of the event loop (auto)", EVERY, FLAG_SET,
     .path = "backend", .values = VALUES_WORDS, .is_minor = true},

    {NULL, 0, "user", "NAME", "user of the workers, if started as root", EVERY, FLAG_SET, .path = "user",
     .is_minor = true},

    {"files", 'i', "index", "NAMES", "index files, comma-separated (index.html)", FLAG_OF_SERVE, FLAG_COMMAS,
     .path = FILES "index"},
    {NULL, 's', "spa", "[=FILE]", "FILE (index.html) for unknown paths", FLAG_OF_SERVE, FLAG_OPTIONAL,
     .path = FILES "fallback", .constant = "/index.html"},
    {NULL, 0, "clean-urls", NULL, "/about returns about.html", FLAG_OF_SERVE, FLAG_CONSTANT,
     .path = FILES "clean_urls", .constant = "true"},
    {NULL, 0, "no-listing", NULL, "no directory listings", FLAG_OF_SERVE, FLAG_CONSTANT,
     .path = FILES "listing", .constant = "false"},
    {NULL, 0, "archives", NULL, "offer folders as tar archives", FLAG_OF_SERVE, FLAG_CONSTANT,
     .path = FILES "archives", .constant = "true",
     .is_minor = true},
    {NULL, 0, "hidden", NULL, "serve names that begin with a dot", FLAG_OF_SERVE, FLAG_CONSTANT,
     .path = FILES "hidden", .constant = "true"},
    {NULL, 0, "follow-links", NULL, "follow symbolic links out of the folder", FLAG_OF_SERVE, FLAG_CONSTANT,
     .path = FILES "follow_links", .constant = "true"},
    {NULL, 0, "cors", "[=ORIGINS]", "let pages of ORIGINS (all) read the files", FLAG_OF_SERVE,
     FLAG_OPTIONAL_COMMAS, .path = FILES "cors", .constant = "*"},
    {NULL, 0, "cache", "PATTERN=VALUE", "Cache-Control for a pattern; repeatable", FLAG_OF_SERVE, FLAG_PAIR,
     .path = FILES "cache"},
    {NULL, 0, "error-page", "STATUS=FILE", "page for an error; repeatable", FLAG_OF_SERVE, FLAG_PAIR,
     .path = FILES "error_pages"},

    {"logs", 'q', "quiet", NULL, "warnings and errors only",
     QUICK | FLAG_OF_RUN, FLAG_OWN, OWN_QUIET},
    {NULL, 0, "log-file", "FILE", "the access log (standard output)", EVERY, FLAG_SET,
     .path = "log.access.path", .values = VALUES_FILE},
    {NULL, 0, "log-format", "FORMAT", "common, combined or json", EVERY, FLAG_SET,
     .path = "log.access.format", .values = VALUES_WORDS},
    {NULL, 0, "error-log", "FILE", "the error log (standard error)", EVERY, FLAG_SET,
     .path = "log.error.path", .values = VALUES_FILE},
    {NULL, 0, "log-level", "LEVEL", "error, warning, info or debug", EVERY, FLAG_SET,
     .path = "log.error.level", .values = VALUES_WORDS},

    {"limits", 0, "limit", "NAME=VALUE", "such as body=10MiB; repeatable", EVERY, FLAG_PAIR,
     .path = "limits", .values = VALUES_LIMITS},
    {NULL, 0, "timeout", "NAME=VALUE", "such as idle=30s; repeatable", EVERY, FLAG_PAIR,
     .path = "timeouts", .values = VALUES_TIMEOUTS},

    /* See load_flags.c for what they may be. */
    {"how much", 'c', "connections", "N", "connections at once (64)", FLAG_OF_LOAD, FLAG_OWN, OWN_LOAD},
    {NULL, 'd', "duration", "TIME", "of the measurement (10s; no end with -n)", FLAG_OF_LOAD, FLAG_OWN,
     OWN_LOAD},
    {NULL, 'n', "requests", "N", "end after this number of requests", FLAG_OF_LOAD, FLAG_OWN, OWN_LOAD},
    {NULL, 'r', "rate", "N", "requests a second (as fast as answered)", FLAG_OF_LOAD, FLAG_OWN, OWN_LOAD},
    {NULL, 0, "pipeline", "N", "requests at once on a connection (1)", FLAG_OF_LOAD, FLAG_OWN, OWN_LOAD},
    {NULL, 0, "close", NULL, "a connection for each request", FLAG_OF_LOAD, FLAG_OWN, OWN_LOAD},
    {NULL, 0, "warm-up", "TIME", "before measuring (500ms; 0 with -n)", FLAG_OF_LOAD, FLAG_OWN, OWN_LOAD},
    {NULL, 0, "timeout", "TIME", "time-out per request (5s)", FLAG_OF_LOAD, FLAG_OWN, OWN_LOAD},
    {NULL, 0, "connect-rate", "N", "connections opened a second (10000)", FLAG_OF_LOAD, FLAG_OWN, OWN_LOAD},
    {NULL, 't', "threads", "N", "client threads (1)", FLAG_OF_LOAD, FLAG_OWN, OWN_LOAD},
    {"what", 'm', "method", "NAME", "the method (GET)", FLAG_OF_LOAD, FLAG_OWN, OWN_LOAD},
    {NULL, 'H', "header", "'NAME: VALUE'", "a request header; repeatable", FLAG_OF_LOAD, FLAG_OWN,
     OWN_LOAD},
    {NULL, 0, "body", "TEXT", "request body; the method becomes POST", FLAG_OF_LOAD, FLAG_OWN, OWN_LOAD},
    {NULL, 0, "body-file", "FILE", "the same, from a file; - is stdin", FLAG_OF_LOAD, FLAG_OWN, OWN_LOAD,
     .values = VALUES_FILE},
    {NULL, 0, "status", "CODE", "status that counts as success (200-399)", FLAG_OF_LOAD, FLAG_OWN, OWN_LOAD},
    {"results", 0, "json", "FILE", "all figures as JSON; - is stdout", FLAG_OF_LOAD, FLAG_OWN, OWN_LOAD,
     .values = VALUES_FILE},
    {NULL, 0, "svg", "FILE", "a plot of latency by percentile", FLAG_OF_LOAD, FLAG_OWN, OWN_LOAD,
     .values = VALUES_FILE},

    /* See lab_flags.c for what they may be. */
    {"measure", 0, "quick", NULL, "about five minutes, not about twenty", FLAG_OF_LAB, FLAG_OWN, OWN_LAB},
    {NULL, 0, "models", "NAMES", "only these, comma-separated", FLAG_OF_LAB, FLAG_OWN, OWN_LAB,
     .values = VALUES_MODELS},
    {NULL, 0, "scenarios", "NAMES", "by commas: throughput, mostly-idle, ...", FLAG_OF_LAB, FLAG_OWN,
     OWN_LAB, .values = VALUES_SCENARIOS},
    {NULL, 0, "connections", "NUMBERS", "numbers for the throughput (1,10,...)", FLAG_OF_LAB, FLAG_OWN,
     OWN_LAB},
    {NULL, 0, "duration", "TIME", "of each measurement, 100ms to 1h (1s)", FLAG_OF_LAB, FLAG_OWN, OWN_LAB},
    {NULL, 0, "rounds", "N", "interleaved rounds (3)", FLAG_OF_LAB, FLAG_OWN, OWN_LAB},
    {"results", 0, "out", "DIR", "folder for lab.json and lab.html (.)", FLAG_OF_LAB, FLAG_OWN, OWN_LAB,
     .values = VALUES_FILE},
    {NULL, 0, "page", "FILE", "make lab.html from an earlier lab.json", FLAG_OF_LAB, FLAG_OWN, OWN_LAB,
     .values = VALUES_FILE},
    {"models", 0, "list", NULL, "what each model is, and what breaks it", FLAG_OF_LAB, FLAG_OWN, OWN_LAB},
    {NULL, 0, "serve", "NAME", "serve DIR (.) with this model", FLAG_OF_LAB, FLAG_OWN, OWN_LAB,
     .values = VALUES_MODEL},
    {NULL, 0, "port", "N", "for --serve (8080); 0 picks a free one", FLAG_OF_LAB, FLAG_OWN, OWN_LAB},

    {NULL, 0, "ca", "DIR", "the folder (~/.local/share/vif/ca)", FLAG_OF_CERT, FLAG_OWN, OWN_CERT,
     .values = VALUES_FILE},

    {"which", 'c', "config", "FILE", "the server that uses this file", LIVE, FLAG_OWN, OWN_CONFIG,
     .values = VALUES_FILE, .is_minor = true},
    {NULL, 0, "pid", "N", "the server with this process id", LIVE | FLAG_OF_HARDENING, FLAG_OWN,
     OWN_CONTROL},
    {"how", 0, "json", NULL, "as JSON, for programs", FLAG_OF_STATUS | FLAG_OF_UPSTREAM | FLAG_OF_HARDENING,
     FLAG_OWN, OWN_CONTROL},
    {"how", 0, "watch", "TIME", "revert if errors rise in that time", FLAG_OF_RELOAD, FLAG_OWN, OWN_CONTROL},
    {"how", 0, "now", NULL, "do not wait for requests to finish", FLAG_OF_STOP, FLAG_OWN, OWN_CONTROL},
    {NULL, 0, "no-wait", NULL, "return when the ports are free", FLAG_OF_STOP, FLAG_OWN, OWN_CONTROL},
    {"how", 0, "once", NULL, "print one page and end", FLAG_OF_TOP, FLAG_OWN, OWN_CONTROL},
    {NULL, 0, "interval", "TIME", "time between updates (1s)", FLAG_OF_TOP, FLAG_OWN, OWN_CONTROL},
    {"how", 0, "binary", "FILE", "start this program instead", FLAG_OF_UPGRADE, FLAG_OWN,
     OWN_CONTROL, .values = VALUES_FILE},
    {NULL, 0, "timeout", "TIME", "time limit for the new process (30s)", FLAG_OF_UPGRADE, FLAG_OWN,
     OWN_CONTROL},

    {NULL, 0, "route", "NAME", "the route, such as example.com/api", FLAG_OF_UPSTREAM, FLAG_OWN,
     OWN_CONTROL},
    {NULL, 0, "weight", "N", "weight of the new server (1)", FLAG_OF_UPSTREAM, FLAG_OWN, OWN_CONTROL},
    {NULL, 0, "connections", "N", "its concurrent requests", FLAG_OF_UPSTREAM, FLAG_OWN, OWN_CONTROL},
    {NULL, 0, "backup", NULL, "only while all others are down", FLAG_OF_UPSTREAM, FLAG_OWN, OWN_CONTROL},

    {NULL, 0, "man", NULL, "the manual page, for man", FLAG_OF_MANUAL, FLAG_OWN, OWN_MANUAL},
    {NULL, 0, "markdown", NULL, "the config file reference (the default)", FLAG_OF_MANUAL, FLAG_OWN,
     OWN_MANUAL},

    {"other", 'h', "help", NULL, "show this page", ALL, FLAG_OWN, OWN_HELP, .is_minor = true},
    {NULL, 'V', "version", NULL, "version, commit, compiler and libraries", ALL, FLAG_OWN, OWN_VERSION,
     .is_minor = true},
};
/* clang-format on */

const size_t flag_count = ARRAY_LENGTH(flags);

const char *const *flag_words(const struct flag *flag)
{
    assert(flag->values == VALUES_WORDS);
    return option_at(slice_from(flag->path))->words;
}

const struct flag *flag_find(unsigned command, struct slice name)
{
    for (size_t i = 0; i < flag_count; i++) {
        if ((flags[i].commands & command) && slice_equal(name, slice_from(flags[i].name)))
            return &flags[i];
    }
    return NULL;
}

const struct flag *flag_find_letter(unsigned command, char letter)
{
    for (size_t i = 0; i < flag_count; i++) {
        if ((flags[i].commands & command) && letter != 0 && flags[i].letter == letter)
            return &flags[i];
    }
    return NULL;
}

bool flag_takes_value(const struct flag *flag)
{
    return flag->value != NULL && flag->action != FLAG_OPTIONAL && flag->action != FLAG_OPTIONAL_COMMAS;
}
