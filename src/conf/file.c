/* Reading a configuration file or a list of servers, and finding out which folder it lies in. */
#include "conf/file.h"
#include "base/error.h"
#include "conf/include.h"
#include "conf/load.h"
#include "conf/yaml.h"
#include "sys/file.h"
#include "sys/path.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define READ_BYTES 4096

static bool is_standard_input(const char *path)
{
    return strcmp(path, "-") == 0;
}

/* All of the file, or a little more than is allowed. */
static int config_file_read_stream(FILE *stream, struct buffer *text)
{
    size_t got = 1;
    while (text->length <= DOCUMENT_BYTES_MAX && got > 0) {
        if (!buffer_reserve(text, READ_BYTES))
            return -ENOMEM;
        got = fread(text->data + text->length, 1, READ_BYTES, stream);
        text->length += got;
    }
    return ferror(stream) ? -errno : 0;
}

static int config_file_read_file(const char *path, struct buffer *text)
{
    if (is_standard_input(path))
        return config_file_read_stream(stdin, text);
    FILE *stream;
    int error = sys_open_stream(path, "r", &stream);
    if (error)
        return error;
    error = config_file_read_stream(stream, text);
    fclose(stream);
    return error;
}

static int report_at(struct source_position position, struct diagnostics *diagnostics, const char *path,
                     const char *what)
{
    diagnostics_add(diagnostics, position, "%s: %s", path, what);
    return ERROR_SYNTAX;
}

static int config_file_report(struct diagnostics *diagnostics, const char *path, const char *what)
{
    return report_at((struct source_position){0}, diagnostics, path, what);
}

/* A deleted folder must not be replaced by another one, which would then be served to everyone. */
int document_find_current_folder(struct document *document, struct diagnostics *diagnostics,
                                 struct slice *ret_folder)
{
    char path[PATH_MAX];
    int error = sys_real_path(".", path);
    if (error == -ENOMEM)
        return error;
    if (error == -ENOENT)
        return config_file_report(diagnostics, "the current folder is gone", "go to one that exists");
    if (error)
        return config_file_report(diagnostics, "the current folder", error_text(error));
    struct slice folder = arena_copy(&document->arena, slice_from(path));
    if (folder.data == NULL)
        return -ENOMEM;
    *ret_folder = folder;
    return 0;
}

/* A text from standard input lies in the current folder. A link to a file counts where it stands, not where
 * it leads: so a configuration can be linked into the folder of its site. */
static struct slice config_file_folder_of(const char *path, struct arena *arena)
{
    const char *slash = strrchr(path, '/');
    size_t length = slash == path ? 1 : slash ? (size_t)(slash - path) : 0;
    char *folder = arena_string(arena, length > 0 ? slice_make(path, length) : SLICE("."));
    char absolute[PATH_MAX];
    if (folder == NULL || sys_real_path(folder, absolute) < 0)
        return (struct slice){0};
    return arena_copy(arena, slice_from(absolute));
}

/* Relative paths in the text begin at the folder that it lies in. */
static struct source_text *config_file_source(const char *path, struct slice text, struct slice folder,
                                              struct diagnostics *diagnostics)
{
    const char *name = is_standard_input(path) ? "standard input" : path;
    struct source_text *source = diagnostics_add_source(diagnostics, slice_from(name), text, true);
    if (source)
        source->folder = arena_copy(&diagnostics->arena, folder);
    return source && source->folder.data ? source : NULL;
}

static int config_file_parse(const char *path, struct slice text, struct slice folder,
                             struct diagnostics *diagnostics, struct document *document)
{
    const struct source_text *source = config_file_source(path, text, folder, diagnostics);
    return source ? yaml_read(source, diagnostics, document) : -ENOMEM;
}

