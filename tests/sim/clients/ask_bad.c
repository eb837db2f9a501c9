/* Requests that vif refuses and closes behind: what two parties could read in two ways, and what is past a
 * limit. Each with the status that it must be refused with. */
#include "ask_parts.h"

#include <stdio.h>

/* "@" stands for a Host field that is answered for. */
static const struct bad_head {
    const char *text;
    int status;
} bad_heads[] = {
    {"GET /\r\n@\r\n", 400},
    {"GET  / HTTP/1.1\r\n@\r\n", 400},
    {"GET / HTTP/1.1 \r\n@\r\n", 400},
    {"GET /a b HTTP/1.1\r\n@\r\n", 400},
    {"GET\t/ HTTP/1.1\r\n@\r\n", 400},
    {" GET / HTTP/1.1\r\n@\r\n", 400},
    {"G(T / HTTP/1.1\r\n@\r\n", 400},
    {"\x16\x03\x01\x02", 400},
    {"\"", 400},
    {"GET / http/1.1\r\n@\r\n", 400},
    {"GET / HTTP/1.10\r\n@\r\n", 400},
    {"GET / HTTP/1,1\r\n@\r\n", 400},
    {"GET / HTTP/0.9\r\n@\r\n", 505},
    {"GET / HTTP/2.0\r\n@\r\n", 505},
    {"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", 505},
    {"GET * HTTP/1.1\r\n@\r\n", 400},
    {"GET one.txt HTTP/1.1\r\n@\r\n", 400},
    {"GET /%zz HTTP/1.1\r\n@\r\n", 400},
    {"GET /% HTTP/1.1\r\n@\r\n", 400},
    {"GET /<b> HTTP/1.1\r\n@\r\n", 400},
    {"GET /a#b HTTP/1.1\r\n@\r\n", 400},
    {"GET /a\\b HTTP/1.1\r\n@\r\n", 400},
    {"GET /\xc3\xa9 HTTP/1.1\r\n@\r\n", 400},
    {"GET /a\x7f HTTP/1.1\r\n@\r\n", 400},
    {"GET ftp://vif.test/ HTTP/1.1\r\n@\r\n", 421},
    {"GET http:///x HTTP/1.1\r\n@\r\n", 400},
    {"GET http://u@h/ HTTP/1.1\r\nHost: h\r\n\r\n", 400},
    {"GET http://vif.test:99999/ HTTP/1.1\r\n@\r\n", 400},
    {"CONNECT / HTTP/1.1\r\n@\r\n", 400},
    {"CONNECT vif.test HTTP/1.1\r\n@\r\n", 400},
    {"GET / HTTP/1.1\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n@Host: vif.test\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost:\r\n\r\n", 400},
    {"GET / HTTP/1.0\r\nHost: \t\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
    {"GET / HTTP/1.0\r\nHost: [::1\r\n\r\n", 400},
    {"GET / HTTP/1.1\n@\r\n", 400},
    {"GET / HTTP/1.1\r\n@\n", 400},
    {"GET / HTTP/1.1\r\r\n@\r\n", 400},
    {"GET / HTTP/1.1\r\nA: b\rc\r\n@\r\n", 400},
    {"GET / HTTP/1.1\r\nA : b\r\n@\r\n", 400},
    {"GET / HTTP/1.1\r\nA\r\n@\r\n", 400},
    {"GET / HTTP/1.1\r\n: b\r\n@\r\n", 400},
    {"GET / HTTP/1.1\r\n A: b\r\n@\r\n", 400},
    {"GET / HTTP/1.1\r\nA: b\r\n c\r\n@\r\n", 400},
    {"GET / HTTP/1.1\r\nA: b\x01\r\n@\r\n", 400},
    {"GET / HTTP/1.1\r\nA\xc3: b\r\n@\r\n", 400},
    {"\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\n@\r\n", 400},
    {"\rGET / HTTP/1.1\r\n@\r\n", 400},
    {"\nGET / HTTP/1.1\r\n@\r\n", 400},
    {"POST /fixed HTTP/1.1\r\n@Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400},
    {"POST /fixed HTTP/1.1\r\n@Content-Length: 3, 3\r\n\r\nabc", 400},
    {"POST /fixed HTTP/1.1\r\n@Content-Length: +3\r\n\r\nabc", 400},
    {"POST /fixed HTTP/1.1\r\n@Content-Length: -1\r\n\r\n", 400},
    {"POST /fixed HTTP/1.1\r\n@Content-Length: 0x3\r\n\r\nabc", 400},
    {"POST /fixed HTTP/1.1\r\n@Content-Length:\r\n\r\n", 400},
    {"POST /fixed HTTP/1.1\r\n@Content-Length: 99999999999999999999\r\n\r\n", 400},
    {"POST /fixed HTTP/1.1\r\n@Content-Length: 18446744073709551615\r\n\r\n", 413},
    {"POST /fixed HTTP/1.1\r\n@Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
    {"POST /fixed HTTP/1.1\r\n@Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     400},
    {"POST /fixed HTTP/1.1\r\n@Transfer-Encoding: gzip\r\n\r\nabc", 400},
    {"POST /fixed HTTP/1.1\r\n@Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", 400},
    {"POST /fixed HTTP/1.1\r\n@Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501},
    {"POST /fixed HTTP/1.1\r\n@Transfer-Encoding:\r\n\r\n0\r\n\r\n", 400},
    {"POST /fixed HTTP/1.0\r\n@Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
};

/* What follows the head of a chunked request. */
static const struct bad_head bad_chunks[] = {
    {"x\r\nabc\r\n0\r\n\r\n", 400},
    {"\r\n0\r\n\r\n", 400},
    {"3\nabc\r\n0\r\n\r\n", 400},
    {"3 \r\nabc\r\n0\r\n\r\n", 400},
    {"-3\r\nabc\r\n0\r\n\r\n", 400},
    {"0x3\r\nabc\r\n0\r\n\r\n", 400},
    {"3\r\nabcd\r\n0\r\n\r\n", 400},
    {"3\r\nabc\n0\r\n\r\n", 400},
    {"3\r\nabc0\r\n\r\n", 400},
    {"3;a\x01\r\nabc\r\n0\r\n\r\n", 400},
    {"3;a\nabc\r\n0\r\n\r\n", 400},
    {"3;\r\nabc\r\n0\r\n\r\n", 400},
    {"3;(\r\nabc\r\n0\r\n\r\n", 400},
    {"3;a \r\nabc\r\n0\r\n\r\n", 400},
    {"3;a=\r\nabc\r\n0\r\n\r\n", 400},
    {"3;a=\"b\r\nabc\r\n0\r\n\r\n", 400},
    {"3;a=\"b\"c\r\nabc\r\n0\r\n\r\n", 400},
    {"fffffffffffffff\r\nabc", 413},
    {"ffffffffffffffffff\r\nabc", 413},
    {"3\r\nabc\r\n0\r\n bad: x\r\n\r\n", 400},
    {"3\r\nabc\r\n0\r\nbad : x\r\n\r\n", 400},
    {"3\r\nabc\r\n0\r\nbad\r\n\r\n", 400},
    {"3\r\nabc\r\n0\r\nx: \x01\r\n\r\n", 400},
    {"3\r\nabc\r\n0\r\nx: y\n\r\n", 400},
    {"3\r\nabc\r\n0\r\n\rx", 400},
};

static void write_text(struct ask *ask, const char *text, const struct website *website)
{
    for (; *text; text++) {
        if (*text == '@')
            buffer_printf(&ask->bytes, "Host: %s\r\n", website->host ? website->host : "vif.test");
        else
            buffer_append_byte(&ask->bytes, *text);
    }
}

static void fill(struct ask *ask, char byte, uint64_t count)
{
    while (count-- > 0)
        buffer_append_byte(&ask->bytes, byte);
}

static void make_bad_head(struct ask *ask, const struct website *website, struct sim_chance *chance)
{
    const struct bad_head *bad = &bad_heads[sim_below(chance, ARRAY_LENGTH(bad_heads))];
    ask->refused = bad->status;
    /* The one with a user in it has an '@' of its own. */
    if (strstr(bad->text, "u@h"))
        buffer_append(&ask->bytes, slice_from(bad->text));
    else
        write_text(ask, bad->text, website);
}

static void make_bad_chunks(struct ask *ask, const struct website *website, struct sim_chance *chance)
{
    const struct bad_head *bad = &bad_chunks[sim_below(chance, ARRAY_LENGTH(bad_chunks))];
    ask->refused = bad->status;
    write_text(ask, "POST /fixed HTTP/1.1\r\n@Transfer-Encoding: chunked\r\n\r\n", website);
    ask->head_bytes = ask->bytes.length;
    buffer_append(&ask->bytes, slice_from(bad->text));
}

static void make_long_target(struct ask *ask, const struct website *website, struct sim_chance *chance)
{
    ask->refused = 414;
    buffer_append(&ask->bytes, SLICE("GET /"));
    fill(ask, 'a', website->limits->uri_bytes + sim_below(chance, 2) * sim_below(chance, 500));
    write_text(ask, " HTTP/1.1\r\n@\r\n", website);
}

/* Not even the request line comes to its end. */
static void make_long_line(struct ask *ask, const struct website *website, struct sim_chance *chance)
{
    ask->refused = 414;
    buffer_append(&ask->bytes, SLICE("GET /"));
    fill(ask, 'a', website->limits->head_bytes - 4 + sim_below(chance, 2) * sim_below(chance, 5000));
}

static void make_long_head(struct ask *ask, const struct website *website, struct sim_chance *chance)
{
    ask->refused = 431;
    write_text(ask, "GET /one.txt HTTP/1.1\r\n@", website);
    uint64_t room = website->limits->head_bytes - ask->bytes.length;
    buffer_append(&ask->bytes, SLICE("A: "));
    /* One byte too many, with both line ends; or many. */
    fill(ask, 'a', room - 3 - 4 + 1 + sim_below(chance, 2) * sim_below(chance, 3000));
    write_text(ask, "\r\n\r\n", website);
}

static void make_many_fields(struct ask *ask, const struct website *website, struct sim_chance *chance)
{
    ask->refused = 431;
    write_text(ask, "GET /one.txt HTTP/1.1\r\n@", website);
    uint64_t count = website->limits->fields + sim_below(chance, 2) * sim_below(chance, 10);
    for (uint64_t i = 0; i < count; i++)
        buffer_append(&ask->bytes, SLICE("A: b\r\n"));
    buffer_append(&ask->bytes, SLICE("\r\n"));
}

static void make_long_content(struct ask *ask, const struct website *website, struct sim_chance *chance)
{
    uint64_t most = website->limits->body_bytes;
    ask->refused = 413;
    if (sim_one_in(chance, 2)) {
        write_text(ask, "POST /fixed HTTP/1.1\r\n@", website);
        buffer_printf(&ask->bytes, "Content-Length: %llu\r\n\r\n", (unsigned long long)(most + 1));
        fill(ask, 'c', sim_below(chance, 1000));
        return;
    }
    write_text(ask, "POST /fixed HTTP/1.1\r\n@Transfer-Encoding: chunked\r\n\r\n", website);
    ask->head_bytes = ask->bytes.length;
    uint64_t first = sim_below(chance, MIN(most, (uint64_t)5000)) + 1;
    buffer_printf(&ask->bytes, "%llx\r\n", (unsigned long long)first);
    fill(ask, 'c', first);
    buffer_printf(&ask->bytes, "\r\n%llx\r\nabc", (unsigned long long)(most - first + 1));
}

static void make_long_framing(struct ask *ask, const struct website *website, struct sim_chance *chance)
{
    bool is_extension = sim_one_in(chance, 2);
    ask->refused = is_extension ? 400 : 431;
    write_text(ask, "POST /fixed HTTP/1.1\r\n@Transfer-Encoding: chunked\r\n\r\n", website);
    ask->head_bytes = ask->bytes.length;
    buffer_append(&ask->bytes, is_extension ? SLICE("3;") : SLICE("0\r\nA: "));
    fill(ask, 'e',
         is_extension ? 253 + sim_below(chance, 2) * sim_below(chance, 500)
                      : website->limits->head_bytes - 3 + sim_below(chance, 100));
    buffer_append(&ask->bytes, SLICE("\r\nabc\r\n"));
}

void ask_make_bad(struct ask *ask, const struct website *website, struct sim_chance *chance)
{
    static void (*const makers[])(struct ask *, const struct website *, struct sim_chance *) = {
        make_bad_head,   make_bad_head,    make_bad_head,     make_bad_head,
        make_bad_chunks, make_bad_chunks,  make_long_target,  make_long_line,
        make_long_head,  make_many_fields, make_long_content, make_long_framing,
    };
    ask_init(ask);
    ask->method = "";
    makers[sim_below(chance, ARRAY_LENGTH(makers))](ask, website, chance);
    if (ask->head_bytes == 0)
        ask->head_bytes = ask->bytes.length;
}
