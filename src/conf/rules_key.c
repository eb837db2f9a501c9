/* The rules for files with a secret: one whose content becomes a key, and one with passwords. */
#include "base/hash.h"
#include "conf/paths.h"
#include "conf/rules.h"
#include "sys/private_file.h"

#include <stdio.h>
#include <sys/stat.h>

#define SECRET_BYTES_MIN 16
#define SECRET_BYTES_MAX 4096

/* Any text will do: it is the key of a hash, and not used otherwise. Blanks around it do not count, since
 * editors add a line feed. */
static struct slice key_file_digest(const struct rule_context *context, struct slice secret)
{
    static const struct hash_key whitening = {0};
    struct digest digest = hash_digest(&whitening, secret);
    const struct hash_key key = {digest.first, digest.second};
    return arena_copy(context->arena, slice_make((const char *)&key, sizeof(key)));
}

static struct slice key_file_secret(const struct buffer *content)
{
    struct slice text = buffer_slice(content);
    while (text.length > 0 && (unsigned char)text.data[text.length - 1] <= ' ')
        text.length--;
    while (text.length > 0 && (unsigned char)text.data[0] <= ' ')
        text = slice_skip(text, 1);
    return text;
}

static const char *check_key_file(const struct rule_context *context, struct slice *text)
{
    struct buffer content;
    struct file_status status;
    if (text->length == 0)
        return "it is empty";
    struct slice path = rule_absolute(context, *text);
    if (path.data == NULL) {
        *text = path;
        return NULL;
    }
    const char *fault = path_check_readable(context->arena, path.data);
    if (fault)
        return fault;
    buffer_init(&content, SECRET_BYTES_MAX);
    if (sys_read_private_file(path.data, &content, &status) < 0)
        fault = "it cannot be read, or is longer than 4 KiB";
    else if (key_file_secret(&content).length < SECRET_BYTES_MIN)
        fault = "it has less than 16 characters; make a key with: openssl rand -hex 32";
    else
        *text = key_file_digest(context, key_file_secret(&content));
    if (content.data)
        explicit_bzero(content.data, content.capacity);
    buffer_finish(&content);
    return fault;
}

/* The group of a file may be there to read it. */
static const char *doubt_secrecy(const struct rule_context *context, struct slice text, const char *what)
{
    struct file_status status;
    struct slice path = rule_absolute(context, text);
    if (path.data == NULL || sys_private_file_status(path.data, &status) < 0 || (status.mode & S_IROTH) == 0)
        return NULL;
    size_t size = 2 * path.length + 100;
    char *doubt = arena_alloc(context->arena, size);
    if (doubt)
        snprintf(doubt, size,
                 "%s: every user of this machine may read the %s; change that with: chmod 600 %s", path.data,
                 what, path.data);
    return doubt;
}

static const char *doubt_key_file(const struct rule_context *context, struct slice text)
{
    return doubt_secrecy(context, text, "key");
}

const struct text_rule rule_key_file = {
    "file", "the path of a file", "^.+$", check_key_file, .doubt = doubt_key_file, .says_all = true,
};

static const char *check_password_file(const struct rule_context *context, struct slice *text)
{
    return rule_readable_file.check(context, text);
}

static const char *doubt_password_file(const struct rule_context *context, struct slice text)
{
    return doubt_secrecy(context, text, "hashes");
}

const struct text_rule rule_password_file = {
    "file", "the path of a file", "^.+$", check_password_file, .doubt = doubt_password_file, .says_all = true,
};
