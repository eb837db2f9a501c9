/* Connection and Transfer-Encoding. Both are lists: every line and every element counts. */
#include "h1/framing.h"

#include "http/field_list.h"

bool h1_is_persistent(const struct http_field *fields, unsigned count, unsigned version_minor)
{
    struct http_field_list options = http_field_list(fields, count, HTTP_FIELD_CONNECTION);
    return !http_field_list_has(options, SLICE("close")) &&
           (version_minor >= 1 || http_field_list_has(options, SLICE("keep-alive")));
}

enum h1_coding h1_transfer_coding(const struct http_field *fields, unsigned count)
{
    struct http_field_list codings = http_field_list(fields, count, HTTP_FIELD_TRANSFER_ENCODING);
    struct slice coding;
    unsigned total = 0, chunked = 0;
    bool is_last = false;
    while (http_field_list_next(&codings, &coding)) {
        is_last = slice_equal_nocase(coding, SLICE("chunked"));
        chunked += is_last;
        total++;
    }
    if (!is_last || chunked > 1)
        return H1_CODING_BAD;
    return total == 1 ? H1_CODING_CHUNKED : H1_CODING_OTHERS;
}
