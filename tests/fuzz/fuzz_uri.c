/* Any bytes as a target, a Host value, a path and a text to be escaped. What was accepted must be in order: a
 * path never leaves the root, encoding and normalising it again changes nothing, and the form that keeps its
 * escapes means the same. */
#include "fuzz.h"

#include "http/escape.h"
#include "http/uri.h"

#include <stdlib.h>

#define ENCODED_MAX (1 << 22)

static void check_normal_form(struct slice path)
{
    assert(path.length > 0 && path.data[0] == '/');
    assert(slice_find(path, '\0') == path.length);
    struct slice rest = slice_skip(path, 1);
    while (rest.length > 0) {
        size_t end = slice_find(rest, '/');
        struct slice segment = slice_take(rest, end);
        assert(segment.length > 0);
        assert(!slice_equal(segment, SLICE(".")) && !slice_equal(segment, SLICE("..")));
        rest = slice_skip(rest, MIN(end + 1, rest.length));
    }
}

/* The normalised path, encoded, is a target that gives the same path. */
static void check_round_trip(struct slice path)
{
    struct buffer encoded;
    buffer_init(&encoded, ENCODED_MAX);
    http_path_encode(&encoded, path);
    assert(!encoded.failed);
    struct http_uri uri;
    enum http_uri_result uri_result = http_uri_parse(buffer_slice(&encoded), HTTP_METHOD_GET, &uri);
    assert(uri_result == HTTP_URI_OK && slice_equal(uri.path, buffer_slice(&encoded)));
    char *out = malloc(encoded.length);
    struct slice again;
    enum http_path_result result =
        http_path_normalize(uri.path, HTTP_PATH_DECODED, out, encoded.length, &again);
    assert(result == HTTP_PATH_OK && slice_equal(again, path));
    free(out);
    buffer_finish(&encoded);
}

static bool has_escape(struct slice path, struct slice escape)
{
    for (size_t i = 0; i + escape.length <= path.length; i++) {
        if (slice_equal_nocase(slice_make(path.data + i, escape.length), escape))
            return true;
    }
    return false;
}

/* The form that keeps its escapes is in order too, stays as it is when it is put in order again, and decodes
 * to the other form. */
static void check_encoded_form(struct slice encoded, struct slice decoded, enum http_path_result expected)
{
    struct slice path, again;
    char *out = malloc(encoded.length), *again_out = malloc(encoded.length);
    enum http_path_result result =
        http_path_normalize(encoded, HTTP_PATH_ENCODED, out, encoded.length, &path);
    assert(result == expected && path.length <= encoded.length);
    check_normal_form(path);
    result = http_path_normalize(path, HTTP_PATH_ENCODED, again_out, path.length, &again);
    assert((result == HTTP_PATH_OK || result == expected) && slice_equal(again, path));
    result = http_path_normalize(path, HTTP_PATH_DECODED, again_out, path.length, &again);
    assert((result == HTTP_PATH_OK || result == expected) && slice_equal(again, decoded));
    free(out);
    free(again_out);
}

/* `is_checked`: it has come through http_uri_parse. */
static void check_path(struct slice encoded, bool is_checked)
{
    struct slice path;
    char *out = malloc(encoded.length);
    enum http_path_result result =
        http_path_normalize(encoded, HTTP_PATH_DECODED, out, encoded.length, &path);
    switch (result) {
    case HTTP_PATH_OK: check_round_trip(path); break;
    case HTTP_PATH_NO_FILE: assert(has_escape(encoded, SLICE("%2f"))); break;
    case HTTP_PATH_BAD: assert(!is_checked || has_escape(encoded, SLICE("%00"))); break;
    case HTTP_PATH_TOO_LONG: assert(false);
    }
    if (result != HTTP_PATH_BAD) {
        assert(path.length <= encoded.length);
        check_normal_form(path);
        check_encoded_form(encoded, path, result);
    }
    free(out);
}

static void check_target(struct slice target, enum http_method method)
{
    struct http_uri uri;
    if (http_uri_parse(target, method, &uri) != HTTP_URI_OK)
        return;
    struct slice host, port;
    bool valid = http_host_parse(uri.host, &host, &port);
    assert(valid && slice_equal(host, uri.host) && port.length == 0);
    assert((uri.scheme == HTTP_SCHEME_NONE && method != HTTP_METHOD_CONNECT) == (uri.host.length == 0));
    if (method == HTTP_METHOD_CONNECT)
        assert(uri.path.length == 0 && uri.query.data == NULL && uri.port.length > 0);
    else if (slice_equal(uri.path, SLICE("*")))
        assert(method == HTTP_METHOD_OPTIONS && uri.query.data == NULL);
    else
        check_path(uri.path, true);
}

static void check_escapes(struct slice text)
{
    struct buffer buffer;
    buffer_init(&buffer, ENCODED_MAX);
    http_html_escape(&buffer, text);
    assert(!buffer.failed);
    for (size_t i = 0; i < buffer.length; i++)
        assert(buffer.data[i] != '<' && buffer.data[i] != '>' && buffer.data[i] != '"' &&
               buffer.data[i] != '\'');
    buffer_clear(&buffer);
    http_json_escape(&buffer, text);
    assert(!buffer.failed);
    for (size_t i = 0; i < buffer.length; i++) {
        assert((unsigned char)buffer.data[i] >= 0x20 && buffer.data[i] != '"' && buffer.data[i] != '<');
        if (buffer.data[i] == '\\')
            i++;
    }
    buffer_finish(&buffer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = slice_make((const char *)data, size);
    struct slice host, port;
    check_target(input, HTTP_METHOD_GET);
    check_target(input, HTTP_METHOD_OPTIONS);
    check_target(input, HTTP_METHOD_CONNECT);
    if (http_host_parse(input, &host, &port))
        assert(host.length > 0 || input.length == 0);
    check_path(input, false);
    check_escapes(input);
    return 0;
}
