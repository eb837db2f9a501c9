/* Requests by chance: first what is asked, then how it is written. Conditions and ranges are in ask_file.c,
 * content in ask_content.c, requests that are refused in ask_bad.c. */
#include "ask.h"

#include "ask_parts.h"

#include <stdio.h>

void ask_init(struct ask *ask)
{
    *ask = (struct ask){.method = "GET", .query = "", .query_escaped = ""};
    buffer_init(&ask->bytes, ASK_BYTES_MAX);
}

void ask_finish(struct ask *ask)
{
    buffer_finish(&ask->bytes);
}

static void begin_reading(struct site_file *file)
{
    if (file)
        file->readers++;
}

static void end_reading(struct site_file *file)
{
    if (file == NULL)
        return;
    file->readers--;
    file->read_us = sim_now_us();
}

void ask_note_begin(struct ask *ask)
{
    ask->began_us = sim_now_us();
    if (ask->target && ask->target->file) {
        begin_reading(ask->target->file);
        begin_reading(ask->target->file->moved);
    }
}

void ask_note_end(struct ask *ask)
{
    if (ask->began_us == 0 || ask->is_over)
        return;
    ask->is_over = true;
    if (ask->target && ask->target->file) {
        end_reading(ask->target->file);
        end_reading(ask->target->file->moved);
    }
}

void ask_over_tls(struct ask *ask)
{
    if (ask->is_https && ask->status == 421)
        ask->status = 0;
}

const char *ask_one_of(struct sim_chance *chance, const char *const *texts, size_t count)
{
    return texts[sim_below(chance, count)];
}

const char *ask_host(const struct website *website, struct sim_chance *chance)
{
    if (website->host)
        return ASK_ONE_OF(chance, "vif.test", "VIF.test", "vif.test:8080", "vif.test.", "Vif.Test.:80");
    return ASK_ONE_OF(chance, "vif.test", "localhost:8080", "127.0.0.1", "[::1]:80", "a.b-c.example", "a");
}

static const char *choose_method(const struct ask *ask, struct sim_chance *chance)
{
    if (ask->target->kind == TARGET_SERVER)
        return "OPTIONS";
    switch (sim_below(chance, 16)) {
    case 0:
    case 1: return "HEAD";
    case 2: return "OPTIONS";
    case 3: return ASK_ONE_OF(chance, "POST", "PUT", "DELETE", "PATCH", "TRACE");
    case 4: return ASK_ONE_OF(chance, "BREW", "get", "PROPFIND", "X-!#$%&'*+.^_`|~9");
    default: return ask->target->kind == TARGET_FIXED && sim_one_in(chance, 2) ? "POST" : "GET";
    }
}

static bool is_known(const char *method)
{
    static const char *const known[] = {"GET",     "HEAD",    "POST",  "PUT",  "DELETE",
                                        "CONNECT", "OPTIONS", "TRACE", "PATCH"};
    for (size_t i = 0; i < ARRAY_LENGTH(known); i++) {
        if (strcmp(known[i], method) == 0)
            return true;
    }
    return false;
}

static bool is_read(const char *method)
{
    return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0 || strcmp(method, "OPTIONS") == 0;
}

/* What vif says to the method before it looks at anything else. */
static void settle_method(struct ask *ask)
{
    ask->is_head = strcmp(ask->method, "HEAD") == 0;
    bool is_files = ask->target->area != NULL;
    if (!is_known(ask->method)) {
        ask->status = 501;
    } else if (strcmp(ask->method, "TRACE") == 0 || (is_files && !is_read(ask->method))) {
        ask->status = 405;
        ask->allow = is_files ? "GET, HEAD, OPTIONS" : "GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH";
    }
}

/* ---- writing ---- */

/* One byte of the URL, or one escape, from its front; escaped at random. Returns how much that was. */
static size_t write_step(struct buffer *out, const char *url, struct sim_chance *chance, bool is_plain)
{
    if (*url == '%') {
        buffer_append(out, slice_make(url, 3));
        return 3;
    }
    if (*url != '/' && !is_plain && sim_one_in(chance, 6))
        buffer_printf(out, sim_one_in(chance, 2) ? "%%%02X" : "%%%02x", (unsigned)(unsigned char)*url);
    else
        buffer_append_byte(out, *url);
    return 1;
}

/* The same path, said in another way: with escapes, empty segments, ".", "..". */
static void write_path(struct ask *ask, struct sim_chance *chance)
{
    bool is_plain = ask->target->kind == TARGET_SERVER || !sim_one_in(chance, 4);
    size_t length = 0;
    for (const char *at = ask->target->url; *at;) {
        size_t before = ask->bytes.length;
        at += write_step(&ask->bytes, at, chance, is_plain);
        size_t written = ask->bytes.length - before;
        assert(length + written < ASK_PATH_MAX);
        memcpy(ask->path + length, ask->bytes.data + before, written);
        length += written;
        if (at[-1] == '/' && !is_plain && sim_one_in(chance, 4))
            buffer_append(&ask->bytes,
                          slice_from(ASK_ONE_OF(chance, "./", "/", "x/../", "%2e/", "a/b/%2E./../")));
    }
    ask->path[length] = '\0';
}

