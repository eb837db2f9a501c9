/* A conversation with a website of one file, played without a server: what the oracle's tests have in common.
 */
#ifndef SIM_CLIENTS_ORACLE_STAGE_H
#define SIM_CLIENTS_ORACLE_STAGE_H

#include "unit/test.h"

#include "content.h"
#include "conversation.h"
#include "kernel/internal.h"

#include <stdio.h>

#define FILE_BYTES 5000

struct stage {
    struct website website;
    struct limits limits;
    struct timeouts timeouts;
    struct scene scene;
    struct area area;
    struct target file_target;
    struct conversation conversation;
};

static struct stage stage;

/* ---- building ---- */

static inline void add_version(struct site_file *file, int64_t age_ns)
{
    struct form *form = &file->forms[FORM_PLAIN];
    if (form->count > 0)
        form->versions[form->count - 1].until_us = sim_now_us();
    form->versions[form->count++] = (struct version){
        .key = content_key(SLICE("/f"), form->count, SLICE("")),
        .size = FILE_BYTES,
        .modified_ns = sim_wall_ns() - age_ns,
        .from_us = sim_now_us(),
        .until_us = WEBSITE_NEVER,
    };
}

static inline int set_up(void **state)
{
    (void)state;
    kernel_start(&(struct kernel_options){.seed = 1, .replay_words = ""});
    stage = (struct stage){0};
    stage.limits = (struct limits){.connections = 10,
                                   .head_bytes = 4096,
                                   .uri_bytes = 512,
                                   .fields = 32,
                                   .cache_file_bytes = FILE_BYTES};
    stage.timeouts = (struct timeouts){.head_ms = 3000,
                                       .body_ms = 3000,
                                       .idle_ms = 20000,
                                       .write_ms = 5000,
                                       .linger_ms = 5000,
                                       .rate_bytes_min = 240};
    stage.website.limits = &stage.limits;
    stage.website.timeouts = &stage.timeouts;
    stage.website.longest = &stage.timeouts;
    editions_init(&stage.website.editions, true);
    stage.area = (struct area){.prefix = "/", .root = "/site"};
    struct site_file *file = &stage.website.files[0];
    *file = (struct site_file){.path = "/site/f", .type = "text/plain", .area = &stage.area};
    add_version(file, INT64_C(100000000000));
    stage.file_target = (struct target){
        .kind = TARGET_FILE, .url = "/f", .area = &stage.area, .file = file, .type = "text/plain"};
    stage.scene.website = &stage.website;
    time_spend(SIM_S);
    conversation_begin(&stage.conversation, &stage.scene, 1);
    return 0;
}

static inline int tear_down(void **state)
{
    (void)state;
    conversation_finish(&stage.conversation);
    kernel_finish();
    return 0;
}

static inline struct ask *ask_for_file(const char *method)
{
    struct ask *ask = conversation_add(&stage.conversation);
    ask_init(ask);
    ask->target = &stage.file_target;
    ask->method = method;
    ask->is_head = strcmp(method, "HEAD") == 0;
    buffer_printf(&ask->bytes, "%s /f HTTP/1.1\r\nHost: x\r\n\r\n", method);
    ask->head_bytes = ask->bytes.length;
    return ask;
}

static inline void send_all(void)
{
    for (struct slice unsent; (unsent = conversation_unsent(&stage.conversation)).length > 0;)
        conversation_sent(&stage.conversation, unsent.length);
    time_spend(1000);
}

static inline void receive(struct slice bytes)
{
    conversation_received(&stage.conversation, bytes);
}

/* The right head to a GET of the file's newest version, but for what the caller adds. */
static inline void write_head(struct buffer *out, int status, const char *reason, const char *fields)
{
    const struct version *version = form_now(&stage.website.files[0].forms[FORM_PLAIN]);
    char date[DATE_TEXT_MAX], modified[DATE_TEXT_MAX];
    date_write(date, seconds_of(sim_wall_ns()));
    date_write(modified, seconds_of(version->modified_ns));
    buffer_printf(out,
                  "HTTP/1.1 %d %s\r\nDate: %s\r\nServer: vif\r\nContent-Type: text/plain\r\n"
                  "Accept-Ranges: bytes\r\nETag: \"%llx\"\r\nLast-Modified: %s\r\n%s\r\n",
                  status, reason, date, (unsigned long long)version->key, modified, fields);
}

static inline void write_content(struct buffer *out, const struct version *version, uint64_t first,
                                 size_t length)
{
    buffer_reserve(out, length);
    content_fill(out->data + out->length, version->key, first, length);
    out->length += length;
}

static inline struct buffer right_answer(void)
{
    struct buffer out;
    char length[40];
    buffer_init(&out, 1u << 20);
    snprintf(length, sizeof(length), "Content-Length: %d\r\n", FILE_BYTES);
    write_head(&out, 200, "OK", length);
    write_content(&out, form_now(&stage.website.files[0].forms[FORM_PLAIN]), 0, FILE_BYTES);
    return out;
}

/* An error page as vif writes it. */
static inline struct buffer error_answer(int status, const char *fields)
{
    struct buffer out;
    char date[DATE_TEXT_MAX];
    buffer_init(&out, 1u << 20);
    date_write(date, seconds_of(sim_wall_ns()));
    buffer_printf(&out,
                  "HTTP/1.1 %d X\r\nDate: %s\r\nServer: vif\r\n%sContent-Type: text/html; charset=utf-8\r\n"
                  "Vary: Accept\r\nContent-Length: 32\r\n\r\n<p class=\"status\">%d</p></html>",
                  status, date, fields, status);
    return out;
}

/* ---- asking the oracle ---- */

static inline void expect_good(void)
{
    if (stage.conversation.verdict.is_bad)
        fail_msg("a right conversation was blamed: %s", stage.conversation.verdict.text);
}

static inline void expect_blame(const char *words)
{
    if (!stage.conversation.verdict.is_bad)
        fail_msg("nothing was noticed, expected \"%s\"", words);
    if (strstr(stage.conversation.verdict.text, words) == NULL)
        fail_msg("blamed for \"%s\", expected \"%s\"", stage.conversation.verdict.text, words);
}

static inline void receive_and_free(struct buffer *answer)
{
    receive(buffer_slice(answer));
    buffer_finish(answer);
}

#endif
