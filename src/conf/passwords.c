/* Messages show the line that they are about, so the diagnostics get a copy of the file in which everything
 * but the names is blacked out: what somebody wrote there by mistake may be a password. */
#include "conf/passwords.h"

#include "base/error.h"
#include "sys/password.h"
#include "sys/private_file.h"

#include <stdio.h>

#define HOW_TO "make a line with: vif password NAME"

struct password_reader {
    struct loader *loader;
    struct admin_settings *settings;
    const struct source_text *source;
    unsigned line;
    unsigned lines[PASSWORD_USERS_MAX]; /* where each user is */
};

/* ---- messages ---- */

static void black_out(char *text, size_t length)
{
    size_t start = 0;
    while (start < length) {
        size_t end = start + slice_find(slice_make(text + start, length - start), '\n');
        struct slice line = slice_make(text + start, end - start);
        size_t shown = slice_find(line, ':');
        for (size_t i = start + (shown < line.length ? shown + 1 : 0); i < end; i++)
            text[i] = '*';
        start = end + 1;
    }
}

/* Returns NULL if out of memory. */
static const struct source_text *add_blacked_out(struct loader *loader, struct slice path, struct slice text)
{
    struct slice copy = arena_copy(loader->arena, text);
    if (copy.data == NULL)
        return NULL;
    black_out((char *)copy.data, copy.length);
    return diagnostics_add_source(loader->diagnostics, path, copy, true);
}

/* `begin` and `length` are bytes of the line, which may have other characters than ASCII only in its name. */
static void password_mistake(struct password_reader *reader, size_t begin, size_t length, const char *what)
{
    struct source_position position = {
        .source = reader->source,
        .line = reader->line,
        .column = (unsigned)begin + 1,
        .length = (unsigned)length,
    };
    diagnostics_add(reader->loader->diagnostics, position, "password_file: %s; " HOW_TO, what);
}

/* ---- lines ---- */

static bool has_control(struct slice text)
{
    for (size_t i = 0; i < text.length; i++) {
        if ((unsigned char)text.data[i] < ' ' || text.data[i] == 0x7f)
            return true;
    }
    return false;
}

static bool is_there_already(struct password_reader *reader, struct slice name)
{
    const struct admin_settings *settings = reader->settings;
    for (size_t i = 0; i < settings->user_count; i++) {
        if (!slice_equal(settings->users[i].name, name))
            continue;
        char text[80];
        snprintf(text, sizeof(text), "the name is there twice, first in line %u", reader->lines[i]);
        password_mistake(reader, 0, name.length, text);
        return true;
    }
    return false;
}

static void password_add(struct password_reader *reader, struct slice name, struct slice hash)
{
    struct admin_settings *settings = reader->settings;
    struct admin_user user = {arena_copy(reader->loader->arena, name),
                              arena_copy(reader->loader->arena, hash)};
    if (user.name.data == NULL || user.hash.data == NULL)
        reader->loader->out_of_memory = true;
    reader->lines[settings->user_count] = reader->line;
    settings->users[settings->user_count++] = user;
}

static void read_password_line(struct password_reader *reader, struct slice line)
{
    size_t colon = slice_find(line, ':');
    struct slice name = slice_take(line, colon);
    if (colon == line.length) {
        password_mistake(reader, 0, line.length, "expected NAME:HASH");
    } else if (name.length == 0 || has_control(name)) {
        password_mistake(reader, 0, colon + 1, "a name cannot be empty, or have control characters");
    } else if (!is_there_already(reader, name)) {
        struct slice hash = slice_skip(line, colon + 1);
        const char *fault = password_hash_fault(hash);
        if (fault)
            password_mistake(reader, colon + 1, hash.length, fault);
        else if (reader->settings->user_count == PASSWORD_USERS_MAX)
            password_mistake(reader, 0, name.length, "there are more than 256 names");
        else
            password_add(reader, name, hash);
    }
}

static void read_password_lines(struct password_reader *reader, struct slice text)
{
    struct slice line;
    while (slice_next(&text, '\n', &line)) {
        reader->line++;
        if (slice_ends_with(line, SLICE("\r")))
            line.length--;
        if (slice_trim(line).length > 0 && line.data[0] != '#')
            read_password_line(reader, line);
    }
}

/* ---- the file ---- */

static void passwords_parse(struct password_reader *reader, struct slice path, struct slice text,
                            struct source_position where)
{
    struct loader *loader = reader->loader;
    size_t errors = loader->diagnostics->errors;
    reader->source = add_blacked_out(loader, path, text);
    reader->settings->users = loader_allocate(loader, PASSWORD_USERS_MAX, sizeof(struct admin_user));
    if (reader->source == NULL || reader->settings->users == NULL) {
        loader->out_of_memory = true;
        return;
    }
    read_password_lines(reader, text);
    if (reader->settings->user_count == 0 && loader->diagnostics->errors == errors)
        diagnostics_add(loader->diagnostics, where, "password_file: \"%.*s\" has no line NAME:HASH; " HOW_TO,
                        SLICE_ARGS(path));
}

void passwords_read(struct loader *loader, struct slice path, struct source_position where,
                    struct admin_settings *settings)
{
    struct password_reader reader = {.loader = loader, .settings = settings};
    struct buffer content;
    struct file_status status;
    buffer_init(&content, PASSWORD_FILE_BYTES_MAX);
    int error = sys_read_private_file(path.data, &content, &status);
    if (error < 0)
        diagnostics_add(loader->diagnostics, where, "password_file: \"%.*s\" cannot be read: %s",
                        SLICE_ARGS(path), error_text(error));
    else
        passwords_parse(&reader, path, buffer_slice(&content), where);
    if (content.data)
        explicit_bzero(content.data, content.capacity);
    buffer_finish(&content);
}