/* No path has a NUL: it is refused, and goes on. */
static void write_odd_path(struct ask *ask, struct sim_chance *chance)
{
    buffer_append(&ask->bytes, slice_from(ASK_ONE_OF(chance, "/a%00b", "/%00", "/docs/%2F%00")));
}

static void write_target(struct ask *ask, const struct website *website, struct sim_chance *chance)
{
    bool is_server = ask->target->kind == TARGET_SERVER;
    if (!is_server && ask->status == 0 && sim_one_in(chance, 40)) {
        ask->status = 400;
        write_odd_path(ask, chance);
        return;
    }
    if (!is_server && sim_one_in(chance, 12)) {
        bool is_secure = ask->status == 0 && sim_one_in(chance, 4);
        const char *host = website->host ? website->host : "x.example:1";
        buffer_printf(&ask->bytes, "%s://%s", is_secure ? "https" : "http", host);
        ask->is_https = is_secure;
        if (is_secure)
            ask->status = 421;
    } else if (!is_server && website->host && ask->status == 0 && sim_one_in(chance, 20)) {
        ask->status = 421;
        buffer_append(&ask->bytes, SLICE("http://other.test"));
    }
    write_path(ask, chance);
    if (!is_server && sim_one_in(chance, 5)) {
        bool is_quoted = sim_one_in(chance, 5);
        ask->query = is_quoted ? "?q=\"<a>\"&b='c'"
                               : ASK_ONE_OF(chance, "?", "?a=b", "?sort=size&order=desc", "?x=%2f..&y=/?[^]");
        ask->query_escaped = is_quoted ? "?q=%22%3Ca%3E%22&b='c'" : ask->query;
        buffer_append(&ask->bytes, slice_from(ask->query));
    }
}

static void write_connection(struct ask *ask, struct sim_chance *chance)
{
    ask->says_keep_open = ask->is_old && sim_one_in(chance, 2);
    ask->says_close = sim_one_in(chance, 8);
    if (ask->says_close)
        buffer_append(&ask->bytes,
                      slice_from(ASK_ONE_OF(chance, "Connection: close\r\n", "connection:\tfoo , CLOSE\r\n",
                                            "Connection: keep-alive\r\nConnection: close\r\n")));
    else if (ask->says_keep_open)
        buffer_append(&ask->bytes, SLICE("Connection: Keep-Alive\r\n"));
}

static void write_noise(struct ask *ask, const struct website *website, struct sim_chance *chance)
{
    uint64_t count = sim_below(chance, MIN(website->limits->fields / 4, 6u) + 1);
    for (uint64_t i = 0; i < count; i++) {
        buffer_printf(&ask->bytes, "X-Noise-%llu: ", (unsigned long long)i);
        for (uint64_t length = sim_size(chance, website->limits->head_bytes / 16); length > 0; length--)
            buffer_append_byte(&ask->bytes, "abc ,;=\"/-\t\xc3\xa9z"[sim_below(chance, 14)]);
        buffer_append(&ask->bytes, slice_from(ASK_ONE_OF(chance, "\r\n", " \t\r\n")));
    }
}

void ask_make(struct ask *ask, const struct website *website, struct sim_chance *chance)
{
    const struct target *target = website->favourite && sim_one_in(chance, 2)
                                      ? website->favourite
                                      : &website->targets[sim_below(chance, website->target_count)];
    ask_make_for(ask, target, website, chance);
}

void ask_make_for(struct ask *ask, const struct target *target, const struct website *website,
                  struct sim_chance *chance)
{
    ask_init(ask);
    ask->target = target;
    ask->method = choose_method(ask, chance);
    ask->is_old = sim_one_in(chance, 8);
    settle_method(ask);
    if (sim_one_in(chance, 30))
        buffer_append(&ask->bytes, SLICE("\r\n"));
    buffer_printf(&ask->bytes, "%s ", ask->method);
    write_target(ask, website, chance);
    buffer_append(&ask->bytes, slice_from(ask->is_old ? " HTTP/1.0\r\n"
                                                      : ASK_ONE_OF(chance, " HTTP/1.1\r\n", " HTTP/1.1\r\n",
                                                                   " HTTP/1.7\r\n")));
    if (!ask->is_old || website->host || sim_one_in(chance, 2))
        buffer_printf(&ask->bytes, "%s: %s\r\n", ASK_ONE_OF(chance, "Host", "host", "HOST"),
                      ask_host(website, chance));
    static unsigned count;
    ask->number = ++count;
    buffer_printf(&ask->bytes, "User-Agent: %u\r\n", ask->number);
    write_noise(ask, website, chance);
    write_connection(ask, chance);
    ask_write_file_fields(ask, website, chance);
    ask_write_content(ask, website, chance);
}

void ask_describe(const struct ask *ask, char *out, size_t size)
{
    struct slice bytes = buffer_slice(&ask->bytes);
    struct slice line = slice_take(bytes, MIN(slice_find(bytes, '\r'), (size_t)70));
    snprintf(out, size, "%u: %.*s%s%s%s%s (%zu bytes)", ask->number, SLICE_ARGS(line),
             ask->refused ? ", bad" : "", ask->end == ASK_NEVER_ENDS ? ", endless" : "",
             ask->expects ? ", expects" : "", ask->says_close ? ", closes" : "", bytes.length);
}
