/* Weighted lists. The elements of both headers look like "name;parameter=x;q=0.5"; read_element parses
 * them. */
#include "http/negotiate.h"

#include "http/field_list.h"

static const struct slice coding_names[HTTP_CODING_COUNT] = {
#define X(member, name) [HTTP_CODING_##member] = {.data = name, .length = sizeof(name) - 1},
    HTTP_CODING_TABLE(X)
#undef X
};

struct slice http_coding_name(enum http_coding coding)
{
    assert(coding < HTTP_CODING_COUNT);
    return coding_names[coding];
}

#define WEIGHT_MAX 1000 /* weights are in thousandths */

/* qvalue of RFC 9110 section 12.4.2: 0 to 1 with at most three decimals. Negative for anything else. */
static int read_weight(struct slice text)
{
    int weight = 0, digit_value = 100;
    if (text.length == 0 || text.length > 5 || (text.data[0] != '0' && text.data[0] != '1') ||
        (text.length > 1 && text.data[1] != '.'))
        return -1;
    for (size_t i = 2; i < text.length; i++, digit_value /= 10) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return -1;
        weight += (text.data[i] - '0') * digit_value;
    }
    weight += (text.data[0] - '0') * WEIGHT_MAX;
    return weight <= WEIGHT_MAX ? weight : -1;
}

/* Splits an element into name and weight; parameters other than q are ignored. Returns false if q is
 * malformed. */
static bool read_element(struct slice element, struct slice *ret_name, int *ret_weight)
{
    struct slice parameter;
    if (!http_next_element(&element, ';', ret_name))
        return false;
    *ret_weight = WEIGHT_MAX;
    while (http_next_element(&element, ';', &parameter)) {
        if (parameter.length >= 2 && slice_equal_nocase(slice_take(parameter, 2), SLICE("q=")))
            *ret_weight = read_weight(slice_skip(parameter, 2));
    }
    return *ret_weight >= 0;
}

/* The weight given for each coding; UNSAID if it is not mentioned. */
#define UNSAID (-1)
struct coding_weights {
    int of[HTTP_CODING_COUNT];
    int others; /* "*" */
};

static void note_coding(struct coding_weights *weights, struct slice name, int weight)
{
    if (slice_equal(name, SLICE("*")))
        weights->others = weight;
    if (slice_equal_nocase(name, SLICE("x-gzip"))) /* RFC 9110 section 8.4.1.3 */
        weights->of[HTTP_CODING_GZIP] = weight;
    for (unsigned i = 0; i < HTTP_CODING_COUNT; i++) {
        if (slice_equal_nocase(name, coding_names[i]))
            weights->of[i] = weight;
    }
}

static struct coding_weights read_codings(const struct http_request *request)
{
    struct coding_weights weights = {.others = UNSAID};
    struct http_field_list list = http_request_list(request, HTTP_FIELD_ACCEPT_ENCODING);
    struct slice element, name;
    int weight;
    for (unsigned i = 0; i < HTTP_CODING_COUNT; i++)
        weights.of[i] = UNSAID;
    while (http_field_list_next(&list, &element)) {
        if (read_element(element, &name, &weight))
            note_coding(&weights, name, weight);
    }
    return weights;
}

/* The weight of a coding; one that is not mentioned has 0, so that it never wins over identity. */
static int weight_of(const struct coding_weights *weights, unsigned coding)
{
    if (weights->of[coding] != UNSAID)
        return weights->of[coding];
    return MAX(weights->others, 0);
}

enum http_coding http_coding_choose(const struct http_request *request, unsigned available)
{
    if ((available & ~HTTP_CODING_BIT(HTTP_CODING_IDENTITY)) == 0 ||
        !http_request_has(request, HTTP_FIELD_ACCEPT_ENCODING))
        return HTTP_CODING_IDENTITY;
    struct coding_weights weights = read_codings(request);
    unsigned best = HTTP_CODING_IDENTITY;
    int best_weight = MAX(weight_of(&weights, best), 1); /* weight 0 forbids, so the winner must have more */
    for (unsigned i = HTTP_CODING_IDENTITY + 1; i < HTTP_CODING_COUNT; i++) {
        int weight = weight_of(&weights, i);
        if ((available & HTTP_CODING_BIT(i)) == 0 || weight < best_weight)
            continue;
        best = i;
        best_weight = weight;
    }
    return (enum http_coding)best;
}

