/* See h2_ask.h. The translation leaves out what only HTTP/1 has: Connection, chunks, versions before 1.1. */
#include "h2_ask.h"

#include "ask_parts.h"
#include "frames.h"

#include <ctype.h>
#include <strings.h>

#define BLOCK_BYTES_MAX (1u << 20)
#define NAME_BYTES_MAX  64

static struct slice trimmed(struct slice text)
{
    while (text.length > 0 && (text.data[0] == ' ' || text.data[0] == '\t'))
        text = slice_skip(text, 1);
    while (text.length > 0 && strchr(" \t\r", text.data[text.length - 1]))
        text.length--;
    return text;
}

/* What is before the byte; the rest begins behind it. */
static struct slice split(struct slice *rest, char byte)
{
    size_t end = slice_find(*rest, byte);
    struct slice part = slice_take(*rest, end);
    *rest = slice_skip(*rest, MIN(end + 1, rest->length));
    return part;
}

/* ---- requests that are answered ---- */

static void write_host(struct h2_ask *ask, struct slice host, struct sim_chance *chance)
{
    unsigned how = (unsigned)sim_below(chance, 8);
    if (how > 0)
        frame_write_header(&ask->block, SLICE(":authority"), host);
    if (how < 2)
        frame_write_header(&ask->block, SLICE("host"), host);
}

/* "/x", "*", or with a scheme and a host in front: then no Host header counts. */
static struct slice write_pseudo(struct h2_ask *ask, struct slice method, struct slice target)
{
    struct slice scheme = SLICE("http"), host = {0};
    for (size_t i = 0; i < 2; i++) {
        struct slice begin = i ? SLICE("https://") : SLICE("http://");
        if (!slice_starts_with(target, begin))
            continue;
        scheme = slice_take(begin, begin.length - 3);
        target = slice_skip(target, begin.length);
        host = slice_take(target, slice_find(target, '/'));
        target = slice_skip(target, host.length);
    }
    frame_write_header(&ask->block, SLICE(":method"), method);
    frame_write_header(&ask->block, SLICE(":scheme"), scheme);
    frame_write_header(&ask->block, SLICE(":path"), target);
    return host;
}

static bool is_of_connections(struct slice name)
{
    return slice_equal_nocase(name, SLICE("Connection")) ||
           slice_equal_nocase(name, SLICE("Transfer-Encoding")) || slice_equal_nocase(name, SLICE("Host"));
}

/* Its length may be another, and may be left out. */
static bool is_length(struct slice name)
{
    return slice_equal_nocase(name, SLICE("Content-Length"));
}

static void write_lower(struct buffer *block, struct slice name, struct slice value)
{
    char lower[NAME_BYTES_MAX];
    assert(name.length < sizeof(lower));
    for (size_t i = 0; i < name.length; i++)
        lower[i] = (char)tolower((unsigned char)name.data[i]);
    frame_write_header(block, slice_make(lower, name.length), value);
}

/* The lines of the head behind the first one. Host comes first: pseudo-headers stand before all others. */
static void write_headers(struct h2_ask *ask, struct slice lines, struct slice host,
                          struct sim_chance *chance)
{
    for (struct slice rest = lines; host.data == NULL && rest.length > 0;) {
        struct slice value = split(&rest, '\n'), name = split(&value, ':');
        if (slice_equal_nocase(name, SLICE("Host")))
            host = trimmed(value);
    }
    write_host(ask, host.data ? host : SLICE("vif.test"), chance);
    for (struct slice rest = lines; rest.length > 0;) {
        struct slice value = split(&rest, '\n'), name = split(&value, ':');
        ask->ask.expects |= slice_equal_nocase(name, SLICE("Expect"));
        if (!is_of_connections(name) && !is_length(name))
            write_lower(&ask->block, name, trimmed(value));
    }
}