static int load_file(const char *path, struct source_position position, struct diagnostics *diagnostics,
                     struct document *document, struct slice *ret_folder, size_t *ret_bytes)
{
    struct buffer text;
    buffer_init(&text, DOCUMENT_BYTES_MAX + 2 * READ_BYTES);
    int error = config_file_read_file(path, &text);
    struct slice folder = config_file_folder_of(path, &document->arena);
    if (error == -ENOMEM)
        goto done;
    if (error || folder.data == NULL)
        error = report_at(position, diagnostics, path, error_text(error ? error : -errno));
    else if (text.length > DOCUMENT_BYTES_MAX)
        error = report_at(position, diagnostics, path, "longer than 1 MiB");
    else
        error = config_file_parse(path, buffer_slice(&text), folder, diagnostics, document);
    *ret_folder = folder;
    *ret_bytes = text.length;
done:
    buffer_finish(&text);
    return error;
}

/* Reading a FIFO would wait for a writer, and a device may have no end. */
static bool config_file_is_file(const char *path)
{
    struct file_status status;
    return sys_path_status(path, &status) < 0 || S_ISREG(status.mode) || S_ISDIR(status.mode);
}

int file_load(const char *path, struct source_position position, struct diagnostics *diagnostics,
              struct document *document, size_t *bytes)
{
    struct slice folder;
    size_t length = 0;
    if (!config_file_is_file(path))
        return report_at(position, diagnostics, path, "no regular file");
    int error = load_file(path, position, diagnostics, document, &folder, &length);
    *bytes += length;
    return error;
}

/* ---- lists ---- */

static bool is_same_content(const struct file_status *one, const struct file_status *other)
{
    return one->size == other->size && one->modified_ns == other->modified_ns &&
           one->changed_ns == other->changed_ns;
}

static int list_file_read_stream(FILE *stream, struct buffer *text)
{
    struct file_status before, after;
    int error = sys_file_status(fileno(stream), &before);
    if (error == 0)
        error = config_file_read_stream(stream, text);
    if (error == 0)
        error = sys_file_status(fileno(stream), &after);
    if (error < 0)
        return error;
    return is_same_content(&before, &after) ? 0 : -EAGAIN;
}

static int list_file_read(const char *path, struct buffer *text)
{
    FILE *stream;
    int error = sys_open_stream(path, "r", &stream);
    if (error)
        return error;
    error = list_file_read_stream(stream, text);
    fclose(stream);
    return error;
}

static int list_file_parse(const char *path, struct slice text, struct diagnostics *diagnostics,
                           struct document *document, struct node **ret_top)
{
    struct slice folder = config_file_folder_of(path, &document->arena);
    const struct source_text *source =
        folder.data ? config_file_source(path, text, folder, diagnostics) : NULL;
    return source ? yaml_read_any(source, diagnostics, document, ret_top) : -ENOMEM;
}

int file_load_list(const char *path, struct source_position position, struct diagnostics *diagnostics,
                   struct document *document, struct node **ret_top)
{
    struct buffer text;
    if (!config_file_is_file(path))
        return report_at(position, diagnostics, path, "no regular file");
    buffer_init(&text, DOCUMENT_BYTES_MAX + 2 * READ_BYTES);
    int error = list_file_read(path, &text);
    if (error == 0 && text.length > LIST_FILE_BYTES_MAX)
        error = report_at(position, diagnostics, path, "longer than 64 KiB");
    else if (error == 0)
        error = list_file_parse(path, buffer_slice(&text), diagnostics, document, ret_top);
    else if (error != -ENOENT && error != -EAGAIN && error != -ENOMEM)
        error = report_at(position, diagnostics, path, error_text(error));
    buffer_finish(&text);
    return error;
}

int document_load_file(const char *path, struct diagnostics *diagnostics, struct document *document,
                       struct slice *ret_folder)
{
    struct slice current;
    size_t bytes;
    bool is_absolute = path[0] == '/';
    int error = is_absolute ? 0 : document_find_current_folder(document, diagnostics, &current);
    if (error == 0)
        error = load_file(path, (struct source_position){0}, diagnostics, document, ret_folder, &bytes);
    return error ? error : include_expand(document, path, diagnostics);
}