/* How specifically a media range names a type. */
enum exactness { EXACT_NOT, EXACT_ANY, EXACT_TYPE, EXACT_SUBTYPE };

struct preference {
    struct slice type, subtype;
    enum exactness exactness; /* of the most specific range so far, whose weight counts */
    int weight;
};

static enum exactness compare_range(struct slice range, const struct preference *preference)
{
    size_t slash = slice_find(range, '/');
    if (slash == range.length)
        return EXACT_NOT;
    struct slice type = slice_take(range, slash), subtype = slice_skip(range, slash + 1);
    bool any_subtype = slice_equal(subtype, SLICE("*"));
    if (slice_equal(type, SLICE("*")))
        return any_subtype ? EXACT_ANY : EXACT_NOT;
    if (!slice_equal_nocase(type, preference->type))
        return EXACT_NOT;
    if (any_subtype)
        return EXACT_TYPE;
    return slice_equal_nocase(subtype, preference->subtype) ? EXACT_SUBTYPE : EXACT_NOT;
}

static void note_range(struct preference *preference, struct slice range, int weight)
{
    enum exactness exactness = compare_range(range, preference);
    if (exactness == EXACT_NOT || exactness < preference->exactness)
        return;
    preference->exactness = exactness;
    preference->weight = weight;
}

bool http_prefers_json(const struct http_request *request)
{
    struct preference json = {.type = SLICE("application"), .subtype = SLICE("json")};
    struct preference html = {.type = SLICE("text"), .subtype = SLICE("html")};
    struct http_field_list list = http_request_list(request, HTTP_FIELD_ACCEPT);
    struct slice element, range;
    int weight;
    while (http_field_list_next(&list, &element)) {
        if (!read_element(element, &range, &weight))
            continue;
        note_range(&json, range, weight);
        note_range(&html, range, weight);
    }
    if (json.weight != html.weight)
        return json.weight > html.weight;
    return json.weight > 0 && json.exactness > html.exactness;
}

/* Destinations (of the Fetch standard) that are displayed by themselves or in a frame. */
static bool is_page_destination(struct slice destination)
{
    static const struct slice names[] = {
        SLICE("document"), SLICE("iframe"), SLICE("frame"), SLICE("embed"), SLICE("object"),
    };
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        if (slice_equal(destination, names[i]))
            return true;
    }
    return false;
}

static enum http_page_wish wish_of_accept(const struct http_request *request)
{
    struct preference html = {.type = SLICE("text"), .subtype = SLICE("html")};
    struct http_field_list list = http_request_list(request, HTTP_FIELD_ACCEPT);
    struct slice element, range;
    int weight;
    if (!http_request_has(request, HTTP_FIELD_ACCEPT))
        return HTTP_PAGE_UNSAID;
    while (http_field_list_next(&list, &element)) {
        if (read_element(element, &range, &weight))
            note_range(&html, range, weight);
    }
    if (html.weight == 0)
        return HTTP_PAGE_NOT_WANTED;
    return html.exactness == EXACT_ANY ? HTTP_PAGE_UNSAID : HTTP_PAGE_WANTED;
}

/* "empty" is a script's fetch(), which may want a page, too; then Accept says so. */
enum http_page_wish http_page_wish(const struct http_request *request)
{
    struct slice destination = http_request_field(request, HTTP_FIELD_SEC_FETCH_DEST);
    if (destination.data == NULL)
        return wish_of_accept(request);
    if (is_page_destination(destination))
        return HTTP_PAGE_WANTED;
    bool is_fetch = slice_equal(destination, SLICE("empty"));
    return is_fetch && wish_of_accept(request) == HTTP_PAGE_WANTED ? HTTP_PAGE_WANTED : HTTP_PAGE_NOT_WANTED;
}
