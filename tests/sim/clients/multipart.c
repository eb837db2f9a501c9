/* multipart/byteranges, to the byte (RFC 9110 section 14.6, RFC 2046 section 5.1). */
#include "judge.h"

#include <stdio.h>

#define BOUNDARY_MAX 70

/* Takes `text` from the front of `rest`; where the answer was cut, what is there of it. */
static bool take(struct slice *rest, const char *text, bool is_cut, struct verdict *verdict)
{
    size_t length = strlen(text);
    if (is_cut)
        length = MIN(length, rest->length);
    if (rest->length < length || memcmp(rest->data, text, length) != 0)
        return blame(verdict, "\"%.*s\" in the multipart content, expected \"%s\"",
                     (int)MIN(rest->length, (size_t)60), rest->data, text);
    *rest = slice_skip(*rest, length);
    return true;
}

static bool take_part(struct slice *rest, const struct version *version, const struct judged_range *range,
                      const char *boundary, const char *type, bool is_cut, struct verdict *verdict)
{
    char head[400];
    uint64_t length = range->last - range->first + 1;
    snprintf(head, sizeof(head),
             "\r\n--%s\r\nContent-Type: %s\r\nContent-Range: bytes %llu-%llu/%llu\r\n\r\n", boundary, type,
             (unsigned long long)range->first, (unsigned long long)range->last,
             (unsigned long long)version->size);
    if (!take(rest, head, is_cut, verdict))
        return false;
    struct slice bytes = slice_take(*rest, (size_t)MIN(length, (uint64_t)rest->length));
    *rest = slice_skip(*rest, bytes.length);
    return judge_bytes(bytes, version, range->first, length, is_cut, verdict);
}

bool judge_multipart(const struct answer *answer, const struct version *version,
                     const struct judged_range *ranges, size_t count, const char *type, bool is_cut,
                     struct verdict *verdict)
{
    static const char begin[] = "multipart/byteranges; boundary=";
    struct slice field = answer_field(answer, "Content-Type");
    char boundary[BOUNDARY_MAX + 1], end[BOUNDARY_MAX + 10];
    if (!slice_starts_with(field, slice_from(begin)) || field.length == strlen(begin) ||
        field.length > strlen(begin) + BOUNDARY_MAX)
        return blame(verdict, "Content-Type: %.*s of a multipart answer", SLICE_ARGS(field));
    snprintf(boundary, sizeof(boundary), "%.*s", SLICE_ARGS(slice_skip(field, strlen(begin))));
    if (!judge_field(answer, "Content-Range", NULL, verdict))
        return false;
    struct slice rest = answer->content;
    for (size_t i = 0; i < count; i++) {
        if (!take_part(&rest, version, &ranges[i], boundary, type, is_cut, verdict))
            return false;
    }
    snprintf(end, sizeof(end), "\r\n--%s--\r\n", boundary);
    if (!take(&rest, end, is_cut, verdict))
        return false;
    return rest.length == 0 || blame(verdict, "%zu bytes behind the last part", rest.length);
}
