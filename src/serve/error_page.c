/* Fills in src/serve/pages/error.html, or writes the same as JSON. Nothing on the page comes from the
 * request, so it cannot be used for injection. */
#include "serve/error_page.h"

#include "http/escape.h"
#include "http/status.h"
#include "serve/page.h"

/* What a status means to the visitor, who usually cannot fix the cause. */
static const char *sentence_for(int status)
{
    switch (status) {
    case 400: return "The server could not make sense of what the browser sent.";
    case 401: return "You need to sign in to see this page.";
    case 403: return "This page is not for you to see.";
    case 404: return "There is nothing at this address. It may have been moved, or mistyped.";
    case 405: return "This page can be read, but not used in the way the browser asked for.";
    case 408: return "The request did not arrive in time. Please try again.";
    case 410: return "What was here is gone, and will not come back.";
    case 411: return "The browser did not say how much it was going to send.";
    case 412: return "The page has changed since the browser last saw it. Please load it again.";
    case 413: return "What you sent is larger than this server takes.";
    case 414: return "The address is longer than this server takes.";
    case 415: return "The server does not take this kind of content.";
    case 416: return "The file does not have the part that was asked for.";
    case 417: return "The server cannot promise what the browser expects of it.";
    case 421: return "This server does not answer for that address.";
    case 429: return "That was a lot of requests. Please wait a moment and try again.";
    case 431: return "The browser sent more than this server reads. Deleting this site's cookies may help.";
    case 500: return "Something went wrong in the server. It is not your fault.";
    case 501: return "The server does not know how to do what the browser asked for.";
    case 502: return "A server behind this one gave an answer that makes no sense.";
    case 503: return "The server is busy at the moment. Please try again a little later.";
    case 504: return "A server behind this one did not answer in time. Please try again a little later.";
    case 505: return "The server does not speak this version of HTTP.";
    }
    return status < 500 ? "The server cannot answer this request the way it was sent."
                        : "The server could not answer. It is not your fault.";
}

struct error_facts {
    int status;
    const char *sentence;
};

static void fill_status(void *context, struct buffer *out)
{
    const struct error_facts *facts = context;
    buffer_append_u64(out, (uint64_t)facts->status);
}

static void fill_reason(void *context, struct buffer *out)
{
    const struct error_facts *facts = context;
    struct slice reason = http_status_reason(facts->status);
    buffer_append(out, reason.length > 0 ? reason : SLICE("Error"));
}

static void fill_sentence(void *context, struct buffer *out)
{
    const struct error_facts *facts = context;
    buffer_append(out, slice_from(facts->sentence));
}

static void write_json(struct error_facts *facts, struct buffer *out)
{
    buffer_append(out, SLICE("{\"status\":"));
    fill_status(facts, out);
    buffer_append(out, SLICE(",\"title\":\""));
    fill_reason(facts, out);
    buffer_append(out, SLICE("\",\"detail\":\""));
    http_json_escape(out, slice_from(facts->sentence));
    buffer_append(out, SLICE("\"}\n"));
}

void error_page_make(int status, const char *why, enum error_page_format format, struct buffer *out)
{
    static const struct page_slot slots[] = {
        {SLICE("status"), fill_status},
        {SLICE("reason"), fill_reason},
        {SLICE("sentence"), fill_sentence},
    };
    struct error_facts facts = {.status = status, .sentence = why ? why : sentence_for(status)};
    assert(status >= 400 && status <= 599);
    if (format == ERROR_PAGE_JSON)
        write_json(&facts, out);
    else
        page_write(&page_error, slots, ARRAY_LENGTH(slots), &facts, out);
}

struct slice error_page_security_policy(void)
{
    return page_error.policy;
}