static void write_length(struct h2_ask *ask, struct sim_chance *chance)
{
    char text[U64_DIGITS_MAX];
    size_t digits = format_u64(text, ask->content.length);
    if (ask->content.length > 0 && sim_one_in(chance, 2))
        frame_write_header(&ask->block, SLICE("content-length"), slice_make(text, digits));
}

/* Chunks with all that surrounds them are content like any other, as far as the limit allows. */
static void translate(struct h2_ask *ask, const struct website *website, struct sim_chance *chance)
{
    struct slice head = slice_take(buffer_slice(&ask->ask.bytes), ask->ask.head_bytes);
    struct slice content = slice_skip(buffer_slice(&ask->ask.bytes), ask->ask.head_bytes);
    ask->content = slice_take(content, (size_t)MIN((uint64_t)content.length, website->limits->body_bytes));
    while (slice_starts_with(head, SLICE("\r\n")))
        head = slice_skip(head, 2);
    struct slice line = split(&head, '\n');
    struct slice method = split(&line, ' '), target = split(&line, ' ');
    struct slice host = write_pseudo(ask, method, target);
    write_headers(ask, slice_take(head, head.length - 2), host, chance);
    write_length(ask, chance);
}

void h2_ask_make(struct h2_ask *ask, const struct website *website, struct sim_chance *chance)
{
    *ask = (struct h2_ask){0};
    buffer_init(&ask->block, BLOCK_BYTES_MAX);
    ask_make(&ask->ask, website, chance);
    translate(ask, website, chance);
    ask->ask.is_old = ask->ask.says_close = ask->ask.says_keep_open = false;
    ask->ask.has_content = ask->content.length > 0;
    ask->ask.expects = ask->ask.expects && ask->ask.has_content;
}

void h2_ask_finish(struct h2_ask *ask)
{
    ask_finish(&ask->ask);
    buffer_finish(&ask->block);
}

/* ---- requests that are refused ---- */

#define GOOD ":method GET\n:scheme http\n:path /one.txt\n:authority @\n"
#define POST ":method POST\n:scheme http\n:path /fixed\n:authority @\n"

/* A header in each line, "@" stands for a host that is answered for. Without a status the stream is reset. */
static const struct h2_bad {
    const char *head;
    const char *content; /* NULL: none */
    int status;
} h2_bads[] = {
    {GOOD "Upper x\n", NULL, 0},
    {GOOD "a b\x01\n", NULL, 0},
    {GOOD "a:b c\n", NULL, 0},
    {GOOD "connection close\n", NULL, 0},
    {GOOD "connection keep-alive\n", NULL, 0},
    {GOOD "transfer-encoding chunked\n", NULL, 0},
    {GOOD "upgrade h2c\n", NULL, 0},
    {GOOD "keep-alive 1\n", NULL, 0},
    {GOOD "proxy-connection close\n", NULL, 0},
    {GOOD "te gzip\n", NULL, 0},
    {GOOD ":path /\n", NULL, 0},
    {GOOD ":odd x\n", NULL, 0},
    {GOOD ":status 200\n", NULL, 0},
    {GOOD "a b\n:scheme http\n", NULL, 0},
    {":method GET\n:scheme http\n:authority @\n", NULL, 0},
    {":method GET\n:path /\n:authority @\n", NULL, 0},
    {":scheme http\n:path /\n:authority @\n", NULL, 0},
    {":method GET\n:scheme http\n:path \n:authority @\n", NULL, 0},
    {"a b\n:method GET\n:scheme http\n:path /\n:authority @\n", NULL, 0},
    {POST "content-length 5\n", "abc", 0},
    {POST "content-length 2\n", "abc", 0},
    {POST "content-length 5\n", NULL, 0},
    {POST "content-length x\n", "abc", 0},
    {POST "content-length 3\ncontent-length 4\n", "abc", 0},
    {GOOD "host other.test\n", NULL, 400},
    {GOOD "host @\nhost @\n", NULL, 0},
    {":method GET\n:scheme http\n:path /a%zz\n:authority @\n", NULL, 400},
    {":method GET\n:scheme http\n:path /a\\b\n:authority @\n", NULL, 400},
    {":method GET\n:scheme ftp\n:path /\n:authority @\n", NULL, 421},
    {POST "content-length 999999999999\n", "", 413},
};

