/* Lines of a report are told apart by how they begin: conf/outline.h writes changes, conf/diagnostics.h
 * mistakes. */
#include "log/reload_history.h"

#include "base/compiler.h"

#include <stdio.h>

static bool is_change(struct slice line)
{
    return line.length > 2 && line.data[1] == ' ' && strchr("+-~", line.data[0]) != NULL;
}

/* "FILE:LINE:COLUMN: error: ...": the lines of the file that follow are indented. */
static bool is_mistake(struct slice line)
{
    return line.length > 0 && line.data[0] != ' ' &&
           memmem(line.data, line.length, ": error: ", strlen(": error: ")) != NULL;
}

/* Complete lines only; when there is no room for one, the last line says so. */
static void put_lines(char out[RELOAD_TEXT_BYTES], struct slice text)
{
    static const char more[] = "...\n";
    size_t length = 0;
    while (text.length > 0) {
        size_t end = MIN(slice_find(text, '\n') + 1, text.length);
        struct slice line = slice_take(text, end);
        text = slice_skip(text, end);
        if (!is_change(line) && !is_mistake(line))
            continue;
        if (length + line.length + sizeof(more) > RELOAD_TEXT_BYTES) {
            memcpy(out + length, more, sizeof(more));
            return;
        }
        memcpy(out + length, line.data, line.length);
        length += line.length;
    }
    out[length] = '\0';
}

void reload_history_add(struct reload_history *history, int64_t when_seconds, unsigned generation,
                        const char *result, struct slice text)
{
    struct reload_record record = {.when_seconds = when_seconds, .generation = generation};
    snprintf(record.result, sizeof(record.result), "%s", result);
    put_lines(record.text, text);
    shared_write_begin(&history->version);
    memmove(&history->list[1], &history->list[0], (RELOADS_KEPT - 1) * sizeof(history->list[0]));
    history->list[0] = record;
    shared_write_end(&history->version);
}
