/* Each line of the input is the value of an Accept-Encoding and of an Accept field. Whatever is chosen is
 * there to choose, and would be chosen as well were it the only one: a choice never depends on codings that
 * lose. */
#include "fuzz.h"

#include "../unit/http/request_builder.h"
#include "http/negotiate.h"

#define ALL ((1u << HTTP_CODING_COUNT) - 1)

static void check_choices(const struct http_request *request)
{
    enum http_coding best = http_coding_choose(request, ALL);
    for (unsigned available = 0; available <= ALL; available += 2) { /* identity always counts */
        enum http_coding chosen = http_coding_choose(request, available);
        unsigned bit = HTTP_CODING_BIT(chosen);
        assert(chosen == HTTP_CODING_IDENTITY || (available & bit));
        assert(http_coding_choose(request, bit) == chosen);
        assert((available & HTTP_CODING_BIT(best)) == 0 || chosen == best);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct http_request request = {0};
    struct slice rest = slice_make((const char *)data, size), line;
    while (slice_next(&rest, '\n', &line) && request.field_count < HTTP_FIELDS_MAX) {
        request_add(&request, HTTP_FIELD_ACCEPT_ENCODING, line);
        if (request.field_count < HTTP_FIELDS_MAX)
            request_add(&request, HTTP_FIELD_ACCEPT, line);
    }
    (void)http_prefers_json(&request);
    check_choices(&request);
    request_free(&request);
    return 0;
}