static void h2_bad_write_line(struct h2_ask *ask, struct slice line, const struct website *website)
{
    struct slice name = split(&line, ' ');
    if (slice_equal(line, SLICE("@")))
        line = slice_from(website->host ? website->host : "vif.test");
    frame_write_header(&ask->block, name, line);
}

static void h2_bad_write(struct h2_ask *ask, const char *lines, const struct website *website)
{
    for (struct slice rest = slice_from(lines); rest.length > 0;)
        h2_bad_write_line(ask, split(&rest, '\n'), website);
}

static void h2_bad_from_table(struct h2_ask *ask, const struct website *website, struct sim_chance *chance)
{
    const struct h2_bad *bad = &h2_bads[sim_below(chance, ARRAY_LENGTH(h2_bads))];
    h2_bad_write(ask, bad->head, website);
    ask->content = bad->content ? slice_from(bad->content) : (struct slice){0};
    ask->ask.has_content = bad->content != NULL;
    ask->ask.refused = bad->status;
    ask->ask.end = bad->status == 413 ? ASK_NEVER_ENDS : ASK_ENDS;
    ask->resets = bad->status == 0;
}

static struct slice h2_bad_fill(struct h2_ask *ask, size_t length)
{
    size_t begin = ask->ask.bytes.length;
    for (size_t i = 0; i < length; i++)
        buffer_append_byte(&ask->ask.bytes, i == 0 ? '/' : 'a');
    return slice_skip(buffer_slice(&ask->ask.bytes), begin);
}

static void h2_bad_long_target(struct h2_ask *ask, const struct website *website, struct sim_chance *chance)
{
    size_t length = website->limits->uri_bytes + 1 + (size_t)(sim_below(chance, 2) * sim_below(chance, 500));
    ask->ask.refused = 414;
    h2_bad_write(ask, ":method GET\n:scheme http\n:authority @\n", website);
    frame_write_header(&ask->block, SLICE(":path"), h2_bad_fill(ask, length));
}

static void h2_bad_long_head(struct h2_ask *ask, const struct website *website, struct sim_chance *chance)
{
    size_t length = website->limits->head_bytes + (size_t)(sim_below(chance, 2) * sim_below(chance, 3000));
    ask->ask.refused = 431;
    h2_bad_write(ask, GOOD, website);
    frame_write_header(&ask->block, SLICE("a"), h2_bad_fill(ask, length));
}

static void h2_bad_many_headers(struct h2_ask *ask, const struct website *website, struct sim_chance *chance)
{
    uint64_t count = website->limits->fields + 1 + sim_below(chance, 10);
    ask->ask.refused = 431;
    h2_bad_write(ask, GOOD, website);
    for (uint64_t i = 0; i < count; i++)
        frame_write_header(&ask->block, SLICE("a"), SLICE("b"));
}

void h2_ask_make_bad(struct h2_ask *ask, const struct website *website, struct sim_chance *chance)
{
    static void (*const makers[])(struct h2_ask *, const struct website *, struct sim_chance *) = {
        h2_bad_from_table, h2_bad_from_table, h2_bad_from_table,   h2_bad_from_table,
        h2_bad_from_table, h2_bad_long_head,  h2_bad_many_headers, h2_bad_long_target,
    };
    *ask = (struct h2_ask){0};
    ask_init(&ask->ask);
    ask->ask.method = "";
    buffer_init(&ask->block, BLOCK_BYTES_MAX);
    makers[sim_below(chance, ARRAY_LENGTH(makers))](ask, website, chance);
}
